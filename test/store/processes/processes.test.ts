/** Processes on one Redis: who agrees with whom, what they say to each other, and what one leaves for the next. */
import { startRedis, type RedisServer } from '../../support/servers/redis';
import { until } from '../../support/wait';
import { makeStores, type Stores } from '../support';

let server: RedisServer;
let stores: Stores;
beforeAll(async () => {
  server = await startRedis({ unixsocket: true });
});
beforeEach(() => {
  stores = makeStores(server);
});
afterEach(async () => {
  await stores.closeAll();
  await server.cli('FLUSHALL');
});
afterAll(() => server.dispose());

const agreement = { 'xmpp.domain': 'ximss.test', 'ximss.domain': 'far.test' };

describe('the table', () => {
  test('those that agree see each other, whatever their versions; who leaves is not seen', async () => {
    const [one, two] = [await stores.open(), await stores.open()];
    await one.processes.join(agreement, '1.0.0');
    await two.processes.join(agreement, '1.1.0');
    expect(await one.processes.others()).toMatchObject([{ version: '1.1.0' }]);
    expect(await two.processes.others()).toMatchObject([{ version: '1.0.0' }]);
    await two.close(AbortSignal.timeout(2_000));
    expect(await one.processes.others()).toEqual([]);
  });

  test('all of them, each with what it holds', async () => {
    const [one, two] = [
      await stores.open({ processName: 'a', shards: 2 }),
      await stores.open({ processName: 'b', shards: 2 }),
    ];
    await one.processes.join(agreement, '1.0.0');
    await two.processes.join(agreement, '1.1.0');
    await one.leases.tryAcquire('stream');
    await two.leases.tryAcquire(1);
    expect(await one.processes.all()).toEqual([
      { name: 'a', version: '1.0.0', isThis: true, shardCount: 0, hasStream: true },
      { name: 'b', version: '1.1.0', isThis: false, shardCount: 1, hasStream: false },
    ]);
  });

  test('one that does not agree with one that lives is refused, in words', async () => {
    const [one, two] = [await stores.open(), await stores.open()];
    await one.processes.join(agreement, '1.0.0');
    await expect(two.processes.join({ ...agreement, 'ximss.domain': 'near.test' }, '1.0.0')).rejects.toMatchObject({
      code: 'store-away',
      message: expect.stringContaining('ximss.domain is near.test here and far.test there') as unknown,
    });
  });

  test('one that has ended without a word is not believed to live', async () => {
    const one = await stores.open();
    const [seconds] = (await server.cli('TIME')).split('\n');
    const entry = { name: 'gone', version: '1', keyIds: [], agreement: { ...agreement, 'ximss.domain': 'near.test' } };
    const seenAt = Number(seconds) * 1_000;
    await server.cli('HSET', 'bridge:{c}:processes', 'gone', JSON.stringify({ ...entry, seenAt }));
    await one.processes.join(agreement, '1.0.0'); // waits until its last sign of life is old
    expect(await one.processes.others()).toEqual([]);
    expect(await server.cli('HEXISTS', 'bridge:{c}:processes', 'gone')).toBe('0');
  });

  test('a damaged row does no harm', async () => {
    await server.cli('HSET', 'bridge:{c}:processes', 'odd', 'x', 'odder', '{"seenAt":1e300,"agreement":7}');
    const one = await stores.open();
    await one.processes.join(agreement, '1.0.0');
    expect(await one.processes.others()).toMatchObject([{ name: 'odder' }]);
  });
});

describe('messages', () => {
  test('to one, to all, in order, and not to oneself', async () => {
    const all = [await stores.open(), await stores.open(), await stores.open()];
    const heard: string[][] = [[], [], []];
    all.forEach(({ processes: { bus } }, i) =>
      bus.listen({
        onMessage: (_from, message) => void heard[i]?.push(JSON.stringify(message)),
        onGap: () => undefined,
      }),
    );
    const [one, two] = all.map(({ processes }) => processes.bus);
    for (let n = 0; n < 3; n += 1) one?.send(two?.self ?? '', { n });
    one?.send('all', { toAll: true });
    await until(() => heard[1]?.length === 4 && heard[2]?.length === 1);
    expect(heard).toEqual([[], ['{"n":0}', '{"n":1}', '{"n":2}', '{"toAll":true}'], ['{"toAll":true}']]);
  });

  test('after an outage of Redis the gap is told, and what is said then is heard', async () => {
    const [one, two] = [await stores.open(), await stores.open()];
    const heard: string[] = [];
    two.processes.bus.listen({ onMessage: () => void heard.push('message'), onGap: () => void heard.push('gap') });
    await server.kill9();
    await server.start();
    await until(() => heard.includes('gap') && one.isUp());
    one.processes.bus.send('all', {});
    await until(() => heard.includes('message'));
  });

  test('what is not ours is not read', async () => {
    const one = await stores.open();
    const heard: object[] = [];
    one.processes.bus.listen({ onMessage: (_from, message) => void heard.push(message), onGap: () => undefined });
    for (const text of ['x', '7', '{"from":1,"messages":[]}', '{"from":"a","messages":[1,{"fine":true}]}'])
      await server.cli('PUBLISH', 'bridge:{c}:to:all', text);
    await until(() => heard.length > 0);
    expect(heard).toEqual([{ fine: true }]);
  });
});

test('what is left is taken once', async () => {
  const { leftover } = (await stores.open()).processes;
  await leftover.put('rest');
  expect([await leftover.take(), await leftover.take()]).toEqual(['rest', null]);
});
