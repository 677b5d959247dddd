/** The leases in memory: who holds what, with terms that grow. Shared by all stores on the same data; nothing runs out. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../../src/bridge/ports';
import { Fault } from '../../../src/core/fault';
import type { HeldLease, LeaseName, Leases } from '../../../src/store/types';

export interface LeaseData {
  readonly held: Map<LeaseName, { readonly self: string; readonly lease: HeldLease }>;
  readonly terms: Map<LeaseName, number>;
}

export const makeLeaseData = (): LeaseData => ({ held: new Map(), terms: new Map() });

export function makeMemoryLeases(
  { held, terms }: LeaseData,
  clock: Pick<Clock, 'sleep'>,
  isAway: () => boolean,
  shardCount = 16,
): Leases {
  const self = randomUUID();

  async function tryAcquire(name: LeaseName): Promise<HeldLease | null> {
    await Promise.resolve();
    if (isAway()) throw new Fault('store-away');
    const known = held.get(name);
    if (known !== undefined) return known.self === self ? known.lease : null;
    const term = (terms.get(name) ?? 0) + 1;
    terms.set(name, term);
    const ended = new AbortController();
    const lease: HeldLease = {
      name,
      term,
      lost: ended.signal,
      release() {
        if (held.get(name)?.lease === lease) held.delete(name);
        ended.abort(new Fault('stopping'));
        return Promise.resolve();
      },
    };
    held.set(name, { self, lease });
    return lease;
  }

  return {
    shardCount,
    self,
    tryAcquire,
    async acquire(name, signal) {
      for (;;) {
        const lease = isAway() ? null : await tryAcquire(name);
        if (lease !== null) return lease;
        await clock.sleep(10, signal);
      }
    },
    holders: () => Promise.resolve(new Map([...held].map(([name, one]) => [name, one.self]))),
  };
}
