/**
 * The durable store as the middle sees it: lanes and what was held of them, links, small states, the scheduler of
 * drains, and what an operator asks about the lanes. Everything may reject `store-away`; rejections are Faults.
 */
import type { BareJid } from '../../core/address';
import type { AdminName, Face } from '../../core/admin/table';
import type { FaultCode, FaultData } from '../../core/fault';
import type { Attempt, Envelope, LaneKey, Link } from '../../core/model';

/** One append at the intake. `identity` is looked up in the dedupe window, null = never a repeat of anything. */
export interface Append {
  readonly lane: LaneKey;
  readonly envelope: Envelope;
  readonly identity: string | null;
  /** the id that the sender gave, by which a search finds it; the identity must depend on it */
  readonly name?: string;
  /** it is appended by the holder of the component stream, under the stream's term; absent: by the holder of its shard */
  readonly by?: 'stream';
}

/**
 * `length`: envelopes in the lane now. `repeat`: the identity was seen, nothing was stored. `full`: refused by a bound.
 * `stale`: another process holds what it was appended by, nothing was stored.
 */
export type AppendResult =
  | { readonly outcome: 'stored'; readonly length: number }
  | { readonly outcome: 'repeat' }
  | { readonly outcome: 'full' }
  | { readonly outcome: 'stale' };

