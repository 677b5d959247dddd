/** The conformance suite on Redis and on the memory store. */
import { Redis } from 'ioredis';
import type { BareJid } from '../../src/core/address';
import { makeKeys } from '../../src/store/redis/keys';
import type { Store } from '../../src/store/types';
import { describeStore } from '../conformance/store';
import type { Bounds } from '../conformance/store';
import { makeMemoryStore } from '../support/memory-store';
import type { MemoryStore } from '../support/memory-store';
import { startRedis } from '../support/servers/redis';
import type { RedisServer } from '../support/servers/redis';
import { makeStores } from './support';
import type { Stores } from './support';

describe.each([
  ['redis', 0],
  ['redis, fresh heads not read', 10_000],
])('on %s', (name, cacheMax) => {
  let server: RedisServer;
  let stores: Stores;
  let admin: Redis;
  beforeAll(async () => {
    server = await startRedis({ unixsocket: true });
    stores = makeStores(server);
    admin = new Redis(server.url);
  });
  afterEach(() => stores.closeAll());
  afterAll(async () => {
    admin.disconnect();
    await server.dispose();
  });

  const prefixes = new WeakMap<Store, { prefix: string; bounds: Bounds }>();
  let count = 0;
  const openAt = async (prefix: string, bounds: Bounds): Promise<Store> => {
    const store = await stores.open({ ...bounds, prefix, cacheMax });
    prefixes.set(store, { prefix, bounds });
    return store;
  };
  describeStore(name, {
    open: (bounds = {}) => openAt(`t${(count += 1)}:`, bounds),
    sibling: (store) => openAt(prefixes.get(store)?.prefix ?? '', prefixes.get(store)?.bounds ?? {}),
    async poison(store, where, raw) {
      const shard = makeKeys(prefixes.get(store)?.prefix).shardOfLane(where);
      await admin.rpush(shard.lane + where, raw);
      await admin.incr(shard.total);
      await store.lanes.forget('nobody@nowhere' as BareJid); // as parsed; a process before this one has put it there
    },
  });
});

describe('in memory', () => {
  const memory = (store: Store): MemoryStore => store as MemoryStore; // opened below
  describeStore('memory', {
    open: (bounds = {}) => Promise.resolve(makeMemoryStore(bounds)),
    sibling: (store) => Promise.resolve(memory(store).sibling()),
    poison: (store, where, raw) => Promise.resolve(memory(store).poison(where, raw)),
  });
});
