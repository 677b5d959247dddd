/**
 * What the middle needs from the world, said once, in its own words. Adapters (xmpp, ximss, store, ops) satisfy these
 * by shape; only app.ts sees both sides. Rejections and throws across these seams are Faults, nothing else.
 */
import type { Account, BareJid } from '../../core/address';
import type { Fault } from '../../core/fault';
import type {
  ChatState,
  Contact,
  Durable,
  Envelope,
  Event,
  FarPresence,
  LaneKey,
  Link,
  LinkStatus,
  Profile,
  ResourcePresence,
} from '../../core/model';

/** Wall clock and dice as arguments, so that the core stays pure and tests own the time. */
export interface Clock {
  /** ms since the epoch */
  now(): number;
  /** ms on a clock that never jumps; only differences mean something */
  monotonic(): number;
  /** uniform in [0, 1) */
  dice(): number;
  /** Resolves after `ms`, rejects with the signal's reason when it aborts; the timer dies with it. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Structured logging as the floors use it; pino's Logger fits. Never given a body, a password or raw XML. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(bindings: object): Log;
}

/** Counters by name. Names and labels are listed in ops/metrics.ts; an unknown name throws in tests. */
export interface Meter {
  count(name: string, labels?: Readonly<Record<string, string>>, by?: number): void;
  gauge(name: string, value: number, labels?: Readonly<Record<string, string>>): void;
  observe(name: string, value: number, labels?: Readonly<Record<string, string>>): void;
}

/** The operator's desk, which adapters see from here too. */
export type * from './operator';

// ---------------------------------------------------------------- the Jabber side

/** What goes out on the component stream. The writer makes `from` the ghost of `peer` (GATEWAY: the domain), `to` the user. */
export interface JabberPort {
  /** True while the stream is up and its handshake done. */
  isUp(): boolean;
  /**
   * Writes the envelopes in order and resolves when the server has proved that it processed all of them (one ping
   * barrier shared by all callers). Rejects `unavailable` when the stream is or goes down before the proof.
   */
  deliver(user: BareJid, peer: Account, envelopes: readonly Envelope[]): Promise<void>;
  /** State, whispers and immediate refusals: written now, without proof. False: the stream is down and it was dropped. */
  tell(user: BareJid, peer: Account, event: Durable | ChatState | FarPresence): boolean;
  /** Asks the user's server for their presence, from the bare gateway domain or a ghost. False: stream down. */
  probe(user: BareJid, peer: Account): boolean;
  /** What the server lets us do with its users' rosters (XEP-0356), now. It can change at any time. */
  rosterAccess(): 'none' | 'get' | 'both';
  /** The user's server roster, our ghosts only. Rejects `not-allowed`, `timeout`, `unavailable`. */
  readRoster(user: BareJid, signal: AbortSignal): Promise<readonly RosterEntry[]>;
  /** Writes one item (null name/groups in `remove`). Rejects like readRoster and with what the server answered. */
  writeRoster(user: BareJid, entry: RosterEntry | { readonly remove: Account }, signal: AbortSignal): Promise<void>;
}

/** One ghost in a user's server roster (RFC 6121 section 2). */
export interface RosterEntry {
  readonly account: Account;
  readonly name: string | null;
  readonly groups: readonly string[];
  readonly subscription: 'none' | 'to' | 'from' | 'both';
  /** the user asked and waits for our answer */
  readonly ask: boolean;
}

/** What the XMPP server says of itself. */
export interface JabberServer {
  /** Asks it now. Resolves within seconds, with null for what was not answered; never rejects. */
  serverFacts(signal: AbortSignal): Promise<ServerFacts>;
  /** ms since anything came from it on the stream */
  silentMs(): number;
}

export interface ServerFacts {
  /** the name of its software (XEP-0092) */
  readonly software: string | null;
  /** how long it has been running (XEP-0012), in ms, true to a second */
  readonly uptimeMs: number | null;
}

/** What the Jabber side tells the middle. Called on the stream reader: must return at once and never throw. */
export interface JabberListener {
  onEvent(user: BareJid, peer: Account, event: Event): void;
  /** up: the handshake is done. down: the stream is gone; `fault` says why. */
  onStream(state: 'up' | 'down', fault: Fault | null): void;
  onRosterAccess(access: 'none' | 'get' | 'both'): void;
}

/** XEP-0077 and the account commands, as the Jabber side calls them. */
export interface Enrolment {
  /** May this user use the gateway at all (access lists)? */
  isAllowed(user: BareJid): boolean;
  accountOf(user: BareJid): Account | null;
  /** Tries the credentials at once; rejects not-authorized, unavailable, timeout, forbidden, not-allowed; nothing is half-saved. */
  link(user: BareJid, account: Account, password: string, signal: AbortSignal): Promise<void>;
  /** Logs out, withdraws presence, forgets. Resolves also when there was no link. */
  unlink(user: BareJid): Promise<void>;
}

// ---------------------------------------------------------------- the far side

/** A far network: one session per link. XIMSS is the first implementation. */
export interface FarPort {
  /** Opens a session and keeps it up; a second call with other credentials replaces them; idempotent otherwise. */
  open(link: Link): void;
  /** Logs out and forgets; resolves when the session is gone or a deadline passed. Never rejects. */
  close(user: BareJid): Promise<void>;
  status(user: BareJid): LinkStatus;
  /** Tries a password without keeping the session. Rejects not-authorized, needs-user, unavailable, timeout, no-tls. */
  verify(account: Account, password: string, signal: AbortSignal): Promise<void>;
  /**
   * Sends in order, pipelined where the wire can. One promise per envelope, in the same order; each settles by itself.
   * Rejections: `refused` and the like are final, `unavailable` was not sent, `unknown-outcome` may have been.
   * Where the wire makes repeats harmless, an unknown outcome is never reported.
   */
  deliver(user: BareJid, peer: Account, envelopes: readonly Envelope[]): readonly Promise<void>[];
  /** Now or never; dropped while the session is down. */
  whisper(user: BareJid, peer: Account, event: ChatState): void;
  /** Own presence of the account; remembered and repeated by the caller after a reconnect. */
  setPresence(user: BareJid, presence: Pick<ResourcePresence, 'show' | 'status'>): Promise<void>;
  roster(user: BareJid): Promise<readonly Contact[]>;
  /** Adds or changes name and groups (hidden groups are written back). */
  setContact(user: BareJid, contact: Pick<Contact, 'account' | 'name' | 'groups' | 'hiddenGroups'>): Promise<void>;
  removeContact(user: BareJid, peer: Account): Promise<void>;
  /** Who a contact is, as the user may see it; null: nothing is told. Rejects `unavailable`, `timeout`, `refused`. */
  profile(user: BareJid, peer: Account): Promise<Profile | null>;
  /** Logs every session out in parallel until the signal aborts; then drops them. */
  stop(signal: AbortSignal): Promise<void>;
}

/** What the far side tells the middle. */
export interface FarListener {
  /**
   * Resolves when a durable event is stored (at once for others), so that a wire with acknowledgements can wait for it.
   * `identity` names the event for the dedupe window when the network gives something to name it by, else null.
   */
  onEvent(user: BareJid, peer: Account, event: Event, identity: string | null): Promise<void>;
  onStatus(user: BareJid, status: LinkStatus, fault: Fault | null): void;
  /** A roster entry changed, or is gone (null). */
  onContact(user: BareJid, account: Account, contact: Contact | null): void;
  /** The far server has a word for this user (an alert). */
  onNotice(user: BareJid, text: string): void;
}

// ---------------------------------------------------------------- the store

/** One append at the door. `identity` is looked up in the dedupe window, null = never a repeat of anything. */
export interface Append {
  readonly lane: LaneKey;
  readonly envelope: Envelope;
  readonly identity: string | null;
  /** the id that the sender gave, by which a search finds it; the identity must depend on it */
  readonly name?: string;
}

/** `length`: envelopes in the lane now. `repeat`: the identity was seen, nothing was stored. `full`: refused by a bound. */
export type AppendResult =
  | { readonly outcome: 'stored'; readonly length: number }
  | { readonly outcome: 'repeat' }
  | { readonly outcome: 'full' };

/** How one drain step ended; applied atomically. */
export interface Settlement {
  readonly lane: LaneKey;
  /** how many envelopes, from the head, this step has dealt with */
  readonly taken: number;
  /** of those, what stays at the head, in order (with new attempts and lastFault) */
  readonly keep: readonly Envelope[];
  /** what is appended to other lanes in the same step: bounces, receipts */
  readonly append: readonly Append[];
  /** what goes to the dead letters */
  readonly dead: readonly Envelope[];
  /** of the taken, what was delivered and is held for a while: see HeldStore */
  readonly hold?: readonly Envelope[];
  /** how many of the taken could not be read: the store moves their raw text to the dead letters itself */
  readonly poisoned?: number;
}

/** A durable lane that could not be parsed is given as `poisoned` with its raw text, so that it can be set aside. */
export type Stored = { readonly envelope: Envelope } | { readonly poisoned: string };

export interface LaneStore {
  /** One round trip for the whole batch. Rejects `store-away`: then nothing, or an unknown part, was stored; repeating the same envelopes is safe. */
  append(entries: readonly Append[]): Promise<readonly AppendResult[]>;
  /** Up to `count` envelopes from the head, oldest first. */
  head(lane: LaneKey, count: number): Promise<readonly Stored[]>;
  /** Atomic. Resolves with what is left in the lane and which other lanes have just become non-empty. */
  settle(step: Settlement): Promise<{ readonly left: number; readonly wake: readonly LaneKey[] }>;
  /** Every lane that holds something, in pages. */
  nonEmpty(): AsyncIterable<readonly LaneKey[]>;
  /** Empties the lanes of a user; resolves with how many envelopes that were. */
  forget(user: BareJid): Promise<number>;
}

/** A look at lanes that are not drained by whoever looks. */
export interface LaneLook {
  /** Up to `count` envelopes from the head of each lane that holds something. No settlement is made from it. */
  peek(lanes: readonly LaneKey[], count: number): Promise<ReadonlyMap<LaneKey, readonly Stored[]>>;
}

/** What settlements have held. */
export interface HeldStore {
  /**
   * Puts back what has been held for `ageMs` or longer (on the store's own clock): at the heads of its lanes, in order,
   * past every bound. Atomic by pages, newest page first: broken off, it can be asked again. The caller rings the lanes.
   */
  restoreHeld(ageMs: number): Promise<Restored>;
  /** Lets go what has been held for longer than `ageMs`; resolves with how many settlements are held still. */
  dropHeld(ageMs: number): Promise<number>;
}

export interface Restored {
  readonly lanes: readonly LaneKey[];
  /** envelopes in all */
  readonly count: number;
}

export interface LinkStore {
  load(): Promise<readonly Link[]>;
  save(link: Link): Promise<void>;
  remove(user: BareJid): Promise<void>;
}

/** Small durable states by key: subscription pairs, announced presences, denials. Values are JSON text the caller parses. */
export interface StateStore {
  /** All fields of a table for a user. */
  read(table: string, user: BareJid): Promise<ReadonlyMap<string, string>>;
  /** Writes (or deletes, null) fields in one round trip. */
  write(table: string, user: BareJid, fields: ReadonlyMap<string, string | null>): Promise<void>;
  /** Users that have anything in a table. */
  users(table: string): AsyncIterable<readonly BareJid[]>;
}

/** One text per user that outlives the process; it is kept sealed. Both reject `store-away`. */
export interface NoteStore {
  read(user: BareJid): Promise<string | null>;
  /** null: there is none any more */
  write(user: BareJid, note: string | null): Promise<void>;
}

/** What a drain decided: nothing left, or come back after a while. */
export type DrainVerdict = { readonly again: false } | { readonly again: true; readonly inMs: number };

/** Wakes lanes. A ring is never lost: not while a drain runs, not by a crash. */
export interface Doorbell {
  /** Asks for a drain of these lanes. `hurry` also ends a running backoff. Rejects `store-away`. */
  ring(lanes: readonly LaneKey[], hurry?: boolean): Promise<void>;
  /** Begins to drain: never two drains of one lane at once. */
  start(drain: (lane: LaneKey, signal: AbortSignal) => Promise<DrainVerdict>): void;
  /** Takes no new work, waits for running drains until the signal aborts. */
  stop(signal: AbortSignal): Promise<void>;
}
