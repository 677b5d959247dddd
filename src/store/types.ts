/**
 * What the store layer offers beyond the ports: its options, and the operator's view (dead letters, traces, counts).
 * Types only. Durations in ms since the epoch or spans in ms; every rejection is a Fault (`store-away` when Redis
 * cannot be asked now).
 */
import type {
  AppendResult,
  AttemptStore,
  AuditStore,
  Backlog,
  Bus,
  Clock,
  Scheduler,
  HeldStore,
  LaneReader,
  LaneStore,
  Leftover,
  LinkStore,
  Log,
  Meter,
  NoteStore,
  ProcessView,
  Sealing,
  StateStore,
} from '../bridge/ports';
import type { Fault } from '../core/fault';
import type { LaneKey } from '../core/model';
import type { RedisSettings } from './redis/target';

/** Where Redis is stands in RedisSettings; without url, sentinel and cluster a private redis-server is started under dataDir. */
export interface StoreOptions extends RedisSettings {
  readonly dataDir: string;
  /** of the private redis-server: when its append-only file reaches the disk; default `always`, see redis/private/server.ts */
  readonly appendfsync?: 'everysec' | 'always';
  /** of the private redis-server: how long it runs on when the bridge was killed and no other comes; default 60000 */
  readonly orphanMs?: number;
  /** the key that seals passwords; null: `dataDir/secret.key`, made (0600) when missing */
  readonly secretKeyFile: string | null;
  /** what every key in Redis begins with; default `bridge:` */
  readonly prefix?: string;
  /** how long a seen identity is remembered, at least */
  readonly dedupeWindowMs: number;
  /** how long one counts that a client made up while it was online; default 5 minutes */
  readonly liveWindowMs?: number;
  /** envelopes one lane may hold, and all lanes together */
  readonly laneMax: number;
  readonly totalMax: number;
  /** this process among several, as an operator reads it; null: process id and host name */
  readonly processName?: string | null;
  /** how many shards the store has; fixed when it is made; default 16 */
  readonly shards?: number;
  /** dead letters kept: how many in each shard, and for how long; default 2500, 30 days */
  readonly deadMax?: number;
  readonly deadAgeMs?: number;
  /** drains that BullMQ may run at once in this process; default 64 */
  readonly drainConcurrency?: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** deadline of one Redis command; default 5000 */
  readonly commandTimeoutMs?: number;
  /** how long a Redis that cannot be reached is waited for at start; default 15000 */
  readonly startTimeoutMs?: number;
  /** ends the wait for Redis while the store opens */
  readonly signal?: AbortSignal;
  /** mean pause between two sweeps over the non-empty lanes; default 15000 */
  readonly sweepMs?: number;
  /** envelopes that are cached instead of read when they were just stored; default 10000 */
  readonly cacheMax?: number;
  /** names whose tries at secrets are remembered at once; default 100000 */
  readonly attemptNamesMax?: number;
  /** how long a lease lasts without renewal; default 3000 */
  readonly leaseMs?: number;
}

/** The lanes, and what an operator (or "where is my message") asks about them. */
export interface Lanes extends LaneStore, LaneReader, HeldStore, Backlog {
  /** Every lane that holds something, or those of them that are drained under this lease; in pages. */
  nonEmpty(name?: LeaseName): AsyncIterable<readonly LaneKey[]>;
  resend(id: string): Promise<{ readonly lane: LaneKey; readonly result: AppendResult } | null>;
}

/** The scheduler, and what a console shows of it. */
export interface DrainScheduler extends Scheduler, DrainScope {
  /** lanes that are being drained now or wait in line for it; not those that wait out a pause */
  underWayCount(): number;
  counts(): Promise<{
    readonly waiting: number;
    readonly active: number;
    readonly delayed: number;
    readonly failed: number;
  }>;
}

/** Leadership of this bridge, while it lasts. */
export interface Leadership {
  /** grows with every change of leader: what an older leader wrote can be told by it */
  readonly token: number;
  /** aborts (reason: Fault) when the lease is lost or released: another process may lead from now on */
  readonly lost: AbortSignal;
  /** Waits until this process holds the component stream too, which a process that hands over keeps longest. */
  takeStream(): Promise<void>;
  /** Gives up everything but the stream. Never rejects. */
  releaseShards(): Promise<void>;
  /** Gives everything up at once; may be called twice. Never rejects. */
  release(): Promise<void>;
}

