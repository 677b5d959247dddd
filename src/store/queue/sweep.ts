/**
 * The safety net of the scheduler: schedules every lane that holds something, soon after the start, soon after Redis came
 * back, and in between; one sweep at a time, paced with jitter so that processes are never in step. Before each it lets
 * its owner look after the worker. A sweep that fails is repeated soon.
 *
 * The first sweep ends every pause: what a process before this one waited for is not known here, and nobody would wake
 * those lanes when it comes. So does one after the wall clock was set back, by which BullMQ tells when a pause ends.
 */
import type { Clock, LaneStore, Log } from '../../bridge/ports';
import { toFault } from '../../core/fault';
import type { LaneKey } from '../../core/model';

export interface SweepOptions {
  readonly lanes: Pick<LaneStore, 'nonEmpty'>;
  readonly schedule: (lanes: readonly LaneKey[], isImmediate: boolean) => Promise<void>;
  /** Looks after the worker; `isLong`: a whole pause has passed since the last time. May reject. */
  readonly checkWorker: (isLong: boolean) => Promise<void>;
  /** called with how many lanes were found */
  readonly onSwept: (count: number) => void;
  /** mean pause between two sweeps */
  readonly sweepMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** ends it */
  readonly signal: AbortSignal;
}

export interface Sweep {
  /** Sweep soon, not after the whole pause. */
  wake(): void;
  /** Resolves when the signal has aborted and the last sweep is over. Never rejects. */
  readonly ended: Promise<void>;
}

const soonMs = 300;
/** Two clocks differ by so much without one having been set. */
const driftMs = 2_000;

export function startSweep({
  lanes,
  schedule,
  checkWorker,
  onSwept,
  sweepMs,
  clock,
  log,
  signal,
}: SweepOptions): Sweep {
  let wake = new AbortController();
  let isImmediate = true;
  let offsetMs = clock.now() - clock.monotonic();

  /** Was the wall clock set back since the last time? */
  function wasSetBack(): boolean {
    const before = offsetMs;
    offsetMs = clock.now() - clock.monotonic();
    return offsetMs < before - driftMs;
  }

  async function sweep(): Promise<void> {
    isImmediate = wasSetBack() || isImmediate;
    let count = 0;
    for await (const page of lanes.nonEmpty()) {
      count += page.length;
      await schedule(page, isImmediate);
      if (signal.aborted) return;
    }
    isImmediate = false;
    onSwept(count);
  }

  async function sweepForever(): Promise<void> {
    let pauseMs = soonMs * clock.dice();
    let isLong = false;
    for (;;) {
      await clock.sleep(pauseMs, AbortSignal.any([wake.signal, signal])).catch(() => undefined);
      if (signal.aborted) return;
      const isWoken = wake.signal.aborted;
      wake = new AbortController();
      try {
        await checkWorker(isLong && !isWoken);
        await sweep();
        isLong = true;
        pauseMs = sweepMs * (0.5 + clock.dice());
      } catch (thrown) {
        log.debug({ fault: toFault(thrown).code }, 'sweep broken off');
        isLong = false;
        pauseMs = soonMs + soonMs * clock.dice();
      }
    }
  }

  return { wake: () => wake.abort(), ended: sweepForever() };
}
