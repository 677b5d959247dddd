/**
 * One BullMQ worker with the connection it uses, made and cut off as one thing. A worker may be broken for good: BullMQ
 * does not recover from a connection that was lost before it was ready. Whoever holds it looks and makes another.
 */
import { Worker } from 'bullmq';
import type { Job } from 'bullmq';
import type { Clock, Log } from '../../bridge/ports';
import type { LaneKey } from '../../core/model';
import { patient } from '../redis/connect';
import type { Target } from '../redis/target';
import { queueName } from '../redis/keys';

/** What a drain job carries. */
export interface Task {
  readonly lane: LaneKey;
}

export interface DrainWorkerOptions {
  readonly target: Target;
  /** what the queue's keys begin with */
  readonly bull: string;
  readonly concurrency: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly process: (job: Job<Task>, token: string | undefined) => Promise<void>;
  /** The locks of these jobs are lost: another worker may have them. */
  readonly onLost: (jobIds: readonly string[]) => void;
}

/** A worker at work. */
export interface DrainWorker {
  isBroken(): boolean;
  /** Redis is away or hangs: a new connection. */
  reconnect(): void;
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
export function makeDrainWorker({
  target,
  bull,
  concurrency,
  clock,
  log,
  process,
  onLost,
}: DrainWorkerOptions): DrainWorker {
  let isBroken = false;
  const connection = patient(target, clock);
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
    reconnect: () => connection.disconnect(true),
    pause: () => worker.pause(true).catch(() => undefined),
    async close(isForced) {
      const late = new Promise<void>((resolve) =>
        AbortSignal.timeout(closeGraceMs).addEventListener('abort', () => resolve(), { once: true }),
      );
      await Promise.race([worker.close(isForced).catch(() => undefined), late]);
      connection.disconnect(); // what still waits for an answer ends now
    },
  };
}
