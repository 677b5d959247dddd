/**
 * The doorbell on BullMQ: one "drain this lane" job per lane at most, which carries no message. Deduplication with
 * `keepLastIfActive` makes a ring during a drain run it once more; `reschedule` ends the backoff of a job that waits.
 * A drain that says "again" (or throws) moves its job to the delayed ones: the job lives until the lane is empty and is
 * never given up. Nothing depends on it for durability: a paced sweep rings every lane that holds something, at start,
 * whenever Redis comes back and in between; it also replaces a worker that takes no work though work waits.
 *
 * Never two drains of a lane at once: BullMQ's lock between processes, a set of running lanes within this one. A process
 * that was suspended beyond its lock may still run a drain; its signal aborts and its settlement is fenced (heads.ts).
 */
import { DelayedError, Queue, Worker } from 'bullmq';
import type { Job } from 'bullmq';
import { Redis } from 'ioredis';
import type { Clock, DrainVerdict, LaneStore, Log, Meter } from '../bridge/ports';
import { Fault, toFault } from '../core/fault';
import type { LaneKey } from '../core/model';
import { backoffMs } from '../core/retry';
import { failFast, patient, storeFault } from './client';
import type { Target } from './client';
import { queueName } from './keys';
import type { Keys } from './keys';
import { makeRinger } from './ringer';
import type { LongWay } from './hot';
import type { DrainBell } from './types';

