/** A store of the first edition becomes ours: nothing is lost, wherever it is broken off; what cannot be ours is refused. */
import { spawnSync } from 'node:child_process';
import { Redis } from 'ioredis';
import type { BareJid } from '../../../src/core/address';
import { systemClock } from '../../../src/ops/clock';
import { openLayout } from '../../../src/store/layout/layout';
import { makeHolder } from '../../../src/store/leases/holder';
import { makeKeys } from '../../../src/store/redis/keys';
import { entry, lane } from '../../support/envelopes';
import { startRedis } from '../../support/servers/redis';
import type { RedisServer } from '../../support/servers/redis';
import { silentLog } from '../../support/silence';
import { makeTempDir, removeTempDir } from '../../support/temp';
import { until } from '../../support/wait';
import { makeStores } from '../support';
import { everything, users, writeFirstEdition, writeSealKey } from './first-edition';

let server: RedisServer;
let redis: Redis;
let dir: string;
beforeAll(async () => {
  server = await startRedis({ unixsocket: true });
  redis = new Redis(server.url);
  dir = makeTempDir('layout');
});
beforeEach(() => writeFirstEdition(redis));
afterAll(async () => {
  redis.disconnect();
  removeTempDir(dir);
  await server.dispose();
});

const common = { keys: makeKeys(), clock: systemClock, log: silentLog, signal: new AbortController().signal };

/** A process that has ended, as the leases name it. */
const deadHolder = (): string => makeHolder('elsewhere').replace(/ \d+ /, ` ${spawnSync('true').pid} `);

/** A connection that is cut at its n-th command: before it is sent, or before its answer comes. */
function cutAt(n: number, isSent: boolean): Redis {
  let count = 0;
  return new Proxy(redis, {
    get(target, name) {
      const found: unknown = Reflect.get(target, name, target);
      if (typeof found !== 'function') return found;
      return async (...args: unknown[]): Promise<unknown> => {
        count += 1;
        if (count < n) return Reflect.apply(found, target, args);
        if (count === n && isSent) await Reflect.apply(found, target, args);
        throw new Error('cut');
      };
    },
  });
}

test('killed at any step, it goes on where it was: the end is the same', async () => {
  await openLayout(redis, { ...common, holder: deadHolder() });
  const wanted = await everything(redis);
  let cutCount = 0;
  for (let n = 1; ; n += 1) {
    await writeFirstEdition(redis);
    const isCut = await openLayout(cutAt(n, n % 2 === 0), { ...common, holder: deadHolder() }).then(
      () => false,
      () => true,
    );
    if (!isCut) break;
    cutCount += 1;
    await redis.ping(); // what was sent before the cut has been done
    await openLayout(redis, { ...common, holder: deadHolder() });
    expect(await everything(redis)).toEqual(wanted);
  }
  expect(cutCount).toBeGreaterThan(60);
});

