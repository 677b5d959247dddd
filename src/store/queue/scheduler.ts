/**
 * The one place that knows which lanes run, wait in line, or wait out a pause. What is scheduled in the process that holds
 * the lease begins its drain at once, without a trip through BullMQ; more than may run at once wait in line. What another
 * process drains becomes a job for it. A pause, and
 * what a crash left behind, is a delayed job (bullmq.ts), whose sweep finds every lane that holds something. Both meet
 * here, so a lane is never drained twice at once: what finds its lane being drained makes that drain look once more.
 *
 * It keeps nothing that must outlive the process, and decides nothing about messages.
 */
import { Fault, toFault } from '../../core/fault';
import type { LaneKey } from '../../core/model';
import type { Clock, DrainResult, Log, Scheduler, WaitedFor } from '../../bridge/ports';
import type { DrainScheduler, DrainScope, LeaseName } from '../types';
import { makePausedLanes, nameOf, waitedForBy } from './paused';

type Drain = (lane: LaneKey, signal: AbortSignal) => Promise<DrainResult>;

/** The same through jobs that outlive the process, now or after a pause, in one queue for each lease. */
export interface DelayedJobs extends Pick<Scheduler, 'schedule' | 'stop'> {
  /** Asks for a drain after `inMs`; an earlier or later one that waits already is moved to that time. Rejects `store-away`. */
  scheduleLater(lane: LaneKey, inMs: number): Promise<void>;
  /** Takes the jobs of this lease, and sweeps its lanes. */
  open(name: LeaseName, drain: Drain): void;
  /** Takes them no more; resolves when those that run have ended or the signal aborts. Never rejects. */
  close(name: LeaseName, signal: AbortSignal): Promise<void>;
}

export interface LocalScheduler extends Scheduler, DrainScope, Pick<DrainScheduler, 'underWayCount'> {
  /** The store is back: the lanes whose drains it broke off are drained at once. */
  onStoreUp(): void;
  /** For lanes that were found non-empty: those that wait out a pause get a job, should theirs be lost. */
  scheduleFound(lanes: readonly LaneKey[], isImmediate: boolean): Promise<void>;
}

export interface SchedulerOptions {
  readonly jobs: DelayedJobs;
  /** the lease under which a lane is drained */
  readonly leaseOf: (lane: LaneKey) => LeaseName;
  /** drains that may run at once without BullMQ */
  readonly concurrency: number;
  /** lanes that may wait in line for one; more become jobs */
  readonly lineMax?: number;
  readonly clock: Clock;
  readonly log: Log;
}

interface Running {
  /** somebody scheduled it while it ran */
  isScheduledAgain: boolean;
  /** and wants no pause after it */
  isImmediate: boolean;
}

/** How long a lane whose drain broke off waits, at most: when the store went away, until it is back. */
const brokenOffMs = 2_000;

