/**
 * The operator's interface: what the console and the commands may ask and do, and what they are shown. Lists never hold
 * what people wrote; one dead letter does, when it is asked for by its id. Times in ms since the epoch. Everything may
 * reject `store-away`.
 */
import type { Account, BareJid } from '../../core/address';
import type { FaultData } from '../../core/fault';
import type { Attempt, Direction, Durable, Link, LinkStatus } from '../../core/model';
import type { Finding, LaneCounts } from './store';

export interface LinkView {
  readonly user: BareJid;
  readonly account: Account;
  readonly origin: Link['origin'];
  readonly status: LinkStatus;
  /** since when it has this status; null: since before this process looked */
  readonly since: number | null;
  /** why it is not online */
  readonly fault: FaultData | null;
}

/** What is told of an envelope wherever it lies. */
export interface EnvelopeView {
  readonly envelopeId: string;
  readonly kind: Durable['kind'];
  /** the sender's own id */
  readonly messageId: string | null;
  readonly acceptedAt: number;
  readonly attempts: number;
  readonly fault: FaultData | null;
  readonly history: readonly Attempt[];
}

/** null in all three when the stored lane is damaged */
export interface LaneParts {
  readonly direction: Direction | null;
  readonly user: BareJid | null;
  readonly peer: Account | null;
}

export interface LaneView extends LaneParts {
  readonly lane: string;
  readonly waiting: number;
  readonly oldest: EnvelopeView | null;
}

export interface DeadLetterView extends LaneParts {
  readonly id: string;
  readonly at: number;
  /** null: it could not be read */
  readonly envelope: EnvelopeView | null;
}

/** What people wrote, for one letter only. */
export interface OpenDeadLetter extends DeadLetterView {
  readonly text: string;
}

export interface Overview {
  readonly isStreamUp: boolean;
  readonly isStoreUp: boolean;
  readonly links: { readonly total: number } & Readonly<Record<LinkStatus, number>>;
  /** null: the store is away */
  readonly lanes: LaneCounts | null;
  /** drains, as the scheduler counts them; null: the store is away */
  readonly drains: { readonly waiting: number; readonly active: number; readonly delayed: number } | null;
}

/** What a comparison of a user's rosters does, or would do. */
export interface RosterView {
  /** contacts for whom something is done, and what, in words; the first 500 */
  readonly changes: readonly { readonly contact: Account; readonly what: readonly string[] }[];
  readonly changesCount: number;
  /** contacts left alone because too much would be taken away at once; the first 500 */
  readonly skipped: readonly Account[];
  readonly skippedCount: number;
}

/** A page of a list; `next` continues it, null: this was the last. */
export interface Page<T> {
  readonly entries: readonly T[];
  readonly next: string | null;
}

/** A user's own messages that are not delivered. */
export interface Waiting {
  readonly lanes: readonly (LaneView & { readonly newest: EnvelopeView | null })[];
  /** refused or expired in the last day */
  readonly dead: readonly DeadLetterView[];
}

/** The verbs. `by` is who asks, for the log. */
export interface Operator {
  /** Never rejects. */
  overview(): Promise<Overview>;
  /** By user; `find` is a part of the user or the account. */
  links(query: {
    readonly after: string | null;
    readonly count: number;
    readonly status: LinkStatus | null;
    readonly find: string;
  }): Page<LinkView>;
  link(user: BareJid): LinkView | null;
  lanes(query: {
    readonly user: BareJid | null;
    readonly after: string | null;
    readonly count: number;
  }): Promise<Page<LaneView>>;
  deadLetters(query: { readonly before: string | null; readonly count: number }): Promise<Page<DeadLetterView>>;
  /** Rejects `not-found`. */
  open(id: string, by: string): Promise<OpenDeadLetter>;
  /** Puts it back at the end of its lane. Rejects `not-found`, `poisoned`, `not-linked`, `lane-full`. */
  resend(id: string, by: string): Promise<DeadLetterView>;
  /** Resolves with how many there were. */
  drop(ids: readonly string[], by: string): Promise<number>;
  /** Rejects `rate-limited` when too many search at once. */
  trace(query: { readonly id: string; readonly user: BareJid | null }): Promise<readonly Finding[]>;
  /** What a user has sent and what is not delivered. */
  waitingOf(user: BareJid): Promise<Waiting>;
  /** Closes the far session and opens it again, whatever its state. Rejects `not-linked`. */
  reconnect(user: BareJid, by: string): Promise<void>;
  /** Tries again now for every link whose login was refused or put off. Returns how many there are. */
  reconnectRefused(by: string): number;
  /** What a comparison of the user's rosters would do now; does nothing. Rejects `not-linked`, and as the reading does. */
  rosters(user: BareJid): Promise<RosterView>;
  /** Does it. So many contacts may lose something; null: the usual brake. Rejects as `rosters`. */
  compare(user: BareJid, mayTake: number | null, by: string): Promise<RosterView>;
  /** A word to every linked user, or to those who are online now. Rejects `not-acceptable`, `rate-limited`. */
  announce(
    text: string,
    to: 'everybody' | 'online',
    by: string,
  ): Promise<{ readonly queued: number; readonly refused: number }>;
}
