/** What Redis is refused for, at start and when it comes back with other settings. */
import { Redis } from 'ioredis';
import type { Log } from '../../../src/bridge/ports';
import { checkRedis, isOlder } from '../../../src/store/redis/check';
import { probeRedis } from '../../../src/store/probe';
import { targetOf } from '../../../src/store/redis/target';
import { systemClock } from '../../../src/ops/clock';
import { Fault } from '../../../src/core/fault';
import { silentLog } from '../../support/silence';
import { startRedis } from '../../support/servers/redis';
import type { RedisServer } from '../../support/servers/redis';
import { until } from '../../support/wait';
import { makeStores } from '../support';

test.each([
  ['5.0.14', '6.2.0', true],
  ['6.2.0', '6.2.0', false],
  ['7.0', '6.2.0', false],
  ['6.10.1', '6.2.0', false],
  ['6.2', '6.2.1', true],
])('version %s is older than %s: %s', (version, than, older) => {
  expect(isOlder(version, than)).toBe(older);
});

describe('a Redis', () => {
  const started: RedisServer[] = [];
  const start = async (options: Parameters<typeof startRedis>[0]): Promise<RedisServer> => {
    const server = await startRedis({ unixsocket: true, ...options });
    started.push(server);
    return server;
  };
  afterEach(async () => {
    await Promise.all(started.splice(0).map((server) => server.dispose()));
  });
  const refusal = async (server: RedisServer): Promise<unknown> => {
    const stores = makeStores(server);
    const outcome: unknown = await stores.open().catch((thrown: unknown) => thrown);
    await stores.closeAll();
    return outcome;
  };

  test.each([
    ['without append-only file', { appendonly: false }, /CONFIG SET appendonly yes/],
    ['that evicts', { maxmemoryPolicy: 'allkeys-lru' }, /CONFIG SET maxmemory-policy noeviction/],
    ['with both mistakes', { appendonly: false, maxmemoryPolicy: 'volatile-ttl' }, /appendonly yes.*noeviction/],
  ])('%s is refused with the setting to change, and accepted once it is changed', async (_, options, text) => {
    const server = await start(options);
    const fault = await refusal(server);
    expect(fault).toBeInstanceOf(Fault);
    expect(fault).toMatchObject({ code: 'store-away', message: expect.stringMatching(text) as unknown });
    expect(await server.cli('EXISTS', 'bridge:{c}:version')).toBe('0'); // nothing was written
    await server.cli('CONFIG', 'SET', 'appendonly', 'yes');
    await server.cli('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    const stores = makeStores(server);
    await stores.open();
    await stores.closeAll();
  });

  test('that forbids CONFIG is judged by INFO', async () => {
    const server = await start({ appendonly: false });
    await server.cli('ACL', 'SETUSER', 'bridge', 'on', '>pw', '~*', '&*', '+@all', '-config');
    const redis = new Redis({ path: server.url, username: 'bridge', password: 'pw' });
    const warnings: string[] = [];
    const log: Log = { ...silentLog, warn: (fields) => void warnings.push(JSON.stringify(fields)) };
    const wants = { target: targetOf({ url: server.url }), waitReplicas: 0, log };
    try {
      await expect(checkRedis(redis, wants)).rejects.toMatchObject({
        message: expect.stringMatching(/appendonly/) as unknown,
      });
      await server.cli('CONFIG', 'SET', 'appendonly', 'yes');
      await checkRedis(redis, wants);
      await server.cli('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lfu');
      await expect(checkRedis(redis, wants)).rejects.toMatchObject({
        message: expect.stringMatching(/allkeys-lfu/) as unknown,
      });
      expect(warnings).toEqual([]);
    } finally {
      redis.disconnect();
    }
  });

  test('that wants a password says so, soon; with it all is well', async () => {
    const server = await startRedis({ password: 'pw' });
    started.push(server);
    const stores = makeStores(server);
    await expect(stores.open({ url: `redis://127.0.0.1:${server.port}` })).rejects.toMatchObject({
      message: expect.stringMatching(/NOAUTH/) as unknown,
    });
    const store = await stores.open();
    expect(await store.ping()).toBeGreaterThan(0);
    await stores.closeAll();
  });

  test.each([
    ['always', null],
    ['everysec', /appendfsync everysec.*one or two seconds.*CONFIG SET appendfsync always/],
    ['no', /appendfsync no.*half a minute.*CONFIG SET appendfsync always/],
  ] as const)('with appendfsync %s is used; what it may lose is said', async (appendfsync, text) => {
    const server = await start({ appendfsync });
    const stores = makeStores(server);
    const said: string[] = [];
    const log: Log = { ...silentLog, warn: (_fields, message) => void said.push(message), child: () => log };
    await stores.open({ log });
    await stores.closeAll();
    expect(said).toEqual(text === null ? [] : [expect.stringMatching(text)]);
    const { weaknesses } = await probeRedis({ url: `unix://${server.unixsocket}` }, systemClock);
    expect(weaknesses).toEqual(said);
  });

  test('that comes back with a wrong setting is not used until it is right', async () => {
    const server = await start({});
    const stores = makeStores(server);
    const errors: string[] = [];
    const log: Log = { ...silentLog, error: (fields) => void errors.push(JSON.stringify(fields)) };
    const store = await stores.open({ log });
    await server.cli('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    await server.cli('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await until(() => errors.some((text) => text.includes('noeviction')));
    expect(store.isUp()).toBe(false);
    await expect(store.ping()).rejects.toMatchObject({ code: 'store-away' });
    await server.cli('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await until(() => store.isUp(), { deadlineMs: 10_000 });
    await stores.closeAll();
  });
});
