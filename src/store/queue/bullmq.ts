/**
 * One queue of BullMQ holds the lanes that wait and are drained under one lease (jobs.ts has all of them): one "drain this lane" job per lane at most, which carries no message. Deduplication
 * with `keepLastIfActive` makes a request during a drain run it once more; `reschedule` ends the pause of a job that
 * waits. A drain that says "again" (or throws) moves its job to the delayed ones: the job lives until the lane is empty
 * and is never given up. Nothing depends on it for durability: the sweep (sweep.ts) schedules every lane that holds
 * something, at start, whenever Redis comes back and in between.
 *
 * Never two drains of a lane at once: BullMQ's lock between processes, a set of running lanes within this one. A process
 * that was suspended beyond its lock may still run a drain; its signal aborts and its settlement is fenced (fence.ts).
 */
import { DelayedError, Queue } from 'bullmq';
import type { Job } from 'bullmq';
import type { Clock, DrainResult, LaneStore, Log } from '../../bridge/ports';
import { makeBatcher } from '../../core/async';
import { Fault, toFault } from '../../core/fault';
import type { LaneKey } from '../../core/model';
import { backoffMs } from '../../core/retry';
import type { Connection } from '../redis/connect';
import { storeFault } from '../redis/errors';
import { queueName } from '../redis/keys';
import { startSweep } from './sweep';
import type { Sweep } from './sweep';
import type { DrainScheduler } from '../types';
import { makeDrainWorker } from './worker';
import type { DrainWorker, Task } from './worker';

export interface DrainJobsOptions {
  /** for what is asked of the queue; whoever gives it connects it, and ends it */
  readonly connection: Connection;
  /** for what workers ask, through outages; the same for all queues */
  readonly workersConnection: Connection;
  /** what the queue's keys begin with */
  readonly bull: string;
  /** the lanes that hold something and belong here */
  readonly lanes: Pick<LaneStore, 'nonEmpty'>;
  readonly concurrency: number;
  /** mean pause between two sweeps */
  readonly sweepMs: number;
  /** Schedules the lanes that a sweep finds. */
  readonly scheduleFound: (lanes: readonly LaneKey[], isImmediate: boolean) => Promise<void>;
  /** called with how many lanes a sweep has found */
  readonly onSwept: (count: number) => void;
  readonly clock: Clock;
  readonly log: Log;
}

export interface DrainJobs extends Pick<DrainScheduler, 'counts' | 'start' | 'stop' | 'schedule'> {
  /** Asks for a drain after `inMs`; an earlier or later one that waits already is moved to that time. Rejects `store-away`. */
  scheduleLater(lane: LaneKey, inMs: number): Promise<void>;
  /** Resolves when BullMQ has met its Redis; rejects `store-away`. */
  ready(): Promise<void>;
  /** Redis is back: sweep soon. */
  onUp(): void;
  /** Stops at once. Never rejects. */
  close(): Promise<void>;
}

type Drain = (lane: LaneKey, signal: AbortSignal) => Promise<DrainResult>;
interface Running {
  readonly abort: AbortController;
  /** somebody asked for an end of the pause while it ran */
  isImmediate: boolean;
}

const jobOptions = {
  attempts: Number.MAX_SAFE_INTEGER, // a job whose end could not be written is tried again, never "failed"
  backoff: { type: 'fixed', delay: 1_000 },
  removeOnComplete: true,
  removeOnFail: true,
  stackTraceLimit: 1,
};
const thrownPause = { baseMs: 2_000, capMs: 2_000 };
const soonMs = 300;
/** jobs that are added with one round trip */
const batchMax = 500;

/** A drain that is asked for. */
interface Wanted {
  readonly lane: LaneKey;
  readonly delayMs: number;
  /** a job that waits already is moved to this time */
  readonly endsPause: boolean;
}

const jobOf = ({ lane, delayMs: delay, endsPause: reschedule }: Wanted) => ({
  name: queueName,
  data: { lane },
  opts: { ...jobOptions, delay, deduplication: { id: lane, keepLastIfActive: true, reschedule } },
});

