/** Counters of tries at secrets in memory, by the same rules as the store's. */
import type { AttemptStore, Clock } from '../../../src/bridge/ports';
import { Fault } from '../../../src/core/fault';

interface Tries {
  wrongCount: number;
  nextAt: number;
  times: number[];
}

const hourMs = 3_600_000;

/** `counters` outlives the process, like Redis. */
export function makeMemoryAttempts(counters: Map<string, Tries>, clock: Clock, isAway: () => boolean): AttemptStore {
  const of = (name: string): Tries => counters.get(name) ?? { wrongCount: 0, nextAt: 0, times: [] };
  const trip = async (): Promise<void> => {
    await Promise.resolve();
    if (isAway()) throw new Fault('store-away');
  };

  return {
    async begin(names, { freeCount, baseMs, capMs, hourlyMax }) {
      await trip();
      const now = clock.now();
      const states = [...new Set(names)].map((name) => {
        const { times, ...state } = of(name);
        return { name, ...state, times: times.filter((at) => at > now - hourMs) };
      });
      const waits = states.map(({ nextAt, times }) => {
        const first = times.at(-hourlyMax);
        return Math.max(0, nextAt - now, times.length >= hourlyMax && first !== undefined ? first + hourMs - now : 0);
      });
      const waitMs = Math.max(0, ...waits);
      if (waitMs > 0) return waitMs;
      for (const { name, wrongCount, times } of states) {
        const count = wrongCount + 1;
        const pauseMs = count < freeCount ? 0 : Math.min(capMs, baseMs * 2 ** (count - freeCount));
        counters.set(name, { wrongCount: count, nextAt: now + pauseMs, times: [...times, now] });
      }
      return 0;
    },
    async end(names, outcome) {
      await trip();
      for (const name of new Set(names)) {
        if (outcome === 'right') counters.delete(name);
        const state = counters.get(name);
        if (outcome !== 'void' || state === undefined) continue;
        counters.set(name, {
          wrongCount: Math.max(0, state.wrongCount - 1),
          nextAt: 0,
          times: state.times.slice(0, -1),
        });
      }
    },
  };
}
