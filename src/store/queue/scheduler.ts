/**
 * The short way to a drain: a ring in the process that leads begins its drain at once, without a trip through BullMQ.
 * More than may run at once stand in line. What has to wait out a pause, and what a crash left behind, goes the long way:
 * a job in BullMQ, whose sweep finds every lane that holds something. Both ways meet here, so a lane is never drained
 * twice at once: a ring or a job that finds its lane being drained makes that drain look once more.
 */
import type { Clock, Doorbell, DrainVerdict, Log } from '../../bridge/ports';
import { toFault } from '../../core/fault';
import type { LaneKey } from '../../core/model';
import type { DrainBell } from '../types';

/** The long way: rings through BullMQ, now or after a pause. */
export interface LongWay extends Doorbell {
  /** Asks for a drain after `inMs`; an earlier or later one that waits already is moved to that time. Rejects `store-away`. */
  ringLater(lane: LaneKey, inMs: number): Promise<void>;
}

export interface HotBell extends Doorbell, Pick<DrainBell, 'underWayCount'> {
  /** A ring for lanes that were found non-empty: those that rest are asked for the long way, should their job be lost. */
  ringFound(lanes: readonly LaneKey[], hurry: boolean): Promise<void>;
}

export interface HotOptions {
  readonly bell: LongWay;
  /** drains that may run at once without BullMQ */
  readonly concurrency: number;
  /** lanes that may stand in line for one; more go the long way */
  readonly lineMax?: number;
  readonly clock: Clock;
  readonly log: Log;
}

type Drain = (lane: LaneKey, signal: AbortSignal) => Promise<DrainVerdict>;

interface Running {
  /** somebody rang while it ran */
  isRung: boolean;
  /** and wants no pause after it */
  isHurried: boolean;
}

/** How long a drain that broke off rests. */
const brokenMs = 2_000;

export function makeHotBell({ bell, concurrency, lineMax = 100_000, clock, log }: HotOptions): HotBell {
  const running = new Map<LaneKey, Running>();
  const line = new Set<LaneKey>();
  /** lanes that wait out a pause in BullMQ: only a hurried ring ends it */
  const resting = new Set<LaneKey>();
  const stopping = new AbortController();
  let drain: Drain | null = null;

  /** Drains until nobody rang meanwhile. Rejects as the drain does. */
  async function run(lane: LaneKey, work: Drain, signal: AbortSignal): Promise<DrainVerdict> {
    const state: Running = { isRung: false, isHurried: false };
    running.set(lane, state);
    resting.delete(lane);
    line.delete(lane);
    try {
      for (;;) {
        state.isRung = false;
        const verdict = await work(lane, signal);
        if (verdict.again) return rest(lane, state.isHurried ? 0 : verdict.inMs);
        if (!state.isRung) return verdict;
      }
    } catch (thrown) {
      rest(lane, brokenMs);
      throw thrown;
    } finally {
      running.delete(lane);
      next();
    }
  }

  /** The first in line takes the place that has become free. */
  function next(): void {
    if (drain === null || stopping.signal.aborted || running.size >= concurrency) return;
    const [lane] = line;
    if (lane !== undefined) void runHere(lane, drain);
  }

  function rest(lane: LaneKey, inMs: number): DrainVerdict {
    resting.add(lane);
    return { again: true, inMs };
  }

  /** What cannot even be put on the long way is found by its sweep, as soon as the store answers. */
  async function runHere(lane: LaneKey, work: Drain): Promise<void> {
    try {
      const inMs = await run(lane, work, stopping.signal).then(
        (verdict) => (verdict.again ? verdict.inMs : null),
        (thrown: unknown) => {
          const fault = toFault(thrown);
          if (fault.code === 'store-away') log.debug({ lane, fault: fault.code }, 'drain broken off');
          else log.error({ lane, fault: fault.code, err: fault.cause }, 'drain failed');
          return brokenMs;
        },
      );
      if (inMs !== null && !stopping.signal.aborted) await bell.ringLater(lane, inMs);
    } catch (thrown) {
      resting.delete(lane);
      log.debug({ lane, fault: toFault(thrown).code }, 'ring failed');
    }
  }

  async function ring(lanes: readonly LaneKey[], hurry: boolean, isFound: boolean): Promise<void> {
    if (stopping.signal.aborted) return bell.ring(lanes, hurry);
    const long: LaneKey[] = [];
    for (const lane of lanes) {
      const state = running.get(lane);
      if (state !== undefined) {
        state.isRung = true;
        state.isHurried ||= hurry;
      } else if (drain === null) long.push(lane);
      else if (!hurry && resting.has(lane)) {
        if (isFound) long.push(lane);
      } else if (running.size < concurrency) void runHere(lane, drain);
      else if (line.size < lineMax) line.add(lane);
      else long.push(lane);
    }
    if (long.length > 0) await bell.ring(long, hurry);
  }

  return {
    ring: (lanes, hurry = false) => ring(lanes, hurry, false),
    ringFound: (lanes, hurry) => ring(lanes, hurry, true),
    underWayCount: () => running.size + line.size,
    start(work) {
      drain = work;
      bell.start((lane, signal) => {
        const state = running.get(lane);
        if (state === undefined) return run(lane, work, signal);
        state.isRung = true;
        return Promise.resolve({ again: false });
      });
    },
    async stop(signal) {
      stopping.abort();
      line.clear(); // the next start finds them
      await bell.stop(signal);
      while (running.size > 0 && !signal.aborted) await clock.sleep(5, signal).catch(() => undefined); // the deadline ends it
    },
  };
}