/** How one drain step ended; applied atomically. */
export interface Settlement {
  readonly lane: LaneKey;
  /** how many envelopes, from the head, this step has dealt with */
  readonly taken: number;
  /** of those, what stays at the head, in order (with new attempts and lastFault) */
  readonly keep: readonly Envelope[];
  /** what is appended to other lanes of the same user in the same step: bounces, receipts */
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
export interface LaneReader {
  /** Up to `count` envelopes from the head of each lane that holds something. No settlement is made from it. */
  heads(lanes: readonly LaneKey[], count: number): Promise<ReadonlyMap<LaneKey, readonly Stored[]>>;
}

/** What settlements have held. */
export interface HeldStore {
  /**
   * Puts back what has been held for `ageMs` or longer (on the store's own clock): at the heads of its lanes, in order,
   * past every bound. Atomic by pages, newest page first: broken off, it can be asked again. The caller schedules the lanes.
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

/** How fast a secret may be tried. */
export interface AttemptRules {
  /** wrong tries in a row before the first pause; each further one doubles it, up to `capMs` */
  readonly freeCount: number;
  readonly baseMs: number;
  readonly capMs: number;
  /** tries that were not right, in any hour */
  readonly hourlyMax: number;
}

/** Counters of tries at secrets; they outlive the process and are bounded. Both reject `store-away`. */
export interface AttemptStore {
  /**
   * Takes a try that counts for all of these names, or for none. Resolves with 0: go on, and say how it ended; else with
   * the ms to wait, and nothing has changed: a try before its time does not lengthen the pause.
   */
  begin(names: readonly string[], rules: AttemptRules): Promise<number>;
  /** right: the names are forgotten. void: nothing was learned (nobody answered), the try is taken back. */
  end(names: readonly string[], outcome: 'right' | 'wrong' | 'void'): Promise<void>;
}

/** What a drain came to: nothing is left, or it is to be repeated after a while. */
export type DrainResult = { readonly again: false } | { readonly again: true; readonly inMs: number };

/** Whom lanes may wait for: the far session of a user, or the Jabber side. */
export type WaitedFor = { readonly user: BareJid } | 'jabber';

/** Says when which lane is drained. What is scheduled is never lost: not while a drain runs, not by a crash. */
export interface Scheduler {
  /** Asks for a drain of these lanes. `immediately` also ends the pause that a lane waits out. Rejects `store-away`. */
  schedule(lanes: readonly LaneKey[], how?: { readonly immediately: boolean }): Promise<void>;
  /**
   * Whoever they wait for is back: ends the pauses of those lanes. Never rejects; only a hint for this process, since a
   * sweep finds every lane that holds something.
   */
  wake(back: WaitedFor): void;
  /** Do lanes of this user wait for their far session, as far as this process knows? */
  isWaitedFor(user: BareJid): boolean;
  /** Begins to drain: never two drains of one lane at once. */
  start(drain: (lane: LaneKey, signal: AbortSignal) => Promise<DrainResult>): void;
  /** Takes no new work, waits for running drains until the signal aborts. */
  stop(signal: AbortSignal): Promise<void>;
}

// ---------------------------------------------------------------- what an operator asks

/** An envelope that was set aside, with what is known of its life. */
export interface DeadLetter {
  /** names the dead letter; sorts by time */
  readonly id: string;
  /** when it was set aside (Redis' clock) */
  readonly at: number;
  /** null when the stored lane is not a lane key any more */
  readonly lane: LaneKey | null;
  readonly content: { readonly envelope: Envelope } | { readonly poisoned: string };
}

export interface DeadPage {
  /** newest first */
  readonly entries: readonly DeadLetter[];
  /** give as `before` for the next page; null: this was the last */
  readonly next: string | null;
}

/** Where a message is. `gone`: it left its lane (delivered, or dropped since it was among the dead letters). */
export interface Trace {
  readonly lane: LaneKey;
  readonly envelopeId: string;
  readonly place: 'waiting' | 'dead' | 'gone';
  /** envelopes before it in the lane; null unless waiting */
  readonly ahead: number | null;
  /** null when it is gone */
  readonly acceptedAt: number | null;
  readonly attempts: number | null;
  readonly lastFault: FaultData | null;
}

/** A trace that was searched for: with the dead letter it is, and what the envelope remembers. */
export interface Finding extends Trace {
  readonly letterId: string | null;
  readonly history: readonly Attempt[];
}

export interface LaneCounts {
  /** envelopes in all lanes */
  readonly envelopes: number;
  /** lanes that hold something */
  readonly lanes: number;
  readonly dead: number;
}

/** A lane that holds something: how much, and both its ends (null: could not be read). */
export interface LaneSummary {
  /** as it is stored; a damaged one is not a lane key */
  readonly lane: LaneKey;
  readonly length: number;
  readonly oldest: Envelope | null;
  readonly newest: Envelope | null;
}

export interface LanePage {
  /** by name */
  readonly entries: readonly LaneSummary[];
  /** give as `after` for the next page; null: this was the last */
  readonly next: LaneKey | null;
}

/** What an operator asks about the lanes, and two small changes. Nothing here is on the path of a message. */
export interface Backlog {
  counts(): Promise<LaneCounts>;
  /** The lanes that hold something, of one user or of all. */
  lanePage(page: {
    readonly user: BareJid | null;
    readonly after: LaneKey | null;
    readonly count: number;
  }): Promise<LanePage>;
  /** Newest first, a page at a time. */
  deadLetters(page: { readonly before: string | null; readonly count: number }): Promise<DeadPage>;
  /** One by its id; null: there is none. */
  deadLetter(id: string): Promise<DeadLetter | null>;
  /** Those of a user, newest first, not older than `since`, at most `count`. */
  deadLettersOf(user: BareJid, since: number, count: number): Promise<readonly DeadLetter[]>;
  /** Puts a dead letter back at the end of its lane with attempts 0, past the dedupe window; the caller schedules it.
   * Null: no such dead letter, or it cannot be read. */
  resend(
    id: string,
  ): Promise<{ readonly lane: LaneKey; readonly result: { readonly outcome: AppendResult['outcome'] } } | null>;
  /** Throws dead letters away; resolves with how many there were. */
  dropDeadLetters(ids: readonly string[]): Promise<number>;
  /** Everything that goes by this envelope id or sender's id, on the lanes of one user or on all; what is gone only
   * while the dedupe window remembers it. */
  search(query: { readonly id: string; readonly user: BareJid | null }): Promise<readonly Finding[]>;
}

// ---------------------------------------------------------------- what operators did

/** One command that changed or revealed something. */
export interface AuditRecord {
  readonly face: Face;
  /** who, as the face knows them */
  readonly name: string;
  readonly command: AdminName;
  /** what it was given, without passwords and without texts of people */
  readonly input: Readonly<Record<string, unknown>>;
  /** null: it was done */
  readonly fault: FaultCode | null;
}

export interface AuditEntry extends AuditRecord {
  /** names the entry; sorts by time */
  readonly id: string;
  readonly at: number;
}

/** What operators did, kept for 90 days and bounded in number. Both reject `store-away`. */
export interface AuditStore {
  add(record: AuditRecord): Promise<void>;
  /** Newest first, older than the entry `before`; null: from the newest. */
  page(page: {
    readonly before: string | null;
    readonly count: number;
  }): Promise<{ readonly entries: readonly AuditEntry[]; readonly next: string | null }>;
}

/** Seals a text with the key that seals passwords. `purpose` is part of the seal: a text sealed for another does not open. */
export interface Sealing {
  seal(purpose: string, text: string): string;
  /** Throws Fault `not-acceptable`: the key is missing, or the text is damaged or was sealed for something else. */
  open(purpose: string, sealed: string): string;
}
