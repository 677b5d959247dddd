/** Stores on a test's own Redis, closed after each test. */
import { systemClock } from '../../src/ops/clock';
import { openStore } from '../../src/store';
import type { Store, StoreOptions } from '../../src/store';
import { countingMeter, silentLog } from '../support/silence';
import { makeTempDir, removeTempDir } from '../support/temp';

export interface Stores {
  open(options?: Partial<StoreOptions>): Promise<Store>;
  closeAll(): Promise<void>;
}

/** Everything but where Redis is and where data lies. */
export const plainOptions = {
  secretKeyFile: null,
  dedupeWindowMs: 86_400_000,
  laneMax: 10_000,
  totalMax: 1_000_000,
  deadMax: 10_000,
  deadAgeMs: 30 * 86_400_000,
  drainConcurrency: 8,
  clock: systemClock,
  log: silentLog,
  meter: countingMeter(),
} as const;

export function makeStores(server: { readonly url: string }): Stores {
  const dataDir = makeTempDir('store');
  let opened: Store[] = [];
  return {
    async open(options = {}) {
      const store = await openStore({ ...plainOptions, dataDir, url: server.url, ...options });
      opened.push(store);
      return store;
    },
    async closeAll() {
      const all = opened;
      opened = [];
      await Promise.all(all.map((store) => store.close(AbortSignal.timeout(2_000))));
      if (opened.length === 0) removeTempDir(dataDir);
    },
  };
}