export function makeScheduler(options: SchedulerOptions): LocalScheduler {
  const { jobs, leaseOf, concurrency, lineMax = 100_000, clock, log } = options;
  /** what is drained here, and the end of it */
  const scope = new Map<LeaseName, AbortController>();
  const running = new Map<LaneKey, Running>();
  const line = new Set<LaneKey>();
  /** what was being drained when the store went away */
  const brokenOff = new Set<LaneKey>();
  const paused = makePausedLanes();
  const stopping = new AbortController();
  let drain: Drain | null = null;

  /** Drains until nobody scheduled it meanwhile. Rejects as the drain does. */
  async function run(lane: LaneKey, work: Drain, signal: AbortSignal): Promise<DrainResult> {
    const state: Running = { isScheduledAgain: false, isImmediate: false };
    running.set(lane, state);
    paused.remove(lane);
    line.delete(lane);
    brokenOff.delete(lane);
    try {
      for (;;) {
        state.isScheduledAgain = false;
        const result = await work(lane, signal);
        if (result.again) return pause(lane, state.isImmediate ? 0 : result.inMs);
        if (!state.isScheduledAgain) return result;
      }
    } catch (thrown) {
      pause(lane, brokenOffMs);
      if (toFault(thrown).code === 'store-away' && brokenOff.size < lineMax) brokenOff.add(lane);
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
    const signal = lane === undefined ? undefined : scope.get(leaseOf(lane))?.signal;
    if (lane !== undefined && signal) void runHere(lane, drain, signal);
  }

  /** What cannot even become a job is found by the sweep, as soon as the store answers. */
  async function runHere(lane: LaneKey, work: Drain, signal: AbortSignal): Promise<void> {
    try {
      const inMs = await run(lane, work, signal).then(
        (result) => (result.again ? result.inMs : null),
        (thrown: unknown) => {
          const fault = toFault(thrown);
          if (fault.code === 'store-away') log.debug({ lane, fault: fault.code }, 'drain broken off');
          else log.error({ lane, fault: fault.code, err: fault.cause }, 'drain failed');
          return brokenOffMs;
        },
      );
      if (inMs !== null && !signal.aborted) await jobs.scheduleLater(lane, inMs);
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
      const signal = scope.get(leaseOf(lane))?.signal;
      if (state !== undefined && signal !== undefined) {
        state.isScheduledAgain = true;
        state.isImmediate ||= isImmediate;
      } else if (drain === null || signal === undefined) distant.push(lane);
      else if (!isImmediate && paused.has(lane)) {
        if (isFound) distant.push(lane);
      } else if (running.size < concurrency) void runHere(lane, drain, signal);
      else if (line.size < lineMax) line.add(lane);
      else distant.push(lane);
    }
    if (distant.length > 0) await jobs.schedule(distant, { immediately: isImmediate });
  }

  /** A drain that runs now may just have found out that they were away: it is repeated without a pause. */
  function wake(back: WaitedFor): void {
    for (const [lane, state] of running) state.isImmediate ||= waitedForBy(lane) === nameOf(back);
    scheduleNow(paused.waitingFor(back));
  }

  function onStoreUp(): void {
    const lanes = [...brokenOff];
    brokenOff.clear();
    scheduleNow(lanes);
  }

  function scheduleNow(lanes: readonly LaneKey[]): void {
    if (lanes.length === 0) return;
    schedule(lanes, true, false).catch((thrown: unknown) =>
      log.debug({ fault: toFault(thrown).code, count: lanes.length }, 'a drain could not be scheduled'),
    );
  }

  /** A job of a lane that is being drained makes that drain look once more. */
  const fromJob =
    (work: Drain): Drain =>
    (lane, signal) => {
      const state = running.get(lane);
      if (state === undefined) return run(lane, work, signal);
      state.isScheduledAgain = true;
      return Promise.resolve({ again: false });
    };

  async function close(name: LeaseName, signal: AbortSignal): Promise<void> {
    scope.get(name)?.abort(new Fault('stopping'));
    scope.delete(name);
    for (const lane of line) if (leaseOf(lane) === name) line.delete(lane);
    const isRunning = (): boolean => [...running.keys()].some((lane) => leaseOf(lane) === name);
    await jobs.close(name, signal);
    while (isRunning() && !signal.aborted) await clock.sleep(5, signal).catch(() => undefined); // the deadline ends it
  }

  return {
    schedule: (lanes, how) => schedule(lanes, how?.immediately === true, false),
    scheduleFound: (lanes, isImmediate) => schedule(lanes, isImmediate, true),
    wake,
    onStoreUp,
    isWaitedFor: (user) => paused.isAnyFor({ user }),
    underWayCount: () => running.size + line.size,
    open(name) {
      if (scope.has(name) || stopping.signal.aborted) return;
      scope.set(name, new AbortController());
      if (drain !== null) jobs.open(name, fromJob(drain));
    },
    close,
    start(work) {
      if (drain !== null) return;
      drain = work;
      for (const name of scope.keys()) jobs.open(name, fromJob(work));
    },
    async stop(signal) {
      stopping.abort();
      for (const ended of scope.values()) ended.abort(new Fault('stopping'));
      line.clear(); // the next start finds them
      await jobs.stop(signal);
      while (running.size > 0 && !signal.aborted) await clock.sleep(5, signal).catch(() => undefined); // the deadline ends it
    },
  };
}
