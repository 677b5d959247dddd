/** A process whose leases another has taken, without knowing it yet: nothing that it writes is stored any more. */
import { Redis } from 'ioredis';
import type { BareJid } from '../../../src/core/address';
import { makeKeys } from '../../../src/store/redis/keys';
import type { LeaseName, Store } from '../../../src/store/types';
import { entry, envelope, lane } from '../../support/envelopes';
import { startRedis } from '../../support/servers/redis';
import type { RedisServer } from '../../support/servers/redis';
import { everything } from '../layout/first-edition';
import { makeStores } from '../support';
import type { Stores } from '../support';

let server: RedisServer;
let admin: Redis;
let stores: Stores;
beforeAll(async () => {
  server = await startRedis({ unixsocket: true });
  admin = new Redis(server.url);
});
beforeEach(async () => {
  stores = makeStores(server);
  await server.cli('FLUSHALL');
});
afterEach(() => stores.closeAll());
afterAll(async () => {
  admin.disconnect();
  await server.dispose();
});

const juliet = 'juliet@x.org' as BareJid; // as parsed
const nurse = 'nurse@y.org' as BareJid; // in another shard
const out = lane(juliet, 'romeo@y.net');
const back = lane(juliet, 'romeo@y.net', 'toJabber');
const keys = makeKeys();
const [mine, other] = [keys.shardOfUser(juliet), keys.shardOfUser(nurse)];
const settled = { taken: 1, keep: [], append: [], dead: [] };

/** The first held the shard and the stream, was suspended, and the second holds them now. */
async function takenOver(leaseMs = 60_000): Promise<{ first: Store; second: Store }> {
  const [first, second] = [await stores.open({ leaseMs }), await stores.open({ leaseMs })];
  for (const name of ['stream', mine.number, other.number] as const) await first.leases.tryAcquire(name);
  await first.lanes.append([entry(out, '1'), entry(back, '2')]);
  await first.lanes.head(out, 1);
  await first.lanes.head(back, 1);
  await server.cli('DEL', mine.lease, keys.streamLease); // they have run out
  for (const name of ['stream', mine.number] as const) expect(await second.leases.tryAcquire(name)).not.toBeNull();
  return { first, second };
}

const stale = { code: 'store-away', isUndone: true };

test.each<[string, (store: Store) => Promise<unknown>]>([
  ['a settlement of a lane to the far side', (store) => store.lanes.settle({ lane: out, ...settled })],
  ['a settlement of a lane to the Jabber side', (store) => store.lanes.settle({ lane: back, ...settled })],
  ['what empties the lanes of a user', (store) => store.lanes.forget(juliet)],
  ['a state', (store) => store.state.write('pairs', juliet, new Map([['a', 'b']]))],
  ['a note', (store) => store.notes.write(juliet, 'note')],
  ['a link', (store) => store.links.remove(juliet)],
])('%s is refused, and changes nothing', async (_, write) => {
  const { first, second } = await takenOver();
  const before = await everything(admin);
  await expect(write(first)).rejects.toMatchObject(stale);
  await expect(write(first)).rejects.toMatchObject(stale); // known without a question now
  expect(await everything(admin)).toEqual(before);
  await second.lanes.head(out, 1);
  expect(await second.lanes.settle({ lane: out, ...settled })).toEqual({ left: 0, wake: [] });
});

test('held messages are put back by nobody but the holder of the stream', async () => {
  const { first, second } = await takenOver();
  await second.lanes.head(back, 1);
  await second.lanes.settle({ lane: back, ...settled, hold: [envelope('2')] });
  await expect(first.lanes.restoreHeld(0)).rejects.toMatchObject(stale);
  expect(await second.lanes.restoreHeld(0)).toMatchObject({ count: 1 });
});

test('of one flush, what is appended to a lost shard is stale, the rest is stored', async () => {
  const { first } = await takenOver();
  const results = await first.lanes.append([entry(out, '3'), entry(lane(nurse, 'romeo@y.net'), '4'), entry(out, '5')]);
  expect(results).toEqual([{ outcome: 'stale' }, { outcome: 'stored', length: 1 }, { outcome: 'stale' }]);
});

test('the holder of the stream appends to shards of others, until it is not the holder any more', async () => {
  const [first, second] = [await stores.open(), await stores.open()];
  await first.leases.tryAcquire(mine.number);
  const stream = await second.leases.tryAcquire('stream');
  expect(await second.lanes.append([{ ...entry(out, '1'), by: 'stream' }, entry(out, '2')])).toEqual([
    { outcome: 'stored', length: 1 },
    { outcome: 'stale' },
  ]);
  await stream?.release();
  await first.leases.tryAcquire('stream');
  expect(await second.lanes.append([{ ...entry(out, '3'), by: 'stream' }])).toEqual([{ outcome: 'stale' }]);
  expect(await first.lanes.append([{ ...entry(out, '3'), by: 'stream' }])).toEqual([{ outcome: 'stored', length: 2 }]);
});

test('a refused write ends the lease at once, and no other', async () => {
  const { first } = await takenOver();
  const lease = await first.leases.tryAcquire(mine.number);
  const nurses = await first.leases.tryAcquire(other.number);
  await first.state.write('pairs', juliet, new Map([['a', 'b']])).catch(() => undefined);
  expect(lease?.lost.aborted).toBe(true);
  expect(nurses?.lost.aborted).toBe(false);
});

test('a lease that ran out and that nobody took may still write', async () => {
  const store = await stores.open({ leaseMs: 60_000 });
  await store.leases.tryAcquire(mine.number);
  await server.cli('DEL', mine.lease);
  expect(await store.lanes.append([entry(out, '1')])).toEqual([{ outcome: 'stored', length: 1 }]);
});

test('who holds what is told', async () => {
  const { first, second } = await takenOver();
  expect(await second.leases.holders()).toEqual(
    new Map<LeaseName, string>([
      ['stream', second.leases.self],
      [mine.number, second.leases.self],
      [other.number, first.leases.self],
    ]),
  );
  expect(await first.leases.tryAcquire(other.number)).not.toBeNull(); // its own again
  expect(await second.leases.tryAcquire(other.number)).toBeNull();
});
