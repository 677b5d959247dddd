/** One process that serves everything, and a second one that waits: leases kept, taken over, given back. */
import { startRedis } from '../../support/servers/redis';
import type { RedisServer } from '../../support/servers/redis';
import { silentLog } from '../../support/silence';
import { makeTempDir } from '../../support/temp';
import { until } from '../../support/wait';
import { makeStores } from '../support';
import type { Stores } from '../support';

let server: RedisServer;
let stores: Stores;
beforeEach(async () => {
  server = await startRedis({ unixsocket: true });
  stores = makeStores(server);
});
afterEach(async () => {
  await stores.closeAll();
  await server.dispose();
});
const patience = { deadlineMs: 15_000 };
const soon = (): AbortSignal => AbortSignal.timeout(15_000);

test('a leader that lives keeps its lease much longer than it lasts', async () => {
  const [one, two] = [await stores.open({ leaseMs: 300 }), await stores.open({ leaseMs: 300 })];
  const leader = await one.lease.acquire(soon());
  await expect(two.lease.acquire(AbortSignal.timeout(1_200))).rejects.toBeDefined();
  expect(leader.lost.aborted).toBe(false);
  await leader.release();
});

test('the next takes over when nothing is renewed any more, with a higher token', async () => {
  const [one, two] = [await stores.open({ leaseMs: 400 }), await stores.open({ leaseMs: 400 })];
  const leader = await one.lease.acquire(soon());
  await one.close(AbortSignal.timeout(500)); // without a word: its connection is gone
  const next = await two.lease.acquire(soon());
  expect(next.token).toBeGreaterThan(leader.token);
  await next.release();
  await leader.release(); // ends its renewals; it has nothing to give back
});

test('a leader that lost the lease does not take it away from the next', async () => {
  const store = await stores.open({ leaseMs: 400 });
  const leader = await store.lease.acquire(soon());
  await server.cli('SET', 'bridge:{0}:lease', 'another-machine 1 x');
  await until(() => leader.lost.aborted, patience);
  expect(leader.lost.reason).toMatchObject({ code: 'store-away' });
  await leader.release();
  expect(await server.cli('GET', 'bridge:{0}:lease')).toBe('another-machine 1 x');
});

test('an outage shorter than the lease is not noticed by anybody else', async () => {
  const store = await stores.open({ leaseMs: 5_000 });
  const leader = await store.lease.acquire(soon());
  await server.kill9();
  await server.start();
  await until(() => store.isUp(), patience);
  await until(async () => Number(await server.cli('PTTL', 'bridge:{0}:lease')) > 4_000, patience); // renewed
  expect(leader.lost.aborted).toBe(false);
  await leader.release();
  expect(await server.cli('EXISTS', 'bridge:{0}:lease')).toBe('0');
});

test('a process that was killed in a container waited ten seconds for its own lease: whoever has its data directory leads at once', async () => {
  const first = await stores.open();
  const leader = await first.lease.acquire(soon());
  const holder = await server.cli('GET', 'bridge:{0}:lease');
  await first.close(AbortSignal.timeout(500)); // without a word to Redis
  const elsewhere = holder.replace(/^\S+ \d+/, 'another-process-id-namespace 1');
  await server.cli('SET', 'bridge:{0}:lease', elsewhere); // it never runs out
  const next = await stores.open();
  const again = await next.lease.acquire(soon());
  expect(again.token).toBeGreaterThan(leader.token);
  await again.release();
  await leader.release();
});

test('a lease of another installation is waited for, and it is said who leads', async () => {
  const lines: unknown[] = [];
  const log = { ...silentLog, info: (fields: object, message: string) => void lines.push([message, fields]) };
  const one = await stores.open();
  const two = await stores.open({ dataDir: makeTempDir('other'), log });
  const leader = await one.lease.acquire(soon());
  const waiting = two.lease.acquire(soon());
  await until(() => lines.length > 0 && JSON.stringify(lines).includes('another process holds the lease'), patience);
  expect(lines).toContainEqual([
    'another process holds the lease, waiting',
    { lease: 0, holder: expect.stringMatching(`^process ${process.pid} on .`) as unknown },
  ]);
  await leader.release();
  await (await waiting).release();
});

test('waiting ends with its signal', async () => {
  const store = await stores.open();
  const leader = await store.lease.acquire(soon());
  await expect(store.lease.acquire(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  await leader.release();
});

test('of two that wait one gets every shard, and the stream when that is given up', async () => {
  const [one, ...others] = [
    await stores.open(),
    await stores.open({ leaseMs: 400 }),
    await stores.open({ leaseMs: 400 }),
  ];
  const leader = await one.lease.acquire(soon());
  await leader.takeStream();
  const waiting = others.map((store) => store.lease.acquire(soon()));
  await leader.releaseShards();
  const next = await Promise.race(waiting);
  const order: string[] = [];
  const stream = next.takeStream().then(() => order.push('taken'));
  await until(async () => (await server.cli('EXISTS', 'bridge:{0}:lease')) === '1', patience);
  order.push('given up');
  await leader.release();
  await stream;
  expect(order).toEqual(['given up', 'taken']);
  await next.release();
  for (const one of waiting) await (await one).release();
});