test('all that it held is there', async () => {
  const stores = makeStores(server);
  const lines: string[] = [];
  const log = { ...silentLog, info: (_: object, message: string) => void lines.push(message) };
  const store = await stores.open({ secretKeyFile: writeSealKey(dir), log });
  expect(lines).toEqual(expect.arrayContaining(['the store is migrated to a newer layout', 'migrated']));
  const ids = async (key: ReturnType<typeof lane>): Promise<string[]> =>
    (await store.lanes.head(key, 10)).map((one) => ('envelope' in one ? one.envelope.id : 'poisoned'));
  for (const [u, user] of users.entries()) {
    const romeo = lane(user, 'romeo@example.net');
    const back = lane(user, 'romeo@example.net', 'toJabber');
    expect(await ids(romeo)).toEqual([2, 3].map((n) => `${u}-r-out${n}`));
    expect(await ids(lane(user, 'benvolio@example.net'))).toEqual([1, 2, 3].map((n) => `${u}-b-out${n}`));
    expect(await ids(back)).toEqual([`${u}-r-back2`, `${u}-r-back3`, `${u}-bounce`]);
    const again = { ...entry(romeo, 'other', 'identity 2'), name: 'name2' };
    expect(await store.lanes.append([again])).toEqual([{ outcome: 'repeat' }]);
    const bare = user as BareJid; // as it was written
    expect(await store.notes.read(bare)).toBe(`note ${u}`);
    expect(await store.state.read('pairs', bare)).toEqual(
      new Map([
        ['romeo@example.net', '"both"'],
        ['@', '"to"'],
      ]),
    );
  }
  expect(await store.lanes.counts()).toEqual({ envelopes: 44, lanes: 16, dead: 4 });
  const { entries } = await store.lanes.deadLetters({ before: null, count: 10 });
  expect(entries.map(({ content }) => 'envelope' in content && content.envelope.id)).toEqual(
    [3, 2, 1, 0].map((u) => `${u}-r-out1`),
  );
  const links = await store.links.load();
  expect(links.map(({ user, password }) => [user, password]).sort()).toEqual(
    users.map((user, u) => [user, `secret ${u}`]).sort(),
  );
  expect(await store.provisioned.load()).toMatchObject([{ user: 'juliet@example.org', password: 'made' }]);
  expect(await redis.zcard('bridge:{c}:attempts')).toBe(2);
  const found: string[] = [];
  for await (const page of store.state.users('synced')) found.push(...page);
  expect(found.sort()).toEqual([...users].sort());
  expect(await store.lanes.restoreHeld(0)).toMatchObject({ count: 4 });
  const untagged = (await redis.keys('bridge:*')).filter((key) => !key.startsWith('bridge:{')).sort();
  expect(untagged).toEqual(['bridge:lease', 'bridge:version']);
  await stores.closeAll();
});

test('a first-edition bridge that runs is waited for, and one that waits is kept waiting', async () => {
  await redis.set('bridge:lease', 'another-machine 1 x');
  const lines: string[] = [];
  const log = { ...silentLog, info: (_: object, message: string) => void lines.push(message) };
  const opening = openLayout(redis, { ...common, log, holder: makeHolder('new'), leaseMs: 1_000 });
  await until(() => lines.includes('a bridge of the first edition runs on this store, waiting until it stops'));
  expect(await redis.exists('bridge:links')).toBe(1);
  await redis.del('bridge:lease');
  await opening;
  expect(await redis.exists('bridge:links')).toBe(0);
  expect(await redis.set('bridge:lease', 'an old one', 'NX')).toBeNull();
});

test('waiting for a first-edition bridge ends with its signal', async () => {
  await redis.set('bridge:lease', 'another-machine 1 x');
  const signal = AbortSignal.timeout(100);
  await expect(openLayout(redis, { ...common, holder: makeHolder('new'), signal })).rejects.toBeDefined();
  expect(await redis.get('bridge:version')).toBe('2');
});

test.each([
  ['a newer layout', 'bridge:{c}:version', '99', /newer version/],
  ['a newer layout, as a later first edition would have said', 'bridge:version', '4', /newer version/],
  ['an older layout', 'bridge:version', '1', /older version.*layouts 2 to 3/],
  ['no layout at all', 'bridge:version', 'nonsense', /newer version/],
])('%s is refused', async (_, key, value, text) => {
  await redis.flushall();
  await redis.set(key, value);
  const opening = openLayout(redis, { ...common, holder: makeHolder('new') });
  await expect(opening).rejects.toMatchObject({ code: 'store-away', message: expect.stringMatching(text) as unknown });
});

test('another number of shards is refused, with what to change', async () => {
  await redis.flushall();
  await openLayout(redis, { ...common, holder: makeHolder('new') });
  const opening = openLayout(redis, { ...common, keys: makeKeys('bridge:', 32), holder: makeHolder('new') });
  await expect(opening).rejects.toMatchObject({ message: expect.stringMatching(/set scale.shards to 16/) as unknown });
  expect(await redis.get('bridge:{c}:shards')).toBe('16');
});
