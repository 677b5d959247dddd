/** Two processes that share the lanes: each drains what it has opened, whoever schedules it. */
import type { DrainResult } from '../../../src/bridge/ports';
import type { BareJid } from '../../../src/core/address';
import type { LaneKey } from '../../../src/core/model';
import { makeKeys } from '../../../src/store/redis/keys';
import type { LeaseName, Store } from '../../../src/store/types';
import { entry, lane } from '../../support/envelopes';
import { startRedis } from '../../support/servers/redis';
import type { RedisServer } from '../../support/servers/redis';
import { until } from '../../support/wait';
import { makeStores } from '../support';
import type { Stores } from '../support';

let server: RedisServer;
let stores: Stores;
beforeAll(async () => {
  server = await startRedis({ unixsocket: true });
});
beforeEach(async () => {
  stores = makeStores(server);
  await server.cli('FLUSHALL');
});
afterEach(() => stores.closeAll());
afterAll(() => server.dispose());

const juliet = 'juliet@x.org' as BareJid; // as parsed
const shard = makeKeys().shardOfUser(juliet).number;
const out = lane(juliet, 'romeo@y.net');
const back = lane(juliet, 'romeo@y.net', 'toJabber');
const patience = { deadlineMs: 15_000 };

/** A process that holds these leases and takes what it drains out of its lanes. */
async function process(names: readonly LeaseName[]): Promise<{ store: Store; drained: LaneKey[] }> {
  const store = await stores.open({ sweepMs: 60_000 });
  const drained: LaneKey[] = [];
  for (const name of names) {
    await store.leases.tryAcquire(name);
    store.scheduler.open(name);
  }
  store.scheduler.start(async (key): Promise<DrainResult> => {
    drained.push(key);
    const head = await store.lanes.head(key, 10);
    await store.lanes.settle({ lane: key, taken: head.length, keep: [], append: [], dead: [] });
    return { again: false };
  });
  return { store, drained };
}

test('lanes to the far side are drained where their shard is, lanes to the Jabber side where the stream is', async () => {
  const [owner, holder] = [await process([shard]), await process(['stream'])];
  await holder.store.lanes.append([{ ...entry(out, '1'), by: 'stream' }]);
  await owner.store.lanes.append([entry(back, '2')]);
  await holder.store.scheduler.schedule([out]);
  await owner.store.scheduler.schedule([back]);
  await until(() => owner.drained.includes(out) && holder.drained.includes(back), patience);
  expect(owner.drained).not.toContain(back);
  expect(holder.drained).not.toContain(out);
  await until(async () => (await owner.store.lanes.counts()).envelopes === 0, patience);
});

test('what one process closes and the next one opens is found by its sweep', async () => {
  const [first, second] = [await process([shard]), await process(['stream'])];
  const lease = await first.store.leases.tryAcquire(shard);
  await first.store.scheduler.close(shard, AbortSignal.timeout(5_000));
  await first.store.lanes.append([entry(out, '1')]);
  await lease?.release();
  await second.store.leases.tryAcquire(shard);
  second.store.scheduler.open(shard);
  await until(() => second.drained.includes(out), patience); // nobody has scheduled it
  expect(first.drained).toEqual([]);
});

test('a sweep under one lease finds its lanes and no others, damaged names too', async () => {
  const store = await stores.open();
  await store.lanes.append([entry(out, '1'), entry(back, '2')]);
  await server.cli('ZADD', `bridge:{${shard}}:lanes`, '0', 'nonsense', '0', 'zzz', '0', 'toJabber');
  const found = async (name?: LeaseName): Promise<string[]> => {
    const all: string[] = [];
    for await (const page of store.lanes.nonEmpty(name)) all.push(...page);
    return all.sort();
  };
  expect(await found('stream')).toEqual([back]);
  expect(await found(shard)).toEqual(['nonsense', out, 'toJabber', 'zzz'].sort());
  expect(await found((shard + 1) % 16)).toEqual([]);
  expect(await found()).toHaveLength(5);
});
