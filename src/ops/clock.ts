/** The machine's clock, dice and timers, as core/runtime wants them. */
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../core/runtime';

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  dice: () => Math.random(),
  async sleep(ms, signal) {
    try {
      await delay(ms, undefined, { signal });
    } catch (thrown) {
      throw signal.aborted ? signal.reason : thrown; // Node rejects with an AbortError of its own
    }
  },
};
