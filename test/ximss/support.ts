/** What the tests of this layer share: a listener that remembers, a far port on a test server, plain clock, log, meter. */
import type { Clock, FarListener, FarPort, Log, Meter } from '../../src/bridge/ports';
import { parseAccount, parseJid, type Account, type BareJid } from '../../src/core/address';
import type { Fault } from '../../src/core/fault';
import {
  chatMessage,
  type Contact,
  type Envelope,
  type Event,
  type Link,
  type LinkStatus,
  type Message,
} from '../../src/core/model';
import { accepted, parseXimssServer } from '../../src/config';
import { systemClock } from '../../src/ops/clock';
import { makeFarPort, type FarSettings } from '../../src/ximss/port';

export const jid = (text: string): BareJid => {
  const parsed = parseJid(text);
  if (parsed === null) throw new Error(`no JID: ${text}`);
  return parsed.bare;
};

export const account = (text: string): Account => {
  const parsed = parseAccount(text);
  if (parsed === null) throw new Error(`no account: ${text}`);
  return parsed;
};

export interface Heard {
  readonly user: BareJid;
  readonly peer: Account;
  readonly event: Event;
  readonly identity: string | null;
}

export interface Remembering extends FarListener {
  readonly events: Heard[];
  readonly statuses: { readonly user: BareJid; readonly status: LinkStatus; readonly fault: Fault | null }[];
  readonly contacts: { readonly user: BareJid; readonly account: Account; readonly contact: Contact | null }[];
  readonly notices: { readonly user: BareJid; readonly text: string }[];
  readonly longRefusals: { readonly user: BareJid; readonly fault: Fault }[];
  /** Bodies of the messages that came, in order. */
  bodies(): string[];
  /** What storing does; replace it to make the store fail or wait. */
  store: (heard: Heard) => Promise<void>;
}

export function rememberingListener(): Remembering {
  const listener: Remembering = {
    events: [],
    statuses: [],
    contacts: [],
    notices: [],
    longRefusals: [],
    urgency: () => 0,
    bodies: () => listener.events.flatMap(({ event }) => (event.kind === 'message' ? [event.body] : [])),
    store: () => Promise.resolve(),
    onEvent: async (user, peer, event, identity) => {
      const heard = { user, peer, event, identity };
      await listener.store(heard);
      listener.events.push(heard);
    },
    onLongRefusal: (user, fault) => void listener.longRefusals.push({ user, fault }),
    onStatus: (user, status, fault) => void listener.statuses.push({ user, status, fault }),
    onContact: (user, contactAccount, contact) =>
      void listener.contacts.push({ user, account: contactAccount, contact }),
    onAlert: (user, text) => void listener.notices.push({ user, text }),
  };
  return listener;
}

export interface Line {
  readonly level: string;
  readonly fields: object;
  readonly message: string;
}

export function rememberingLog(): Log & { readonly lines: Line[] } {
  const lines: Line[] = [];
  const at =
    (level: string) =>
    (fields: object, message: string): void =>
      void lines.push({ level, fields, message });
  const log = { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => log };
  return log;
}

/** What this layer counts, with its labels; test/ops/metrics.test.ts compares the names with the table. */
const metrics: Readonly<Record<string, readonly string[]>> = {
  faults_total: ['code', 'part'],
  xml_chars_removed_total: ['part'],
  ximss_documents_total: ['dir'],
  responses_unasked_total: [],
  sessions: ['status'],
};

/** A meter that refuses other names and labels. */
export function countingMeter(): Meter & { readonly counts: Map<string, number> } {
  const counts = new Map<string, number>();
  const check = (name: string, labels: Readonly<Record<string, string>> = {}): string => {
    const given = Object.keys(labels).sort().join();
    if (metrics[name]?.join() !== given) throw new Error(`no metric ${name}{${given}}`);
    return [name, ...Object.values(labels)].join(' ');
  };
  const add = (name: string, labels?: Readonly<Record<string, string>>, by = 1): void => {
    const key = check(name, labels);
    counts.set(key, (counts.get(key) ?? 0) + by);
  };
  return {
    counts,
    count: add,
    gauge: (name, value, labels) => void counts.set(check(name, labels), value),
    observe: (name, _value, labels) => void check(name, labels),
  };
}

/** The address of a server, as the configuration parses it. */
export const serverAt = (text: string): FarSettings['server'] => accepted(parseXimssServer, text);

export const baseSettings: FarSettings = {
  server: serverAt('ximss://127.0.0.1:1'),
  domain: 'example.net',
  starttls: 'never',
  login: 'auto',
  ca: null,
  keepAliveMs: 60_000,
  requestTimeoutMs: 5_000,
  maxDocumentBytes: 262_144,
  dialect: {},
};

/** Longer than any deadline of a test's settings. */
const longMs = 45_000;

/** A pause that would last too long for a test. */
export interface LongPause {
  readonly ms: number;
  readonly end: () => void;
}

export interface FarUnderTest {
  readonly longPauses: readonly LongPause[];
  readonly far: FarPort;
  readonly heard: Remembering;
  readonly log: ReturnType<typeof rememberingLog>;
  readonly meter: ReturnType<typeof countingMeter>;
  /** Ends everything; for afterEach. */
  end(): Promise<void>;
}

export function makeFarUnderTest(settings: Partial<FarSettings>): FarUnderTest {
  const heard = rememberingListener();
  const log = rememberingLog();
  const meter = countingMeter();
  const longPauses: LongPause[] = [];
  // Real time, short pauses: what is waited for is a condition, never a duration. The long ones the test ends itself.
  const sleep: Clock['sleep'] = (ms, signal) =>
    ms < longMs
      ? systemClock.sleep(ms, signal)
      : new Promise((resolve, reject) => {
          longPauses.push({ ms, end: resolve });
          signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
        });
  const clock = { ...systemClock, dice: () => 0, sleep };
  const far = makeFarPort({ settings: { ...baseSettings, ...settings }, clock, log, meter });
  far.start(heard);
  return { far, heard, log, meter, longPauses, end: () => far.stop(AbortSignal.timeout(2_000)) };
}

export const linkOf = (user: string, to: string, password: string): Link => ({
  user: jid(user),
  account: account(to),
  password,
  origin: 'configured',
});

let envelopeCount = 0;

/** A chat message in its envelope. */
export function chat(body: string, changes: Partial<Message> = {}): Envelope {
  envelopeCount += 1;
  const event = chatMessage(body, changes);
  return { id: `env-${envelopeCount}`, event, acceptedAt: Date.now(), attempts: 0, lastFault: null };
}
