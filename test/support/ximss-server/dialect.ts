/**
 * Where docs/XIMSS.md has only assumptions (its section 11) or says nothing, the server has a switch.
 * The defaults are the readings the bridge is built on; a test turns one switch to see the other reading.
 */

export interface Dialect {
  /** A3: DIGEST-MD5 proves the server by one more `challenge` holding rspauth (answered by an empty `auth`), or not at all. */
  rspauth: 'challenge' | 'none';
  /** Charsets in which a password of DIGEST-MD5 may be hashed (RFC 2831 2.1.2.1 has both; servers differ). */
  digestCharsets: ('latin1' | 'utf8')[];
  /** A4: a `login` without `method` is accepted. */
  methodless: boolean;
  /** A4: where a PLAIN message stands: in authData, or in an `auth` that answers an empty `challenge`. */
  plainIn: 'authData' | 'auth';
  /** The doc says one final response for a SASL login; the other reading answers `login` and `auth` each. */
  loginResponses: 'one' | 'two';
  /** 2.3 does not know `version` on a TCP `login`; true honours it there. */
  tcpLoginVersion: boolean;
  /** A6: what a bind without `readIM`/`presence` attributes turns on. */
  bareBind: { readIM: boolean; presence: boolean };
  /** Second bind of a session with a clientID that another session of the account holds (2.7: unknown). */
  sameClientID: 'coexist' | 'refuse' | 'unbindOld';
  /** A7: types sendIM accepts. */
  imTypes: string[];
  /** A8: `<body>`, `<subject>` and chat states accepted inside sendIM. */
  bodyChildren: boolean;
  /** Meaning of clientID on sendIM (4.1: unknown): the sender's instance, or the recipient's. */
  sendIMClientID: 'sender' | 'recipient';
  /** A9: clientID on readIM. */
  readIMClientID: boolean;
  /** A10: gmtTime on stored messages. */
  gmtTime: boolean;
  /** A11: which sessions get format B (`<body>`): those that gave a version, those that gave 6.2 or later, all, none. */
  formatB: 'anyVersion' | 'from6.2' | 'always' | 'never';
  /** iqid on readIM: the sender's or else made up here; only the sender's; always made up; none. */
  iqid: 'passOrMake' | 'pass' | 'make' | 'none';
  /** A13: an unknown peer is refused in the response, or accepted and reported later by readIM type="error". */
  unknownPeer: 'refuse' | 'report';
  /** Stored messages are sent before or after the response to signalBind. */
  offlineDelivery: 'beforeResponse' | 'afterResponse';
  /** A15: rooms. */
  rooms: boolean;
  /** A16: a vCard request is answered from the account's file, or goes to its client like any iq. */
  vCard: 'server' | 'relay';
  /** A16: iq for an account without a bound client: an iqRead of type error, or an error response. */
  iqNobody: 'iqRead' | 'refuse';
  /** A17: how a pending outgoing request shows on rosterItem. */
  askAttribute: boolean;
  /** A18: how rosterSet deletes: subscription="remove", or type="remove". */
  rosterRemove: 'subscription' | 'type';
  /** IMP: adding a contact by rosterSet also asks for its presence. */
  rosterSetSubscribes: boolean;
  /** IMP: a confirmation makes both sides see each other. */
  confirmIsMutual: boolean;
  /** A19: subscription verbs in presenceSet are understood. */
  subscriptionVerbs: boolean;
  /** `<show>` beside `<presence>` in presence messages (6.2: optional). */
  presenceShow: boolean;
  /** Which avatar hash forms presence carries (6.2). */
  avatarHash: 'both' | 'avatar' | 'vcard' | 'none';
  /** Requests of one connection are handled in order, one at a time (1.2: unknown); false lets a slow one be overtaken. */
  inOrder: boolean;
  /** A wrong reqSeq: HTTP status 500 with the text as body, or status 200 with an error response (3.2: only the text is known). */
  sequenceError: 'status' | 'xml';
  /** First reqSeq values accepted (3.2: C1 begins with 1, C11 with 0). */
  firstReqSeq: number[];
  /** Whether a get that gives no maxWait waits, in seconds (3.2: unknown). */
  defaultMaxWait: number;
  /** Name of the element listDirectory answers with (7.5: unknown). */
  directoryElement: string;
  /** passwordModify: name of the new password (2.6: unknown). */
  newPasswordAttribute: string;
}

export const defaultDialect: Dialect = {
  rspauth: 'challenge',
  digestCharsets: ['latin1', 'utf8'],
  methodless: true,
  plainIn: 'authData',
  loginResponses: 'one',
  tcpLoginVersion: false,
  bareBind: { readIM: true, presence: false },
  sameClientID: 'coexist',
  imTypes: ['chat', 'normal', 'headline', 'groupchat', 'error'],
  bodyChildren: true,
  sendIMClientID: 'sender',
  readIMClientID: true,
  gmtTime: true,
  formatB: 'anyVersion',
  iqid: 'passOrMake',
  unknownPeer: 'refuse',
  offlineDelivery: 'beforeResponse',
  rooms: false,
  vCard: 'server',
  iqNobody: 'iqRead',
  askAttribute: true,
  rosterRemove: 'subscription',
  rosterSetSubscribes: false,
  confirmIsMutual: false,
  subscriptionVerbs: true,
  presenceShow: false,
  avatarHash: 'both',
  inOrder: true,
  sequenceError: 'status',
  firstReqSeq: [0, 1],
  defaultMaxWait: 0,
  directoryElement: 'directoryData',
  newPasswordAttribute: 'newPassword',
};
