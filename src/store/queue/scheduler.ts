/**
 * The one place that knows which lanes run, wait in line, or wait out a pause. What is scheduled in the process that
 * leads begins its drain at once, without a trip through BullMQ; more than may run at once wait in line. A pause, and
 * what a crash left behind, is a delayed job (bullmq.ts), whose sweep finds every lane that holds something. Both meet
 * here, so a lane is never drained twice at once: what finds its lane being drained makes that drain look once more.
 *
 * It keeps nothing that must outlive the process, and decides nothing about messages.
 */
import { toFault } from '../../core/fault';
import type { LaneKey } from '../../core/model';
import type { Clock, DrainResult, Log, Scheduler, WaitedFor } from '../../bridge/ports';
import type { DrainScheduler } from '../types';
import { makePausedLanes, nameOf, waitedForBy } from './paused';

/** The same through jobs that outlive the process, now or after a pause. */
export interface DelayedJobs extends Omit<Scheduler, 'wake' | 'isWaitedFor'> {
  /** Asks for a drain after `inMs`; an earlier or later one that waits already is moved to that time. Rejects `store-away`. */
  scheduleLater(lane: LaneKey, inMs: number): Promise<void>;
}

export interface LocalScheduler extends Scheduler, Pick<DrainScheduler, 'underWayCount'> {
  /** For lanes that were found non-empty: those that wait out a pause get a job, should theirs be lost. */
  scheduleFound(lanes: readonly LaneKey[], isImmediate: boolean): Promise<void>;
}

export interface SchedulerOptions {
  readonly jobs: DelayedJobs;
  /** drains that may run at once without BullMQ */
  readonly concurrency: number;
  /** lanes that may wait in line for one; more become jobs */
  readonly lineMax?: number;
  readonly clock: Clock;
  readonly log: Log;
}

type Drain = (lane: LaneKey, signal: AbortSignal) => Promise<DrainResult>;

interface Running {
  /** somebody scheduled it while it ran */
  isScheduledAgain: boolean;
  /** and wants no pause after it */
  isImmediate: boolean;
}

/** How long a lane whose drain broke off waits. */
const brokenOffMs = 2_000;

export function makeScheduler({ jobs, concurrency, lineMax = 100_000, clock, log }: SchedulerOptions): LocalScheduler {
  const running = new Map<LaneKey, Running>();
  const line = new Set<LaneKey>();
  const paused = makePausedLanes();
  const stopping = new AbortController();
  let drain: Drain | null = null;

  /** Drains until nobody scheduled it meanwhile. Rejects as the drain does. */
  async function run(lane: LaneKey, work: Drain, signal: AbortSignal): Promise<DrainResult> {
    const state: Running = { isScheduledAgain: false, isImmediate: false };
    running.set(lane, state);
    paused.remove(lane);
    line.delete(lane);
    try {
      for (;;) {
        state.isScheduledAgain = false;
        const result = await work(lane, signal);
        if (result.again) return pause(lane, state.isImmediate ? 0 : result.inMs);
        if (!state.isScheduledAgain) return result;
      }
    } catch (thrown) {
      pause(lane, brokenOffMs);
      throw thrown;
    } finally {
      running.delete(lane);
      runNext();
    }
  }

  function pause(lane: LaneKey, inMs: number): DrainResult {
    paused.add(lane);
    return { again: true, inMs };
  }

  /** The first in line takes the place that has become free. */
  function runNext(): void {
    if (drain === null || stopping.signal.aborted || running.size >= concurrency) return;
    const [lane] = line;
    if (lane !== undefined) void runHere(lane, drain);
  }

  /** What cannot even become a job is found by the sweep, as soon as the store answers. */
  async function runHere(lane: LaneKey, work: Drain): Promise<void> {
    try {
      const inMs = await run(lane, work, stopping.signal).then(
        (result) => (result.again ? result.inMs : null),
        (thrown: unknown) => {
          const fault = toFault(thrown);
          if (fault.code === 'store-away') log.debug({ lane, fault: fault.code }, 'drain broken off');
          else log.error({ lane, fault: fault.code, err: fault.cause }, 'drain failed');
          return brokenOffMs;
        },
      );
      if (inMs !== null && !stopping.signal.aborted) await jobs.scheduleLater(lane, inMs);
    } catch (thrown) {
      paused.remove(lane);
      log.debug({ lane, fault: toFault(thrown).code }, 'a drain could not be scheduled');
    }
  }

  async function schedule(lanes: readonly LaneKey[], isImmediate: boolean, isFound: boolean): Promise<void> {
    if (stopping.signal.aborted) return jobs.schedule(lanes, { immediately: isImmediate });
    const distant: LaneKey[] = [];
    for (const lane of lanes) {
      const state = running.get(lane);
      if (state !== undefined) {
        state.isScheduledAgain = true;
        state.isImmediate ||= isImmediate;
      } else if (drain === null) distant.push(lane);
      else if (!isImmediate && paused.has(lane)) {
        if (isFound) distant.push(lane);
      } else if (running.size < concurrency) void runHere(lane, drain);
      else if (line.size < lineMax) line.add(lane);
      else distant.push(lane);
    }
    if (distant.length > 0) await jobs.schedule(distant, { immediately: isImmediate });
  }

  /** A drain that runs now may just have found out that they were away: it is repeated without a pause. */
  function wake(back: WaitedFor): void {
    for (const [lane, state] of running) state.isImmediate ||= waitedForBy(lane) === nameOf(back);
    const lanes = paused.waitingFor(back);
    if (lanes.length === 0) return;
    schedule(lanes, true, false).catch((thrown: unknown) =>
      log.debug({ fault: toFault(thrown).code, count: lanes.length }, 'a drain could not be scheduled'),
    );
  }

  return {
    schedule: (lanes, how) => schedule(lanes, how?.immediately === true, false),
    scheduleFound: (lanes, isImmediate) => schedule(lanes, isImmediate, true),
    wake,
    isWaitedFor: (user) => paused.isAnyFor({ user }),
    underWayCount: () => running.size + line.size,
    start(work) {
      drain = work;
      jobs.start((lane, signal) => {
        const state = running.get(lane);
        if (state === undefined) return run(lane, work, signal);
        state.isScheduledAgain = true;
        return Promise.resolve({ again: false });
      });
    },
    async stop(signal) {
      stopping.abort();
      line.clear(); // the next start finds them
      await jobs.stop(signal);
      while (running.size > 0 && !signal.aborted) await clock.sleep(5, signal).catch(() => undefined); // the deadline ends it
    },
  };
}
