/** The conformance suite on Redis and on the memory store. */
import { Redis } from 'ioredis';
import type { Store } from '../../src/store/types';
import { describeStore } from '../conformance/store';
import { makeMemoryStore } from '../support/fakes/memory-store';
import type { MemoryStore } from '../support/fakes/memory-store';
import { startRedis } from '../support/servers/redis';
import type { RedisServer } from '../support/servers/redis';
import { makeRedisSubject } from './subject';
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

  describeStore(
    name,
    makeRedisSubject(
      () => stores,
      () => admin,
      () => ({ cacheMax }),
    ),
  );
});

describe('in memory', () => {
  const memory = (store: Store): MemoryStore => store as MemoryStore; // opened below
  describeStore('memory', {
    open: (bounds = {}) => Promise.resolve(makeMemoryStore(bounds)),
    sibling: (store) => Promise.resolve(memory(store).sibling()),
    poison: (store, where, raw) => Promise.resolve(memory(store).poison(where, raw)),
  });
});
