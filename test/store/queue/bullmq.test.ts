/** The jobs of drains, BullMQ alone: two processes on one Redis, without the scheduler of each (scheduler.ts). */
import type { DrainResult } from '../../../src/bridge/ports';
import { Fault } from '../../../src/core/fault';
import type { LaneKey } from '../../../src/core/model';
import { systemClock } from '../../../src/ops/clock';
import { targetOf } from '../../../src/store/redis/target';
import { makeDrainJobs } from '../../../src/store/queue/bullmq';
import type { DrainJobs } from '../../../src/store/queue/bullmq';
import { failFast, patient } from '../../../src/store/redis/connect';
import { lane } from '../../support/envelopes';
import { startRedis } from '../../support/servers/redis';
import type { RedisServer } from '../../support/servers/redis';
import { silentLog } from '../../support/silence';
import { pause, until } from '../../support/wait';

const done: DrainResult = { again: false };
const [a, b] = [lane('juliet@x.org', 'romeo@y.net'), lane('juliet@x.org', 'nurse@y.net')];
const patience = { deadlineMs: 15_000 };

let server: RedisServer;
let prefix = 0;
let opened: { close(): Promise<void> }[] = [];
beforeAll(async () => {
  server = await startRedis({ unixsocket: true });
});
beforeEach(() => (prefix += 1));
afterEach(async () => {
  await Promise.all(opened.map((jobs) => jobs.close()));
  opened = [];
});
afterAll(() => server.dispose());

/** Another process: its own queue and worker on the same keys. The sweep finds nothing, so it makes good for nothing. */
async function open(concurrency = 4): Promise<DrainJobs> {
  const target = targetOf({ url: server.url });
  const connection = failFast(target, systemClock, 5_000);
  const workersConnection = patient(target, systemClock);
  await connection.connect();
  const jobs = makeDrainJobs({
    connection,
    workersConnection,
    bull: `t${prefix}:bull`,
    lanes: {
      async *nonEmpty() {
        // nothing waits
      },
    },
    scheduleFound: () => Promise.resolve(),
    onSwept: () => undefined,
    concurrency,
    sweepMs: 60_000,
    clock: systemClock,
    log: silentLog,
  });
  opened.push({
    close: () => jobs.close().then(() => [connection, workersConnection].forEach((one) => one.disconnect())),
  });
  return jobs;
}

const isQuiet = async (jobs: DrainJobs): Promise<boolean> =>
  Object.values(await jobs.counts()).every((count) => count === 0);

test('what one turn asks for is one job per lane, and leave nothing behind', async () => {
  const jobs = await open();
  await Promise.all([jobs.schedule([a, b]), jobs.schedule([a]), jobs.schedule([b, a])]);
  expect(await jobs.counts()).toMatchObject({ waiting: 2 });
  const drained: LaneKey[] = [];
  jobs.start((key) => (drained.push(key), Promise.resolve(done)));
  await until(() => isQuiet(jobs), patience);
  expect(drained.sort()).toEqual([a, b].sort());
  const left = (await server.cli('KEYS', `t${prefix}:bull:drain:*`)).split('\n').map((key) => key.split(':').at(-1));
  expect(left.filter((name) => !['id', 'meta', 'events', 'stalled-check', 'marker'].includes(name ?? ''))).toEqual([]);
});

test('very many lanes are scheduled in few round trips', async () => {
  const jobs = await open();
  const many = Array.from({ length: 3_000 }, (_, i) => lane(`u${i}@x`, 'c@y'));
  await jobs.schedule(many);
  expect(await jobs.counts()).toMatchObject({ waiting: 3_000 });
});

test('scheduled during its drain, a lane is drained once more, after it, whichever process drains', async () => {
  const both = [await open(), await open()];
  let [running, most, count] = [0, 0, 0];
  let release: () => void = () => undefined;
  for (const jobs of both) {
    jobs.start(async () => {
      running += 1;
      most = Math.max(most, running);
      count += 1;
      if (count === 1) await new Promise<void>((resolve) => (release = resolve));
      running -= 1;
      return done;
    });
  }
  await both[0]?.schedule([a]);
  await until(() => count === 1, patience);
  for (const jobs of [...both, ...both]) await jobs.schedule([a]);
  expect(count).toBe(1);
  release();
  await until(() => count === 2, patience);
  await until(async () => both[0] !== undefined && (await isQuiet(both[0])), patience);
  expect([count, most]).toEqual([2, 1]);
});

