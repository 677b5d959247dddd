/** The machine's clock, dice and timers as the middle wants them. The only owner of bare timers outside the wires. */
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../bridge/ports';

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  dice: () => Math.random(),
  sleep: (ms, signal) => delay(ms, undefined, { signal }),
};
