/** What is kept of tries at secrets in Redis: how much, and for how long. */
import { startRedis } from '../../support/servers/redis';
import type { RedisServer } from '../../support/servers/redis';
import { makeStores } from '../support';
import type { Stores } from '../support';

const rules = { freeCount: 3, baseMs: 1_000, capMs: 900_000, hourlyMax: 10 };

let server: RedisServer;
let stores: Stores;
beforeAll(async () => {
  server = await startRedis({ unixsocket: true });
  stores = makeStores(server);
});
afterAll(async () => {
  await stores.closeAll();
  await server.dispose();
});
const kept = async (): Promise<string[]> =>
  (await server.cli('KEYS', 'bridge:{c}:attempt:*')).split('\n').filter((key) => key !== '');

test('names are no longer legible, and are forgotten some time after the last try', async () => {
  const store = await stores.open();
  await store.attempts.begin(['user juliet@x.org'], rules);
  const [key = ''] = await kept();
  expect(key).not.toContain('juliet');
  const leftMs = Number(await server.cli('PTTL', key));
  expect(leftMs).toBeGreaterThan(4_400_000);
  expect(leftMs).toBeLessThanOrEqual(4_500_000);
  await store.attempts.end(['user juliet@x.org'], 'right');
  expect(await kept()).toEqual([]);
});

test('guessing by very many users is bounded: those that tried longest ago are forgotten', async () => {
  const store = await stores.open({ attemptNamesMax: 100 });
  for (let i = 0; i < 3; i += 1) await store.attempts.begin(['account romeo@y.net'], rules);
  for (let i = 0; i < 300; i += 1) await store.attempts.begin([`user u${i}@x.org`], rules);
  expect(await kept()).toHaveLength(100);
  expect(Number(await server.cli('ZCARD', 'bridge:{c}:attempts'))).toBe(100);
  expect(await store.attempts.begin(['account romeo@y.net'], rules)).toBe(0);
  expect(await store.attempts.begin(['user u299@x.org'], { ...rules, freeCount: 2 })).toBe(0);
  expect(await store.attempts.begin(['user u299@x.org'], { ...rules, freeCount: 2 })).toBeGreaterThan(0);
});
