/** The client on a Redis Cluster: TLS and logins, a primary that goes under traffic, slots that nobody serves. */
import type { Client } from '../../../src/store/redis/client';
import { probeRedis } from '../../../src/store/probe';
import { systemClock } from '../../../src/ops/clock';
import { startRedisCluster } from '../../support/servers/redis-cluster';
import type { RedisCluster } from '../../support/servers/redis-cluster';
import { startRedis } from '../../support/servers/redis';
import { until } from '../../support/wait';
import { openClient, startTraffic } from './traffic';

/** keys in the slots of each of the three primaries */
const keys = ['{a}', '{b}', '{c}'];

const clients: Client[] = [];
afterEach(() => clients.splice(0).map((client) => client.close()));
const open = async (cluster: RedisCluster): Promise<Client> => {
  const client = openClient(cluster.settings);
  clients.push(client);
  await client.start();
  return client;
};
const refusal = (settings: RedisCluster['settings']): Promise<unknown> => {
  const client = openClient(settings);
  clients.push(client);
  return client.start().then(
    () => 'started',
    (thrown: unknown) => (thrown instanceof Error ? thrown.message : thrown),
  );
};

describe('with replicas', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster({ isTls: true, nodeTimeoutMs: 1_000 });
  }, 30_000);
  afterAll(() => cluster.dispose());

  test('the keys of this test lie on three primaries', async () => {
    const primaries = await Promise.all(keys.map((key) => cluster.primaryOf(key)));
    expect(new Set(primaries).size).toBe(3);
  });

  test('the doctor names the topology', async () => {
    const found = await probeRedis(cluster.settings, systemClock);
    expect(found).toMatchObject({ name: 'Redis Cluster: 3 primaries, 3 replicas', problems: [] });
  });

  test('a wrong password is refused with the keys to look at', async () => {
    expect(await refusal({ ...cluster.settings, password: 'wrong' })).toMatch(
      /No node of the Redis Cluster can be asked \(redis\.username and redis\.password\).*WRONGPASS/,
    );
  });

  test('a script that a primary has forgotten is sent again', async () => {
    const client = await open(cluster);
    for (const node of cluster.nodes.slice(0, 3)) await node.cli('SCRIPT', 'FLUSH');
    const traffic = startTraffic(client, keys);
    await traffic.flows();
    expect(await traffic.lost()).toEqual([]);
    expect(traffic.failedCount()).toBe(0);
  });

  test('a primary that is killed: the others are written to all the time, its replica takes over, nothing is lost', async () => {
    const client = await open(cluster);
    const traffic = startTraffic(
      client,
      keys.map((key) => `${key}killed`),
    );
    await traffic.flows();
    const primary = await cluster.primaryOf('{a}');
    const other = await cluster.primaryOf('{b}');
    await primary.kill9();
    await client.ask((redis) => redis.set('{b}meanwhile', '1'));
    expect(client.isUp()).toBe(true);
    await until(async () => (await cluster.primaryOf('{a}', other)) !== primary);
    await until(() => client.ask((redis) => redis.set('{a}after', '1')));
    await traffic.flows();
    expect(await traffic.lost()).toEqual([]);
    await primary.start();
    await until(async () => (await primary.cli('INFO', 'replication')).includes('master_link_status:up'));
  }, 60_000);

  test('a primary that is frozen: what was given up is not written later by another', async () => {
    const client = await open(cluster);
    const traffic = startTraffic(
      client,
      keys.map((key) => `${key}frozen`),
    );
    await traffic.flows();
    const primary = await cluster.primaryOf('{b}');
    const other = await cluster.primaryOf('{c}');
    primary.freeze();
    const given = 'never';
    await expect(
      until(
        async () => {
          await client.ask((redis) => redis.set('{b}late', given));
          return true;
        },
        { deadlineMs: 300 },
      ),
    ).rejects.toThrow();
    await until(async () => (await cluster.primaryOf('{b}', other)) !== primary);
    await until(() => client.ask((redis) => redis.set('{b}after', '1')));
    await traffic.flows();
    expect(await client.ask((redis) => redis.get('{b}late'))).toBeNull();
    primary.thaw();
    expect(await traffic.lost()).toEqual([]);
    await until(async () => (await primary.cli('INFO', 'replication')).includes('master_link_status:up'));
  }, 60_000);
});

describe('with slots that nobody serves', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster({ replicas: 0, needsAllSlots: false });
    for (const node of cluster.nodes) await node.cli('CLUSTER', 'DELSLOTS', '100', '101', '102', '7');
  }, 30_000);
  afterAll(() => cluster.dispose());

  test('it is refused, by number', async () => {
    expect(await refusal(cluster.settings)).toMatch(
      /The slots 7, 100-102 of the Redis Cluster \(redis\.cluster\) are served by no node/,
    );
  });

  test('the doctor says the same', async () => {
    const { problems } = await probeRedis(cluster.settings, systemClock);
    expect(problems).toEqual([expect.stringMatching(/slots 7, 100-102/)]);
  });
});

test('one server is no Cluster, a node of a Cluster no single server: each says which key it belongs to', async () => {
  const [single, cluster] = await Promise.all([startRedis(), startRedisCluster({ replicas: 0 })]);
  try {
    expect(await refusal({ url: null, cluster: [{ host: '127.0.0.1', port: single.port ?? 0 }] })).toMatch(
      /is one server, no node of a Redis Cluster: give it in redis\.url instead of redis\.cluster/,
    );
    const { username = '', password = '' } = cluster.settings;
    const url = `redis://${username}:${encodeURIComponent(password ?? '')}@${cluster.nodes[0]?.address}`;
    const { problems } = await probeRedis({ url }, systemClock);
    expect(problems).toEqual([expect.stringMatching(/give some of its nodes in redis\.cluster instead of redis\.url/)]);
  } finally {
    await Promise.all([single.dispose(), cluster.dispose()]);
  }
}, 30_000);
