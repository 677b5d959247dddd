/** The machine's clock, dice and timers, as core/runtime wants them. */
import { uptime } from 'node:os';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../core/runtime';

/** How long this machine is up, ms. */
export const machineUptimeMs = (): number => uptime() * 1_000;

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
