/**
 * The ways this server says no. Only 500 "unknown command" and two texts are documented (docs/XIMSS.md 1.3); the other
 * numbers are this server's own, spread out so that nobody learns to depend on them (assumption A1).
 */

export class Refusal extends Error {
  constructor(
    readonly errorNum: number,
    readonly errorText: string,
  ) {
    super(errorText);
  }
}

const row = (errorNum: number, errorText: string) => (): Refusal => new Refusal(errorNum, errorText);

export const refusals = {
  unknownCommand: row(500, 'unknown command'),
  notLoggedIn: row(530, 'authentication is required first'),
  alreadyLoggedIn: row(531, 'already authenticated'),
  badPassword: row(535, 'unknown user account or incorrect password'),
  badMethod: row(504, 'authentication method is not supported'),
  needsTls: row(538, 'encryption is required for this authentication method'),
  noTls: row(539, 'TLS is not available'),
  noChallenge: row(503, 'no authentication is in progress'),
  tooManySessions: row(452, 'too many concurrent XIMSS sessions: licence limit reached'),
  unknownDomain: row(541, 'unknown domain'),
  unknownAccount: row(542, 'unknown user account'),
  remoteDomain: row(543, 'relaying to this domain is prohibited'),
  accountExists: row(544, 'account already exists'),
  noSignup: row(545, 'auto-signup is disabled'),
  storeFull: row(552, 'offline message storage is full'),
  noFile: row(560, 'file is not found'),
  badVCard: row(561, 'illegal vCard data format'),
  notBound: row(565, 'signals are not bound'),
  clientIDTaken: row(566, 'clientID is in use'),
  passwordFirst: row(567, 'password must be changed first'),
  secondFactor: row(568, 'second authentication factor is required'),
  noClient: row(569, 'no client is available'),
  notSupported: row(502, 'command is not supported by this server'),
  noContact: row(571, 'contact is not found'),
  noRooms: row(570, 'conference rooms are not available'),
  /** A request that lacks or misuses a parameter; `what` names it. */
  badParameter: (what: string): Refusal => new Refusal(501, `parameter is missing or incorrect: ${what}`),
};