export function makeDrainJobs(options: DrainJobsOptions): DrainJobs {
  const { connection, workersConnection, bull, lanes, concurrency, sweepMs, scheduleFound, onSwept, clock, log } =
    options;
  const queue = new Queue<Task>(queueName, { connection, prefix: bull, streams: { events: { maxLen: 100 } } });
  queue.on('error', () => undefined); // the main connection reports outages
  const running = new Map<LaneKey, Running>();
  const jobs = new Map<string, LaneKey>();
  const stopping = new AbortController();
  let worker: DrainWorker | null = null;
  let drain: Drain | null = null;
  let begunCount = 0;
  let begunBefore = 0;
  let sweep: Sweep | null = null;
  let stopped: Promise<void> | null = null;

  /** A queue that has not met its Redis yet would wait for it, without an end. */
  async function ask<T>(work: () => Promise<T>): Promise<T> {
    if (connection.status !== 'ready') throw new Fault('store-away');
    try {
      return await work();
    } catch (thrown) {
      throw storeFault(thrown);
    }
  }

  const add = makeBatcher<Wanted, true>({
    async send(batch) {
      await ask(() => queue.addBulk(batch.map(jobOf)));
      return batch.map(() => true);
    },
    batchWeight: batchMax,
  });

  async function schedule(lanes: readonly LaneKey[], how?: { readonly immediately: boolean }): Promise<void> {
    const isImmediate = how?.immediately === true;
    if (isImmediate) {
      for (const lane of lanes) {
        const run = running.get(lane);
        if (run) run.isImmediate = true;
      }
    }
    await Promise.all(lanes.map((lane) => add({ lane, delayMs: 0, endsPause: isImmediate })));
  }

  async function scheduleLater(lane: LaneKey, inMs: number): Promise<void> {
    await add({ lane, delayMs: Math.max(0, inMs), endsPause: true });
  }

  /** One job. The verdict is written here; BullMQ is told by DelayedError that it need not write anything more. */
  async function process(job: Job<Task>, token: string | undefined): Promise<void> {
    const { lane } = job.data;
    begunCount += 1;
    if (drain === null || stopping.signal.aborted) return postpone(job, token, soonMs);
    if (running.has(lane)) return postpone(job, token, soonMs); // our lock was lost, the old drain has not ended yet
    const run: Running = { abort: new AbortController(), isImmediate: false };
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
    if (inMs !== null) await postpone(job, token, run.isImmediate ? 0 : inMs);
  }

  async function postpone(job: Job<Task>, token: string | undefined, inMs: number): Promise<never> {
    await job.moveToDelayed(Date.now() + Math.max(0, inMs), token); // BullMQ's own clock, not ours
    throw new DelayedError();
  }

  const makeWorker = (): DrainWorker =>
    makeDrainWorker({
      connection: workersConnection,
      bull,
      concurrency,
      log,
      process,
      onLost: (ids) => ids.forEach(abandon),
    });

  function abandon(jobId: string): void {
    const lane = jobs.get(jobId);
    if (lane !== undefined) running.get(lane)?.abort.abort(new Fault('store-away', { cause: 'lock lost' }));
  }

  /** A worker that is broken, or has begun nothing for a whole pause though jobs wait and it runs less than it may, is replaced. */
  async function checkWorker(isLong: boolean): Promise<void> {
    const isIdle = isLong && begunCount === begunBefore && running.size < concurrency;
    begunBefore = begunCount;
    if (worker === null) return;
    if (!worker.isBroken()) {
      if (!isIdle || (await queue.getWaitingCount()) === 0) return;
      log.warn({}, 'the worker takes no work, it is replaced');
    }
    if (stopping.signal.aborted) return;
    void worker.close(true);
    worker = makeWorker();
  }

  function stop(signal: AbortSignal): Promise<void> {
    return (stopped ??= stopOnce(signal));
  }

  async function stopOnce(signal: AbortSignal): Promise<void> {
    stopping.abort(new Fault('stopping'));
    for (const run of running.values()) run.abort.abort(stopping.signal.reason);
    const last = worker;
    worker = null;
    await last?.pause();
    while (running.size > 0 && !signal.aborted) await clock.sleep(5, signal).catch(() => undefined);
    await last?.close(running.size > 0);
    await sweep?.ended;
  }

  return {
    schedule,
    scheduleLater,
    ready: async () => void (await ask(() => queue.waitUntilReady())),
    start(wanted) {
      if (worker !== null || stopping.signal.aborted) return;
      drain = wanted;
      worker = makeWorker();
      sweep = startSweep({
        lanes,
        schedule: scheduleFound,
        checkWorker,
        sweepMs,
        clock,
        log,
        onSwept,
        signal: stopping.signal,
      });
    },
    onUp: () => sweep?.wake(),
    stop,
    async counts() {
      const counts = await ask(() => queue.getJobCounts('waiting', 'active', 'delayed', 'failed'));
      const of = (name: string): number => counts[name] ?? 0;
      return { waiting: of('waiting'), active: of('active'), delayed: of('delayed'), failed: of('failed') };
    },
    async close() {
      await stop(AbortSignal.abort());
      await queue.close().catch(() => undefined);
    },
  };
}
