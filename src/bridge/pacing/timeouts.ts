/**
 * One timer for any number of timeouts of the same length, by key. What counts is bounded by the number of keys.
 */
import type { Clock } from '../../core/runtime';

export interface Timeouts<K> {
  /** Begins to count for the key, unless it counts already. */
  begin(key: K): void;
  cancel(key: K): void;
  isRunning(key: K): boolean;
  stop(): void;
}

/** Calls `due` once per key, `afterMs` after its begin. `due` must not throw. */
export function makeTimeouts<K>(options: {
  readonly afterMs: number;
  readonly due: (key: K) => void;
  readonly clock: Clock;
}): Timeouts<K> {
  const { afterMs, due, clock } = options;
  const stopping = new AbortController();
  const ends = new Map<K, number>(); // equal spans, so the order of insertion is the order of time
  let isWatching = false;

  async function watch(): Promise<void> {
    while (!stopping.signal.aborted) {
      const [first] = ends;
      if (first === undefined) break;
      const leftMs = first[1] - clock.monotonic();
      if (leftMs > 0) {
        await clock.sleep(leftMs, stopping.signal).catch(() => undefined); // stop ends the wait
        continue;
      }
      ends.delete(first[0]);
      due(first[0]);
    }
    isWatching = false;
  }

  return {
    begin(key) {
      if (ends.has(key) || stopping.signal.aborted) return;
      ends.set(key, clock.monotonic() + afterMs);
      if (isWatching) return;
      isWatching = true;
      void watch();
    },
    cancel: (key) => void ends.delete(key),
    isRunning: (key) => ends.has(key),
    stop() {
      stopping.abort();
      ends.clear();
    },
  };
}
