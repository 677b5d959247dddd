/**
 * The one error that crosses floors, and the one table that says what each means: to our retry policy, to a Jabber
 * user (RFC 6120 section 8.3.3), to the log. `text` is safe to show to the peer; `cause` is for the log alone.
 */

/** never: refused for good. later: the same thing may work after a while. reauth: nothing works until the link has
 * another password. unknown: it was written and the connection was lost before the answer, it may have happened. */
export type Retry = 'never' | 'later' | 'reauth' | 'unknown';

export type ErrorType = 'auth' | 'cancel' | 'continue' | 'modify' | 'wait';

interface Row {
  readonly retry: Retry;
  readonly type: ErrorType;
  readonly condition: string;
  readonly text: string;
}

const row = (retry: Retry, type: ErrorType, condition: string, text: string): Row => ({ retry, type, condition, text });

export const faultTable = {
  'bad-request': row('never', 'modify', 'bad-request', 'The request is not well formed.'),
  'jid-malformed': row('never', 'modify', 'jid-malformed', 'This address cannot be used here.'),
  'not-acceptable': row('never', 'modify', 'not-acceptable', 'This cannot be passed on.'),
  'not-encrypted-here': row(
    'never',
    'modify',
    'not-acceptable',
    'End-to-end encrypted messages cannot be passed on to this network. Please switch encryption off for this contact.',
  ),
  'too-large': row('never', 'modify', 'not-acceptable', 'This is larger than the gateway passes on.'),
  forbidden: row('never', 'auth', 'forbidden', 'You may not use this gateway.'),
  'not-authorized': row(
    'reauth',
    'auth',
    'not-authorized',
    'The other network refused the account name or the password.',
  ),
  'not-linked': row('never', 'auth', 'registration-required', 'Please register with this gateway first.'),
  'not-found': row('never', 'cancel', 'item-not-found', 'There is no such contact.'),
  'not-implemented': row('never', 'cancel', 'feature-not-implemented', 'The gateway does not do this.'),
  'not-allowed': row('never', 'cancel', 'not-allowed', 'This is not allowed.'),
  'no-service': row('never', 'cancel', 'service-unavailable', 'Nobody serves this here.'),
  refused: row('never', 'cancel', 'undefined-condition', 'The other network refused it.'),
  expired: row('never', 'wait', 'remote-server-timeout', 'It could not be delivered in time.'),
  poisoned: row('never', 'cancel', 'undefined-condition', 'A stored message could not be read.'),
  'rate-limited': row('never', 'wait', 'policy-violation', 'Too many messages. Please wait a minute.'),
  'lane-full': row('never', 'wait', 'resource-constraint', 'Too many messages are waiting. Please try again later.'),
  'store-away': row(
    'later',
    'wait',
    'resource-constraint',
    'The gateway cannot accept messages now. Please try again later.',
  ),
  unavailable: row('later', 'wait', 'remote-server-timeout', 'The other network cannot be reached now.'),
  timeout: row('later', 'wait', 'remote-server-timeout', 'The other network did not answer in time.'),
  'too-many-sessions': row(
    'later',
    'wait',
    'resource-constraint',
    'The other network allows no more sessions (its licence may be limited).',
  ),
  'needs-user': row(
    'reauth',
    'auth',
    'not-authorized',
    'The other network wants you to act (second factor or new password) before you can log in.',
  ),
  'no-tls': row(
    'later',
    'cancel',
    'policy-violation',
    'The other network offers no encryption, and the gateway is told to require it.',
  ),
  'unknown-outcome': row(
    'unknown',
    'wait',
    'remote-server-timeout',
    'It may or may not have been delivered: the connection was lost before the answer.',
  ),
  'xml-malformed': row('never', 'modify', 'bad-request', 'The XML is not well formed.'),
  'xml-forbidden': row('never', 'modify', 'bad-request', 'The XML contains something that is not allowed.'),
  'xml-limit': row('never', 'modify', 'policy-violation', 'The XML is too large or too deep.'),
  'stream-conflict': row('never', 'cancel', 'conflict', 'Another component is connected with this name.'),
  'stream-refused': row('never', 'auth', 'not-authorized', 'The XMPP server refused the component.'),
  stopping: row('later', 'wait', 'service-unavailable', 'The gateway is being restarted.'),
  internal: row('never', 'wait', 'internal-server-error', 'The gateway made a mistake. It has been logged.'),
} as const satisfies Readonly<Record<string, Row>>;

