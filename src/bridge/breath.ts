/**
 * Room for what is urgent: work that is not stops between its pieces and lets the event loop go round. The longer the
 * loop took for it (others have much to do), the longer the pause, so that such work takes only a share of the time that
 * messages leave. No state, no fixed rate: on an idle machine it costs one turn.
 */
import type { Clock } from './ports';

export interface BreathOptions {
  readonly clock: Clock;
  /** a turn within this is quick, ms */
  readonly quickMs?: number;
  /** pause for each ms of a turn that was not */
  readonly factor?: number;
  readonly pauseMaxMs?: number;
}

/** Resolves when there is room again; rejects with the signal's reason when it aborts during a pause. */
export function makeBreath(options: BreathOptions): (signal: AbortSignal) => Promise<void> {
  const { clock, quickMs = 5, factor = 2, pauseMaxMs = 1_000 } = options;
  return async (signal) => {
    const began = clock.monotonic();
    await new Promise((resolve) => setImmediate(resolve));
    const turnMs = clock.monotonic() - began;
    if (turnMs > quickMs) await clock.sleep(Math.min(pauseMaxMs, factor * turnMs), signal);
  };
}
