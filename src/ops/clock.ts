/** The machine's clock, dice and timers, as core/runtime wants them. */
import { uptime } from 'node:os';
import { performance } from 'node:perf_hooks';
import type { Clock } from '../core/runtime';

/** How long this machine is up, ms. */
export const machineUptimeMs = (): number => uptime() * 1_000;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  dice: () => Math.random(),
  // not timers/promises: that makes an error with a stack for each sleep that is ended, and most of them are
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(reasonOf(signal));
      const end = (): void => {
        clearTimeout(timer);
        reject(reasonOf(signal));
      };
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', end);
        resolve();
      }, ms);
      signal.addEventListener('abort', end);
    }),
};

/** Whatever the caller aborted with: `AbortSignal.reason` has no type. */
const reasonOf = (signal: AbortSignal): Error => signal.reason as Error;