export type FaultCode = keyof typeof faultTable;

/** A fault as data: what is stored on an envelope and shown to an operator. */
export interface FaultData {
  readonly code: FaultCode;
  readonly text: string;
  /** number the far network gave, if any */
  readonly number?: number;
  /** the stanza error that a Jabber entity gave, if any */
  readonly stanza?: StanzaError;
}

/** RFC 6120 section 8.3: type, defined condition, human text. */
export interface StanzaError {
  readonly type: ErrorType;
  readonly condition: string;
  readonly text: string;
}

export interface FaultDetail {
  readonly text?: string;
  readonly number?: number;
  readonly stanza?: StanzaError;
  readonly cause?: unknown;
  /** certain: what was asked for has not been done, in no part */
  readonly isUndone?: boolean;
}

export class Fault extends Error {
  readonly code: FaultCode;
  readonly number: number | undefined;
  readonly stanza: StanzaError | undefined;
  readonly isUndone: boolean;

  constructor(code: FaultCode, detail: FaultDetail = {}) {
    super(detail.text ?? faultTable[code].text, 'cause' in detail ? { cause: detail.cause } : undefined);
    this.name = 'Fault';
    this.code = code;
    this.number = detail.number;
    this.stanza = detail.stanza;
    this.isUndone = detail.isUndone === true;
  }

  /** What may be shown to the peer. */
  get text(): string {
    return this.message;
  }

  get retry(): Retry {
    return faultTable[this.code].retry;
  }

  /** The storable form: no cause, no stack. */
  toData(): FaultData {
    return {
      code: this.code,
      text: this.text,
      ...(this.number === undefined ? {} : { number: this.number }),
      ...(this.stanza === undefined ? {} : { stanza: this.stanza }),
    };
  }
}

/** Any thrown value as a Fault; what is not one becomes `internal` with the value as cause. Never throws. */
export function toFault(thrown: unknown): Fault {
  return thrown instanceof Fault ? thrown : new Fault('internal', { cause: thrown });
}

/** The Fault of stored data. */
export function faultOf(data: FaultData): Fault {
  return new Fault(data.code, data);
}

/** A far error response. Every number is a refusal with the server's own text: none but 500 is documented
 * (docs/XIMSS.md 1.3, A1). Never throws. */
export function farRefusal(number: number | null, text: string | null): Fault {
  const shown = text === null || text === '' ? {} : { text };
  return new Fault('refused', number === null ? shown : { ...shown, number });
}

/** The stanza error of a fault: the one the Jabber side gave, else the table's, with the fault's own text. */
export function stanzaErrorOf(fault: FaultData): StanzaError {
  if (fault.stanza) return fault.stanza;
  const { type, condition } = faultTable[fault.code];
  return { type, condition, text: fault.text };
}

/** A Map, because the condition is any word that a peer chose, `constructor` included. */
const conditions: ReadonlyMap<string, FaultCode> = new Map<string, FaultCode>(
  Object.entries({
    'item-not-found': 'not-found',
    'jid-malformed': 'jid-malformed',
    forbidden: 'forbidden',
    'not-allowed': 'not-allowed',
    'not-acceptable': 'not-acceptable',
    'feature-not-implemented': 'not-implemented',
    'bad-request': 'bad-request',
  } satisfies Record<string, FaultCode>),
);

/** The fault of a stanza error that a Jabber entity sent us: final, since the server had the stanza and gave it back. */
export function faultOfStanza(stanza: StanzaError): Fault {
  const code = conditions.get(stanza.condition) ?? 'no-service';
  return new Fault(code, { stanza, ...(stanza.text === '' ? {} : { text: stanza.text }) });
}
