/** A clock that tests own: time moves only by `advance`, the dice always show the same face. */
import type { Clock } from '../../src/bridge/ports';

export interface ManualClock extends Clock {
  /** Moves the time and ends every sleep that is over, in order of time. */
  advance(ms: number): void;
  /** The time of day is set; nothing else notices. */
  set(byMs: number): void;
  /** how many sleepers there are */
  sleeping(): number;
}

export function manualClock(start = Date.UTC(2026, 0, 1), face = 0.5): ManualClock {
  let now = start;
  let offset = 0;
  let sleepers: { until: number; wake: () => void }[] = [];
  return {
    now: () => now + offset,
    set: (byMs) => void (offset += byMs),
    monotonic: () => now - start,
    dice: () => face,
    sleeping: () => sleepers.length,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const fail = (): void => {
          sleepers = sleepers.filter((one) => one !== sleeper);
          reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
        };
        const sleeper = {
          until: now + ms,
          wake: () => {
            signal.removeEventListener('abort', fail);
            resolve();
          },
        };
        if (signal.aborted) return fail();
        signal.addEventListener('abort', fail, { once: true });
        sleepers.push(sleeper);
      }),
    advance(ms) {
      now += ms;
      const due = sleepers.filter((one) => one.until <= now).sort((a, b) => a.until - b.until);
      sleepers = sleepers.filter((one) => one.until > now);
      for (const one of due) one.wake();
    },
  };
}
