/**
 * The operator's interface: what each command of core/admin/table.ts answers, whichever face it came through, and what the
 * middle asks of the process around it. Lists never hold what people wrote; one dead letter does, when it is asked for by
 * its id. Times in ms since the epoch. Everything may reject `store-away`.
 */
import type { AdminInput, AdminName, Face, LinkState, LogLevel } from '../../core/admin/table';
import type { Account, BareJid } from '../../core/address';
import type { FaultCode, FaultData } from '../../core/fault';
import type { Attempt, Direction, Durable, Link } from '../../core/model';
import type { ProcessView } from './processes';
import type { AuditEntry, Finding, LaneCounts } from './store';

export interface LinkView {
  readonly user: BareJid;
  readonly account: Account;
  readonly origin: Link['origin'];
  readonly status: LinkState;
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

/** What is wrong now, and the command that mends or shows more. */
export interface Trouble {
  readonly kind:
    'stream-down' | 'store-away' | 'far-away' | 'links-refused' | 'links-deferred' | 'lanes-blocked' | 'dead-letters';
  /** links, lanes or letters; null: it is about the whole bridge */
  readonly count: number | null;
  /** the other server's words, if there are any */
  readonly fault: FaultData | null;
  readonly remedy: AdminName | null;
}

export interface Status {
  readonly version: string;
  /** the component's */
  readonly domain: string;
  readonly isStreamUp: boolean;
  readonly isStoreUp: boolean;
  /** Can the far server be reached, as far as is known? */
  readonly isFarUp: boolean;
  readonly links: { readonly total: number } & Readonly<Record<LinkState, number>>;
  /** null: the store is away */
  readonly lanes: LaneCounts | null;
  /** drains, as the scheduler counts them; null: the store is away */
  readonly drains: { readonly waiting: number; readonly active: number; readonly delayed: number } | null;
  /** those that live, by name; null: the store is away */
  readonly processes: readonly ProcessView[] | null;
  /** the worst first */
  readonly troubles: readonly Trouble[];
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

/** What was done for several at once: for how many, and for which not. */
export interface Done {
  readonly done: number;
  readonly failed: readonly { readonly id: string; readonly code: FaultCode; readonly text: string }[];
}

/** What reading the configuration again has come to. */
export interface Reloaded {
  /** keys that have changed and are in effect */
  readonly changed: readonly string[];
  /** keys that have changed and wait for a restart */
  readonly needRestart: readonly string[];
}

/** What each command answers. */
export interface AdminOutputs {
  readonly status: Status;
  readonly 'links list': Page<LinkView>;
  readonly 'links show': LinkView;
  readonly 'links add': LinkView;
  readonly 'links remove': Done;
  readonly 'links suspend': Done;
  readonly 'links resume': Done;
  readonly 'links password': LinkView;
  readonly 'links reconnect': Done;
  readonly 'links export': { readonly sealed: string; readonly count: number };
  readonly 'links import': { readonly added: number; readonly replaced: number; readonly kept: number };
  readonly 'rosters show': RosterView;
  readonly 'rosters compare': RosterView;
  readonly lanes: Page<LaneView>;
  readonly 'dead list': Page<DeadLetterView>;
  readonly 'dead show': OpenDeadLetter;
  readonly 'dead resend': Done;
  readonly 'dead drop': Done;
  readonly trace: { readonly entries: readonly Finding[] };
  readonly announce: { readonly queued: number; readonly refused: number };
  readonly audit: Page<AuditEntry>;
  readonly 'log-level': { readonly level: LogLevel };
  readonly reload: Reloaded;
}

/** Who asks: a name that the face knows them by. It is for the audit log, and decides nothing. */
export interface Asker {
  readonly face: Face;
  readonly name: string;
}

export interface Operator {
  /**
   * Does one command and writes what it changed or revealed into the audit log. Rejects with what was wrong; what is done
   * for several at once tells what failed in its answer instead. The signal only ends waiting for the far server.
   */
  run<N extends AdminName>(name: N, input: AdminInput<N>, by: Asker, signal?: AbortSignal): Promise<AdminOutputs[N]>;
  /** For users' own commands. */
  link(user: BareJid): LinkView | null;
  /** What a user has sent and what is not delivered. */
  waitingOf(user: BareJid): Promise<Waiting>;
  /** What goes by this id on the lanes of one user. Rejects `rate-limited` when too many search at once. */
  trace(query: { readonly id: string; readonly user: BareJid | null }): Promise<readonly Finding[]>;
}

/** What the operator may change of the process itself. */
export interface ProcessControl {
  readonly version: string;
  /** the component's domain */
  readonly domain: string;
  logLevel(): LogLevel;
  setLogLevel(level: LogLevel): void;
  /** Reads the configuration again. Rejects `not-acceptable` when it is wrong, with all that is wrong in its text; then nothing has changed. */
  reload(): Promise<Reloaded>;
}
