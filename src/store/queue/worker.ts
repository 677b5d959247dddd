/**
 * One BullMQ worker, made and closed as one thing. It waits for jobs on a connection of its own, which BullMQ makes; all
 * else it asks over the connection that all workers share. A worker may be broken for good: BullMQ does not recover from
 * a connection that was lost before it was ready. Whoever holds it looks and makes another.
 */
import { Worker } from 'bullmq';
import type { Job } from 'bullmq';
import type { Log } from '../../bridge/ports';
import type { LaneKey } from '../../core/model';
import type { Connection } from '../redis/connect';
import { queueName } from '../redis/keys';

/** What a drain job carries. */
export interface Task {
  readonly lane: LaneKey;
}

export interface DrainWorkerOptions {
  /** a patient one; whoever gives it ends it */
  readonly connection: Connection;
  /** what the queue's keys begin with */
  readonly bull: string;
  readonly concurrency: number;
  readonly log: Log;
  readonly process: (job: Job<Task>, token: string | undefined) => Promise<void>;
  /** The locks of these jobs are lost: another worker may have them. */
  readonly onLost: (jobIds: readonly string[]) => void;
}

/** A worker at work. */
export interface DrainWorker {
  isBroken(): boolean;
  /** Takes nothing more. */
  pause(): Promise<void>;
  /** Lets BullMQ write the ends of its jobs, for a second at most; `isForced`: does not wait for them. Never rejects. */
  close(isForced: boolean): Promise<void>;
}

/** a killed process' lanes are taken over after at most lock plus two looks */
const lockMs = 5_000;
const stalledMs = 2_000;
const retryMs = 500;
const closeGraceMs = 1_000;

/** Starts a worker; it waits for Redis as long as it must. */
export function makeDrainWorker(options: DrainWorkerOptions): DrainWorker {
  const { connection, bull, concurrency, log, process, onLost } = options;
  let isBroken = false;
  const worker = new Worker<Task>(queueName, process, {
    connection,
    prefix: bull,
    concurrency,
    lockDuration: lockMs,
    stalledInterval: stalledMs,
    maxStalledCount: Number.MAX_SAFE_INTEGER,
    runRetryDelay: retryMs,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 },
  });
  worker.on('error', (error) => log.debug({ err: error.message }, 'worker'));
  worker.on('lockRenewalFailed', onLost);
  worker.waitUntilReady().catch(() => (isBroken = true));

  return {
    isBroken: () => isBroken,
    pause: () => worker.pause(true).catch(() => undefined),
    async close(isForced) {
      const late = new Promise<void>((resolve) =>
        AbortSignal.timeout(closeGraceMs).addEventListener('abort', () => resolve(), { once: true }),
      );
      await Promise.race([worker.close(isForced).catch(() => undefined), late]);
    },
  };
}
