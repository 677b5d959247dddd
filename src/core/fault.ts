/**
 * The one error that crosses layers, and the one table that says what each means: to our retry policy, to a Jabber
 * user (RFC 6120 section 8.3.3), to the log. `text` is safe to show to the peer; `cause` is for the log alone.
 */
import { en } from './i18n/en';
import { reasonText, textsFor, type Language, type ReasonName, type Texts } from './i18n';

/** never: refused for good. later: the same thing may work after a while. reauth: nothing works until the link has
 * another password. unknown: it was written and the connection was lost before the answer, it may have happened. */
export type Retry = 'never' | 'later' | 'reauth' | 'unknown';

export type ErrorType = 'auth' | 'cancel' | 'continue' | 'modify' | 'wait';

interface Row {
  readonly retry: Retry;
  readonly type: ErrorType;
  readonly condition: string;
}

const row = (retry: Retry, type: ErrorType, condition: string): Row => ({ retry, type, condition });

export type FaultCode = keyof Texts['faults'];

export const faultTable = {
  'bad-request': row('never', 'modify', 'bad-request'),
  'jid-malformed': row('never', 'modify', 'jid-malformed'),
  'not-acceptable': row('never', 'modify', 'not-acceptable'),
  'not-encrypted-here': row('never', 'modify', 'not-acceptable'),
  'too-large': row('never', 'modify', 'not-acceptable'),
  forbidden: row('never', 'auth', 'forbidden'),
  'not-authorized': row('reauth', 'auth', 'not-authorized'),
  'not-linked': row('never', 'auth', 'registration-required'),
  'not-found': row('never', 'cancel', 'item-not-found'),
  'not-implemented': row('never', 'cancel', 'feature-not-implemented'),
  'not-allowed': row('never', 'cancel', 'not-allowed'),
  'no-service': row('never', 'cancel', 'service-unavailable'),
  refused: row('never', 'cancel', 'undefined-condition'),
  expired: row('never', 'wait', 'remote-server-timeout'),
  poisoned: row('never', 'cancel', 'undefined-condition'),
  'try-later': row('never', 'wait', 'resource-constraint'),
  'rate-limited': row('never', 'wait', 'policy-violation'),
  'lane-full': row('never', 'wait', 'resource-constraint'),
  'store-away': row('later', 'wait', 'resource-constraint'),
  unavailable: row('later', 'wait', 'remote-server-timeout'),
  timeout: row('later', 'wait', 'remote-server-timeout'),
  'too-many-sessions': row('later', 'wait', 'resource-constraint'),
  'login-refused': row('later', 'wait', 'remote-server-timeout'),
  'needs-user': row('reauth', 'auth', 'not-authorized'),
  'no-tls': row('later', 'cancel', 'policy-violation'),
  'unknown-outcome': row('unknown', 'wait', 'remote-server-timeout'),
  'xml-malformed': row('never', 'modify', 'bad-request'),
  'xml-forbidden': row('never', 'modify', 'bad-request'),
  'xml-limit': row('never', 'modify', 'policy-violation'),
  'stream-conflict': row('never', 'cancel', 'conflict'),
  'stream-refused': row('never', 'auth', 'not-authorized'),
  stopping: row('later', 'wait', 'service-unavailable'),
  internal: row('never', 'wait', 'internal-server-error'),
} as const satisfies Readonly<Record<FaultCode, Row>>;

/** A fault as data: what is stored on an envelope and shown to an operator. */
export interface FaultData {
  readonly code: FaultCode;
  readonly text: string;
  /** the sentence of the table of reasons that `text` is in English, and its value if it has one */
  readonly reason?: ReasonName;
  readonly value?: string;
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
  /** another server's own words; ours are reasons */
  readonly text?: string;
  readonly reason?: ReasonName;
  readonly value?: string;
  readonly number?: number;
  readonly stanza?: StanzaError;
  readonly cause?: unknown;
  /** certain: what was asked for has not been done, in no part */
  readonly isUndone?: boolean;
}

export class Fault extends Error {
  readonly code: FaultCode;
  readonly reason: ReasonName | undefined;
  readonly value: string | undefined;
  readonly number: number | undefined;
  readonly stanza: StanzaError | undefined;
  readonly isUndone: boolean;

  constructor(code: FaultCode, detail: FaultDetail = {}) {
    super(englishText(code, detail), 'cause' in detail ? { cause: detail.cause } : undefined);
    this.name = 'Fault';
    this.code = code;
    this.reason = detail.reason;
    this.value = detail.value;
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
      ...(this.reason === undefined ? {} : { reason: this.reason }),
      ...(this.value === undefined ? {} : { value: this.value }),
      ...(this.number === undefined ? {} : { number: this.number }),
      ...(this.stanza === undefined ? {} : { stanza: this.stanza }),
    };
  }
}

function englishText(code: FaultCode, { text, reason, value = '' }: FaultDetail): string {
  if (text !== undefined) return text;
  return reason === undefined ? en.faults[code] : reasonText(reason, value, 'en');
}

/**
 * What happened, for a reader of this language. `language` null: these are another server's own words, in a language
 * that nobody knows. Never throws.
 */
export function faultText(
  { code, text, reason, value = '' }: FaultData,
  language: Language,
): { readonly text: string; readonly language: Language | null } {
  if (reason !== undefined) return { text: reasonText(reason, value, language), language };
  return text === en.faults[code] ? { text: textsFor(language).faults[code], language } : { text, language: null };
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
