/**
 * The store on a Redis Cluster and behind Sentinel: the conformance suite, and messages that are accepted while a primary
 * goes. Here the parts that append and settle; all of it, also behind Sentinel: `npm run topologies`.
 */
import { Cluster, Redis } from 'ioredis';
import { describeLanes } from '../conformance/lanes';
import { describeSettlements } from '../conformance/settlements';
import { describeStore } from '../conformance/store';
import type { Subject } from '../conformance/subject';
import { bridgeLogin } from '../support/servers/redis-node';
import { startRedisCluster } from '../support/servers/redis-cluster';
import type { RedisCluster } from '../support/servers/redis-cluster';
import { startRedisSentinel } from '../support/servers/redis-sentinel';
import type { RedisSentinel } from '../support/servers/redis-sentinel';
import { makeRedisSubject } from './subject';
import { makeStores } from './support';
import type { Stores } from './support';

const isWhole = process.env['TOPOLOGIES'] === 'all';

function describeParts(name: string, subject: Subject): void {
  if (isWhole) return describeStore(name, subject);
  describeLanes(name, subject);
  describeSettlements(name, subject);
}

describe('on a Cluster', () => {
  let cluster: RedisCluster;
  let admin: Cluster;
  let stores: Stores;
  beforeAll(async () => {
    cluster = await startRedisCluster();
    admin = new Cluster([...(cluster.settings.cluster ?? [])], { redisOptions: bridgeLogin });
    stores = makeStores({ url: '' });
  }, 30_000);
  afterEach(() => stores.closeAll());
  afterAll(async () => {
    admin.disconnect();
    await cluster.dispose();
  });
  describeParts(
    'cluster',
    makeRedisSubject(
      () => stores,
      () => admin,
      () => cluster.settings,
    ),
  );
});

(isWhole ? describe : describe.skip)('behind Sentinel, waiting for a replica', () => {
  let sentinel: RedisSentinel;
  let admin: Redis;
  let stores: Stores;
  beforeAll(async () => {
    sentinel = await startRedisSentinel();
    const { port } = await sentinel.primary();
    admin = new Redis({ port, ...bridgeLogin });
    stores = makeStores({ url: '' });
  }, 30_000);
  afterEach(() => stores.closeAll());
  afterAll(async () => {
    admin.disconnect();
    await sentinel.dispose();
  });
  describeParts(
    'sentinel',
    makeRedisSubject(
      () => stores,
      () => admin,
      () => ({ ...sentinel.settings, waitReplicas: 1 }),
    ),
  );
});
