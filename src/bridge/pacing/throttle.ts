/**
 * Room for what is urgent: work that is not stops between its pieces and lets others pass. The longer the event loop took
 * to go round (others have much to do), the longer the pause; and while many lanes are under way nothing is added to them,
 * so that a message stands behind few. No fixed rate: on an idle machine it costs one turn.
 */
import type { Clock } from '../ports';

export interface ThrottleOptions {
  readonly clock: Clock;
  /** lanes that are being drained or stand in line for it */
  readonly drainsCount: () => number;
  /** so many are few */
  readonly drainsFew?: number;
  /** a turn within this is quick, ms */
  readonly quickMs?: number;
  /** pause for each ms of a turn that was not */
  readonly factor?: number;
  /** of each of the two pauses: such work goes on, however slowly */
  readonly pauseMaxMs?: number;
}

const lookMs = 10;

/** Resolves when there is room again; rejects with the signal's reason when it aborts during a pause. */
export function makeThrottle(options: ThrottleOptions): (signal: AbortSignal) => Promise<void> {
  const { clock, drainsCount, drainsFew = 200, quickMs = 5, factor = 2, pauseMaxMs = 1_000 } = options;
  return async (signal) => {
    const began = clock.monotonic();
    await new Promise((resolve) => setImmediate(resolve));
    const turnMs = clock.monotonic() - began;
    if (turnMs > quickMs) await clock.sleep(Math.min(pauseMaxMs, factor * turnMs), signal);
    for (let waitedMs = 0; drainsCount() > drainsFew && waitedMs < pauseMaxMs; waitedMs += lookMs) {
      await clock.sleep(lookMs, signal);
    }
  };
}