test('nothing scheduled is lost in any race of two processes, and no lane is drained twice at once', async () => {
  const both = [await open(8), await open(8)];
  const where = Array.from({ length: 16 }, (_, i) => lane(`u${i}@x`, 'c@y'));
  const wanted = new Map<LaneKey, number>(where.map((key) => [key, 0]));
  const seen = new Map<LaneKey, number>(where.map((key) => [key, 0]));
  const active = new Set<LaneKey>();
  let overlaps = 0;
  for (const jobs of both) {
    jobs.start(async (key) => {
      if (active.has(key)) overlaps += 1;
      active.add(key);
      seen.set(key, wanted.get(key) ?? 0); // what was asked for after this look must bring another drain
      await pause(Math.random() * 3);
      active.delete(key);
      return Math.random() < 0.1 ? { again: true, inMs: Math.random() * 5 } : done;
    });
  }
  for (let i = 1; i <= 150; i += 1) {
    const some = where.filter(() => Math.random() < 0.5);
    for (const key of some) wanted.set(key, i);
    await both[i % 2]?.schedule(some);
  }
  await until(() => where.every((key) => seen.get(key) === wanted.get(key)), patience);
  expect(overlaps).toBe(0);
});

test.each<[string, boolean]>([
  ['`immediately` ends a pause', true],
  ['without it a pause goes on', false],
])('%s, from another process too', async (_, isImmediate) => {
  const [one, two] = [await open(), await open()];
  let count = 0;
  one.start(() => Promise.resolve(++count === 1 ? { again: true, inMs: 600_000 } : done));
  await one.schedule([a]);
  await until(async () => (await one.counts()).delayed === 1, patience);
  await two.schedule([a], { immediately: isImmediate });
  if (isImmediate) await until(() => count === 2, patience);
  else {
    await two.schedule([b]);
    await until(() => count === 2, patience); // b went by, a still waits
    expect((await one.counts()).delayed).toBe(1);
  }
});

test('a short pause is short: it ends by itself', async () => {
  const jobs = await open();
  let count = 0;
  jobs.start(() => Promise.resolve(++count < 5 ? { again: true, inMs: 5 } : done));
  await jobs.schedule([a]);
  await until(() => count === 5, { deadlineMs: 4_000 }); // each used to take a second
});

test('scheduled for later, a lane is drained then, or when it is asked for immediately', async () => {
  const jobs = await open();
  const drained: LaneKey[] = [];
  jobs.start((key) => (drained.push(key), Promise.resolve(done)));
  await jobs.scheduleLater(a, 600_000);
  await jobs.scheduleLater(b, 5);
  await until(() => drained.includes(b), patience);
  expect(drained).toEqual([b]);
  await jobs.schedule([a], { immediately: true });
  await until(() => drained.includes(a), patience);
});

test('stopped with a drain that ends in time, its lane is left to another process', async () => {
  const [one, two] = [await open(), await open()];
  let begunCount = 0;
  one.start(async (_, signal) => {
    begunCount += 1;
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    return { again: true, inMs: 0 };
  });
  await one.schedule([a]);
  await until(() => begunCount === 1, patience);
  await one.stop(AbortSignal.timeout(5_000));
  const drained: LaneKey[] = [];
  two.start((key) => (drained.push(key), Promise.resolve(done)));
  await until(() => drained.includes(a), patience);
  expect(begunCount).toBe(1);
});

test('a drain whose lock is gone is told by its signal', async () => {
  const jobs = await open();
  let reason: unknown = null;
  jobs.start(async (_, signal) => {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    reason ??= signal.reason;
    return done;
  });
  await jobs.schedule([a]);
  await until(async () => (await jobs.counts()).active === 1, patience);
  const [lock] = (await server.cli('KEYS', `t${prefix}:bull:drain:*:lock`)).split('\n');
  await server.cli('DEL', lock ?? '');
  await until(() => reason, patience);
  expect(reason).toBeInstanceOf(Fault);
});
