/** The client behind Sentinel: TLS and logins, a fail-over under traffic, and settings that cannot work. */
import type { Client } from '../../../src/store/redis/client';
import { probeRedis } from '../../../src/store/probe';
import { systemClock } from '../../../src/ops/clock';
import { startRedisSentinel } from '../../support/servers/redis-sentinel';
import type { RedisSentinel } from '../../support/servers/redis-sentinel';
import { until } from '../../support/wait';
import { openClient, startTraffic } from './traffic';

let redis: RedisSentinel;
const clients: Client[] = [];
beforeAll(async () => {
  redis = await startRedisSentinel({ isTls: true, downAfterMs: 500 });
}, 30_000);
afterAll(() => redis.dispose());
afterEach(() => clients.splice(0).map((client) => client.close()));

const open = async (waitReplicas = 0): Promise<Client> => {
  const client = openClient(redis.settings, waitReplicas);
  clients.push(client);
  await client.start();
  return client;
};

/** Both other servers follow the primary; the Sentinels make an old one follow after some seconds. */
const isWhole = async (): Promise<boolean> => (await (await redis.primary()).cli('WAIT', '2', '100')) === '2';

/** It waits until all three servers stand together again, which takes a while: `npm run topologies`. */
const slowTest = process.env['TOPOLOGIES'] === 'all' ? test : test.skip;

test('a setting that cannot work is refused with the key to change', async () => {
  const { settings } = redis;
  const refusal = (changed: object, waitReplicas = 0): Promise<unknown> => {
    const client = openClient({ ...settings, ...changed }, waitReplicas);
    clients.push(client);
    return client.start().then(
      () => 'started',
      (thrown: unknown) => (thrown instanceof Error ? thrown.message : thrown),
    );
  };
  const { sentinel } = settings;
  const texts = await Promise.all([
    refusal({ sentinel: { ...sentinel, name: 'mymaster' } }),
    refusal({ sentinel: { ...sentinel, password: 'wrong' } }),
    refusal({ password: 'wrong' }),
    refusal({}, 3),
  ]);
  expect(texts).toEqual([
    'The Sentinels watch no primary called "mymaster" (redis.sentinel.name); they watch: main.',
    expect.stringMatching(/No Sentinel can be asked \(redis\.sentinel\.username and password\).*WRONGPASS/),
    expect.stringMatching(/cannot be used \(redis\.username and redis\.password\).*WRONGPASS/),
    expect.stringMatching(/redis\.wait is 3, but only 2 replicas are connected/),
  ]);
  expect(texts.join()).not.toContain('wrong');
});

test('the doctor names the primary, and what a fail-over may lose', async () => {
  const primary = await redis.primary();
  const found = await probeRedis(redis.settings, systemClock);
  expect(found).toMatchObject({ name: `Sentinel main: primary ${primary.address}, 2 replicas`, problems: [] });
  expect(found.weaknesses).toEqual([expect.stringMatching(/min-replicas-to-write 0.*redis\.wait: 1/)]);
});

test('a primary that is killed: writes go on at another, nothing acknowledged is lost', async () => {
  const traffic = startTraffic(await open(), ['killed']);
  await traffic.flows();
  const primary = await redis.primary();
  await primary.kill9();
  await redis.failedOver(primary);
  await traffic.flows();
  expect(await traffic.lost()).toEqual([]);
  await primary.start();
}, 60_000);

slowTest(
  'a primary that is frozen, redis.wait: 1: it is left, and when it wakes up nothing is written to it',
  async () => {
    await until(isWhole, { deadlineMs: 60_000 });
    const traffic = startTraffic(await open(1), ['frozen']);
    await traffic.flows();
    const primary = await redis.primary();
    primary.freeze();
    await redis.failedOver(primary);
    await traffic.flows();
    primary.thaw();
    await traffic.flows();
    expect(await traffic.lost()).toEqual([]);
  },
  60_000,
);

slowTest(
  'a primary that is cut off with us, redis.wait: 1: what it takes is not acknowledged',
  async () => {
    await until(isWhole, { deadlineMs: 60_000 });
    const traffic = startTraffic(await open(1), ['cut']);
    await traffic.flows();
    const primary = await redis.primary();
    await redis.cutOff(primary);
    await redis.failedOver(primary);
    await traffic.flows(); // at the new primary, although the old one still answers
    expect(await traffic.lost()).toEqual([]);
    expect(traffic.failedCount()).toBeGreaterThan(0);
  },
  120_000,
);
