/**
 * The jobs of all lanes: a queue of BullMQ for each lease, so that a process takes the jobs of what it holds and no others,
 * and that in a Redis Cluster all keys of a queue lie together. Lanes to the far side wait in the queue of their shard, lanes
 * to the Jabber side in the one of the component stream. What is asked of the queues goes over one connection, what workers
 * ask over another, and each worker waits for jobs on its own.
 */
import type { Clock, Log, Meter } from '../../bridge/ports';
import type { LaneKey } from '../../core/model';
import { failFast, patient, primariesOf } from '../redis/connect';
import { storeFault } from '../redis/errors';
import type { Keys } from '../redis/keys';
import type { Target } from '../redis/target';
import type { DrainScheduler, Lanes, LeaseName } from '../types';
import { makeDrainJobs, type DrainJobs, type DrainJobsOptions } from './bullmq';
import type { DelayedJobs } from './scheduler';

export interface JobsOptions extends Pick<DrainJobsOptions, 'scheduleFound' | 'sweepMs'> {
  readonly target: Target;
  readonly keys: Keys;
  readonly leaseOf: (lane: LaneKey) => LeaseName;
  readonly lanes: Pick<Lanes, 'nonEmpty'>;
  /** drains that may run at once from jobs, in all queues together */
  readonly concurrency: number;
  readonly commandTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

export interface Jobs extends DelayedJobs, Pick<DrainScheduler, 'counts'> {
  /** Connects; rejects `store-away`. */
  connect(): Promise<void>;
  /** Redis is back: sweep soon. */
  onUp(): void;
  /** Redis is away, or hangs: the workers' connection is made anew. */
  onDown(): void;
  /** Ends the connections; call after stop. Never rejects. */
  end(): Promise<void>;
}

/** so many drains of one queue at least, however many queues there are */
const shareMin = 4;

export function makeJobs(options: JobsOptions): Jobs {
  const { target, keys, leaseOf, lanes, concurrency, commandTimeoutMs, clock, meter } = options;
  const connection = failFast(target, clock, commandTimeoutMs);
  const workersConnection = patient(target, clock);
  const queues = new Map<LeaseName, DrainJobs>();
  const names: readonly LeaseName[] = ['stream', ...keys.shards.keys()];
  const found = new Map<LeaseName, number>();
  const share = Math.max(shareMin, Math.ceil(concurrency / keys.shards.length));

  function queueOf(name: LeaseName): DrainJobs {
    const known = queues.get(name);
    if (known !== undefined) return known;
    const queue = makeDrainJobs({
      ...options,
      connection,
      workersConnection,
      bull: (name === 'stream' ? null : keys.shards[name]?.bull) ?? keys.bull,
      lanes: { nonEmpty: () => lanes.nonEmpty(name) },
      concurrency: name === 'stream' ? concurrency : share,
      onSwept: (count) => swept(name, count),
    });
    queues.set(name, queue);
    return queue;
  }

  function swept(name: LeaseName, count: number): void {
    found.set(name, count);
    meter.gauge(
      'lanes_waiting',
      [...found.values()].reduce((sum, one) => sum + one, 0),
    );
  }

  const schedule: Jobs['schedule'] = async (wanted, how) => {
    const groups = new Map<LeaseName, LaneKey[]>();
    for (const lane of wanted) {
      const name = leaseOf(lane);
      const known = groups.get(name);
      if (known) known.push(lane);
      else groups.set(name, [lane]);
    }
    await Promise.all([...groups].map(([name, some]) => queueOf(name).schedule(some, how)));
  };

  async function close(name: LeaseName, signal: AbortSignal): Promise<void> {
    const queue = queues.get(name);
    queues.delete(name); // what is scheduled from now on is for another process
    found.delete(name);
    await queue?.stop(signal);
    await queue?.close();
  }

  return {
    async connect() {
      await connection.connect().catch((thrown: unknown) => Promise.reject(storeFault(thrown)));
      // BullMQ asks any node of a Cluster for its version: each is met first
      await Promise.all(primariesOf(connection).map((node) => node.ping())).catch((thrown: unknown) =>
        Promise.reject(storeFault(thrown)),
      );
      await Promise.all(names.map((name) => queueOf(name).ready()));
    },
    schedule,
    scheduleLater: (lane, inMs) => queueOf(leaseOf(lane)).scheduleLater(lane, inMs),
    open: (name, drain) => queueOf(name).start(drain),
    close,
    async stop(signal) {
      await Promise.all([...queues.values()].map((queue) => queue.stop(signal)));
    },
    async counts() {
      const all = await Promise.all(names.map((name) => queueOf(name).counts()));
      const sum = (of: (one: (typeof all)[number]) => number): number =>
        all.reduce((before, one) => before + of(one), 0);
      return {
        waiting: sum((one) => one.waiting),
        active: sum((one) => one.active),
        delayed: sum((one) => one.delayed),
        failed: sum((one) => one.failed),
      };
    },
    onUp: () => queues.forEach((queue) => queue.onUp()),
    onDown: () => workersConnection.disconnect(true),
    async end() {
      await Promise.all([...queues.values()].map((queue) => queue.close()));
      connection.disconnect();
      workersConnection.disconnect(); // what still waits for an answer ends now
    },
  };
}