/** For a process that serves everything. */
export interface Lease {
  /** Waits until this process leads; rejects with the signal's reason when it aborts. Waits through Redis outages. */
  acquire(signal: AbortSignal): Promise<Leadership>;
}

/** What a process may hold: a shard, by its number, or the component stream. */
export type LeaseName = number | 'stream';

/** A lease, while it lasts. Every write made under it carries its term, which the store compares. */
export interface HeldLease {
  readonly name: LeaseName;
  /** grows with every change of holder */
  readonly term: number;
  /** aborts (reason: Fault) when the lease is lost or released: everything done under it stops at once */
  readonly lost: AbortSignal;
  /** Gives it up at once, for others to take; may be called twice. Never rejects. */
  release(): Promise<void>;
}

/**
 * The leases of this store: one for each shard, one for the component stream. Each ends by itself some seconds after its
 * holder stopped renewing it, and is kept while Redis is away. The holder of the stream appends to every shard under the
 * stream's term, which is copied into each shard when the stream is taken.
 */
export interface Leases {
  /** how many shards there are, numbered from 0; fixed in the store */
  readonly shardCount: number;
  /** names this process in what `holders` tells; nobody else has it */
  readonly self: string;
  /** One try: null when another process holds it. Rejects `store-away`. */
  tryAcquire(name: LeaseName): Promise<HeldLease | null>;
  /** Waits until this process holds it; rejects with the signal's reason. Waits through Redis outages. */
  acquire(name: LeaseName, signal: AbortSignal): Promise<HeldLease>;
  /** Who holds what now, by `self`; what is free is not there. Rejects `store-away`. */
  holders(): Promise<ReadonlyMap<LeaseName, string>>;
}

/**
 * Which lanes this process drains, by what it holds: lanes to the far side where their shard is, lanes to the Jabber side
 * where the stream is. What is scheduled for another process is left to it as a job.
 */
export interface DrainScope {
  /** Drains those lanes from now on, and begins with a sweep over them. May be called twice. */
  open(name: LeaseName): void;
  /** Takes nothing more of them; resolves when their drains have ended or the signal aborts. Never rejects. */
  close(name: LeaseName, signal: AbortSignal): Promise<void>;
}

/** The other processes on this store. */
export interface Processes {
  /**
   * Says that this one lives, from now on. Rejects `store-away`, with words for the operator, when another lives whose
   * configuration or keys do not agree. `agreement`: settings that must be the same, and their values; no secrets.
   */
  join(agreement: Readonly<Record<string, string>>, version: string): Promise<void>;
  /** Those that live. Rejects `store-away`. */
  others(): Promise<readonly unknown[]>;
  /** All that live, this one too, by name. Rejects `store-away`. */
  all(): Promise<readonly ProcessView[]>;
  readonly bus: Bus;
  readonly leftover: Leftover;
}

export interface Store {
  readonly lanes: Lanes;
  readonly links: LinkStore;
  /** accounts that were made for users, and their passwords, also when the link has ended */
  readonly provisioned: LinkStore;
  readonly state: StateStore;
  readonly notes: NoteStore;
  readonly attempts: AttemptStore;
  readonly audit: AuditStore;
  readonly sealing: Sealing;
  readonly scheduler: DrainScheduler;
  readonly leases: Leases;
  readonly lease: Lease;
  readonly processes: Processes;
  /** True while Redis answers. */
  isUp(): boolean;
  /** Called at each change, not for the state at the time of the call; returns how to stop listening. */
  onUp(listener: () => void): () => void;
  onDown(listener: (fault: Fault) => void): () => void;
  /** One round trip; resolves with its ms, rejects `store-away`. */
  ping(): Promise<number>;
  /** Stops the scheduler (running drains may finish until the signal aborts), the connections, the private server. */
  close(signal: AbortSignal): Promise<void>;
}