export interface DoorbellOptions {
  readonly target: Target;
  readonly keys: Keys;
  readonly lanes: Pick<LaneStore, 'nonEmpty'>;
  readonly concurrency: number;
  readonly commandTimeoutMs: number;
  /** mean pause between two sweeps */
  readonly sweepMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

export interface BullDoorbell extends DrainBell, LongWay {
  /** Connects; rejects `store-away`. */
  open(): Promise<void>;
  /** Redis is back: sweep soon. */
  onUp(): void;
  /** Redis is away, or hangs: the worker's connection is made anew. */
  onDown(): void;
  /** Ends the connections; call after stop. Never rejects. */
  close(): Promise<void>;
}

type Drain = (lane: LaneKey, signal: AbortSignal) => Promise<DrainVerdict>;
interface Task {
  readonly lane: LaneKey;
}
interface Hand {
  readonly bull: Worker<Task>;
  readonly connection: Redis;
  /** its connection was lost before it was ready: BullMQ never recovers from that */
  isBroken: boolean;
}
interface Running {
  readonly abort: AbortController;
  /** somebody asked for an end of the backoff while it ran */
  isHurried: boolean;
}

const lockMs = 5_000;
const stalledMs = 2_000;
const jobOptions = {
  attempts: Number.MAX_SAFE_INTEGER, // a job whose end could not be written is tried again, never "failed"
  backoff: { type: 'fixed', delay: 1_000 },
  removeOnComplete: true,
  removeOnFail: true,
  stackTraceLimit: 1,
};
const thrownPause = { baseMs: 2_000, capMs: 2_000 };
const soonMs = 300;
const stopGraceMs = 1_000;

export function makeDoorbell(options: DoorbellOptions): BullDoorbell {
  const { target, keys, lanes, concurrency, commandTimeoutMs, sweepMs, clock, log, meter } = options;
  const redis = new Redis(failFast(target, clock, commandTimeoutMs));
  redis.on('error', () => undefined); // the main connection reports outages
  const running = new Map<LaneKey, Running>();
  const jobs = new Map<string, LaneKey>();
  const stopping = new AbortController();
  let queue: Queue<Task> | null = null;
  let worker: Hand | null = null;
  let drain: Drain | null = null;
  let begunCount = 0;
  let wakeSweep: () => void = () => undefined;
  let sweeping: Promise<void> = Promise.resolve();
  let stopped: Promise<void> | null = null;

  const ringer = makeRinger(async (batch) => {
    if (queue === null) throw new Fault('store-away');
    try {
      await queue.addBulk(
        batch.map(([lane, isHurry]) => ({
          name: queueName,
          data: { lane },
          opts: { ...jobOptions, deduplication: { id: lane, keepLastIfActive: true, reschedule: isHurry } },
        })),
      );
    } catch (thrown) {
      throw storeFault(thrown);
    }
  });

  async function ringLater(lane: LaneKey, inMs: number): Promise<void> {
    if (queue === null) throw new Fault('store-away');
    const deduplication = { id: lane, keepLastIfActive: true, reschedule: true };
    try {
      await queue.add(queueName, { lane }, { ...jobOptions, delay: Math.max(0, inMs), deduplication });
    } catch (thrown) {
      throw storeFault(thrown);
    }
  }

  function ring(wanted: readonly LaneKey[], hurry = false): Promise<void> {
    if (hurry) {
      for (const lane of wanted) {
        const run = running.get(lane);
        if (run) run.isHurried = true;
      }
    }
    return ringer.ring(wanted, hurry);
  }

  /** One job. The verdict is written here; BullMQ is told by DelayedError that it need not write anything more. */
  async function process(job: Job<Task>, token: string | undefined): Promise<void> {
    const { lane } = job.data;
    begunCount += 1;
    if (drain === null || stopping.signal.aborted) return postpone(job, token, soonMs);
    if (running.has(lane)) return postpone(job, token, soonMs); // our lock was lost, the old drain has not ended yet
    const run: Running = { abort: new AbortController(), isHurried: false };
    running.set(lane, run);
    jobs.set(job.id ?? '', lane);
    let inMs: number | null;
    try {
      const verdict = await drain(lane, run.abort.signal);
      inMs = verdict.again ? verdict.inMs : null;
    } catch (thrown) {
      const fault = toFault(thrown);
      const fields = { lane, fault: fault.code };
      if (fault.code === 'store-away') log.debug(fields, 'drain broken off');
      else log.error({ ...fields, err: fault.cause }, 'drain failed');
      inMs = backoffMs(1, clock.dice(), thrownPause);
    } finally {
      running.delete(lane);
      jobs.delete(job.id ?? '');
    }
    if (inMs !== null) await postpone(job, token, run.isHurried ? 0 : inMs);
  }

  async function postpone(job: Job<Task>, token: string | undefined, inMs: number): Promise<never> {
    await job.moveToDelayed(Date.now() + Math.max(0, inMs), token); // BullMQ's own clock, not ours
    throw new DelayedError();
  }

  function makeWorker(): Hand {
    const connection = new Redis(patient(target, clock));
    connection.on('error', () => undefined); // the main connection reports outages
    const made = new Worker<Task>(queueName, process, {
      connection,
      prefix: keys.bull,
      concurrency,
      lockDuration: lockMs,
      stalledInterval: stalledMs,
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      runRetryDelay: 500,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    });
    made.on('error', (error) => log.debug({ err: error.message }, 'worker'));
    made.on('lockRenewalFailed', (ids) => {
      for (const id of ids) {
        const lane = jobs.get(id);
        if (lane !== undefined) running.get(lane)?.abort.abort(new Fault('store-away', { cause: 'lock lost' }));
      }
    });
    const hand: Hand = { bull: made, connection, isBroken: false };
    made.waitUntilReady().catch(() => (hand.isBroken = true));
    return hand;
  }

  /** Rings whatever holds something. One at a time, paced, never in step with other processes. */
  async function sweepForever(): Promise<void> {
    let pauseMs = soonMs * clock.dice();
    for (;;) {
      const begunBefore = begunCount;
      if (!(await pauseOrWake(pauseMs))) return;
      try {
        if (worker?.isBroken) replaceWorker(worker);
        const count = await sweep();
        meter.gauge('lanes_waiting', count);
        if (begunCount === begunBefore && pauseMs >= sweepMs / 2) await replaceStuckWorker();
        pauseMs = sweepMs * (0.5 + clock.dice());
      } catch (thrown) {
        log.debug({ fault: toFault(thrown).code }, 'sweep broken off');
        pauseMs = soonMs + soonMs * clock.dice();
      }
    }
  }

  async function sweep(): Promise<number> {
    let count = 0;
    for await (const page of lanes.nonEmpty()) {
      count += page.length;
      await ring(page);
      if (stopping.signal.aborted) break;
    }
    return count;
  }

  /** A worker that has begun nothing for a whole pause, though jobs wait and it has hands free, hangs. */
  async function replaceStuckWorker(): Promise<void> {
    if (queue === null || worker === null || running.size >= concurrency) return;
    const waiting = await queue.getWaitingCount();
    if (waiting === 0 || stopping.signal.aborted) return;
    log.warn({ count: waiting }, 'the worker takes no work, it is replaced');
    replaceWorker(worker);
  }

  function replaceWorker(old: Hand): void {
    void closeWorker(old, true);
    worker = makeWorker();
  }

  /** False when we are stopping. */
  async function pauseOrWake(ms: number): Promise<boolean> {
    const wake = new AbortController();
    wakeSweep = () => wake.abort();
    await clock.sleep(ms, AbortSignal.any([wake.signal, stopping.signal])).catch(() => undefined);
    return !stopping.signal.aborted;
  }

  function stop(signal: AbortSignal): Promise<void> {
    return (stopped ??= stopOnce(signal));
  }

  async function stopOnce(signal: AbortSignal): Promise<void> {
    stopping.abort(new Fault('stopping'));
    for (const run of running.values()) run.abort.abort(stopping.signal.reason);
    const last = worker;
    worker = null;
    await last?.bull.pause(true).catch(() => undefined);
    while (running.size > 0 && !signal.aborted) await clock.sleep(5, signal).catch(() => undefined);
    if (last !== null) await closeWorker(last, running.size > 0);
    await sweeping;
  }

  /** BullMQ writes the ends of its jobs; with Redis away, or a drain that does not end, it is cut off. Never rejects. */
  async function closeWorker(
    { bull, connection }: Pick<Hand, 'bull' | 'connection'>,
    isForced: boolean,
  ): Promise<void> {
    const grace = AbortSignal.timeout(stopGraceMs);
    await Promise.race([bull.close(isForced).catch(() => undefined), aborted(grace)]);
    connection.disconnect(); // what still waits for an answer ends now
  }

  return {
    async open() {
      await redis.connect().catch((thrown: unknown) => Promise.reject(storeFault(thrown)));
      queue = new Queue<Task>(queueName, {
        connection: redis,
        prefix: keys.bull,
        streams: { events: { maxLen: 100 } },
      });
      queue.on('error', () => undefined);
      await queue.waitUntilReady().catch((thrown: unknown) => Promise.reject(storeFault(thrown)));
    },
    ring,
    ringLater,
    start(wanted) {
      if (worker !== null || stopping.signal.aborted) return;
      drain = wanted;
      worker = makeWorker();
      sweeping = sweepForever();
    },
    onUp: () => wakeSweep(),
    onDown: () => worker?.connection.disconnect(true),
    stop,
    async counts() {
      if (queue === null) throw new Fault('store-away');
      const counts = await queue.getJobCounts('waiting', 'active', 'delayed', 'failed').catch((thrown: unknown) => {
        throw storeFault(thrown);
      });
      const of = (name: string): number => counts[name] ?? 0;
      return { waiting: of('waiting'), active: of('active'), delayed: of('delayed'), failed: of('failed') };
    },
    async close() {
      await stop(AbortSignal.abort());
      await queue?.close().catch(() => undefined);
      redis.disconnect();
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
