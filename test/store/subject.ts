/** What the conformance suite needs of a store on Redis: each store with a prefix of its own, two on one, and spoilt data. */
import type { Cluster, Redis } from 'ioredis';
import type { BareJid } from '../../src/core/address';
import { makeKeys } from '../../src/store/redis/keys';
import type { Store, StoreOptions } from '../../src/store/types';
import type { Bounds, Subject } from '../conformance/subject';
import type { Stores } from './support';

/** `admin` reaches the same Redis; asked for when it is used, since hooks of the test make it. */
export function makeRedisSubject(
  stores: () => Stores,
  admin: () => Redis | Cluster,
  options: () => Partial<StoreOptions>,
): Subject {
  const prefixes = new WeakMap<Store, { prefix: string; bounds: Bounds }>();
  let count = 0;
  const openAt = async (prefix: string, bounds: Bounds): Promise<Store> => {
    const store = await stores().open({ ...bounds, ...options(), prefix });
    prefixes.set(store, { prefix, bounds });
    return store;
  };
  return {
    open: (bounds = {}) => openAt(`t${(count += 1)}:`, bounds),
    sibling: (store) => openAt(prefixes.get(store)?.prefix ?? '', prefixes.get(store)?.bounds ?? {}),
    async poison(store, where, raw) {
      const shard = makeKeys(prefixes.get(store)?.prefix).shardOfLane(where);
      await admin().rpush(shard.lane + where, raw);
      await admin().incr(shard.total);
      await store.lanes.forget('nobody@nowhere' as BareJid); // as parsed; a process before this one has put it there
    },
  };
}
