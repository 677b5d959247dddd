/** Leases on a real Redis: through its restarts, and past processes that were killed. */
import { spawnSync } from 'node:child_process';
import { systemClock } from '../../../src/ops/clock';
import { openStore } from '../../../src/store';
import type { Store } from '../../../src/store';
import { startRedis, type RedisServer } from '../../support/servers';
import { makeTempDir, removeTempDir } from '../../support/temp';
import { countingMeter, silentLog } from '../../support/silence';
import { pause, until } from '../../support/wait';

let redis: RedisServer;
let dataDir: string;
const open: Store[] = [];
const leaseMs = 1_000;

const store = async (prefix: string): Promise<Store> => {
  const made = await openStore({
    url: redis.url,
    dataDir,
    secretKeyFile: null,
    prefix,
    dedupeWindowMs: 60_000,
    laneMax: 100,
    totalMax: 1_000,
    deadMax: 10,
    deadAgeMs: 60_000,
    drainConcurrency: 1,
    clock: systemClock,
    log: silentLog,
    meter: countingMeter(),
    leaseMs,
  });
  open.push(made);
  return made;
};
const soon = () => AbortSignal.timeout(5_000);

beforeAll(async () => {
  redis = await startRedis({ unixsocket: true, appendfsync: 'always' });
  dataDir = makeTempDir('lease');
});
afterAll(async () => {
  for (const one of open) await one.close(soon());
  await redis.dispose();
  removeTempDir(dataDir);
});

test('a leader stays one while Redis is killed and started again, longer than its lease', async () => {
  const one = await store('stay:');
  const leadership = await one.lease.acquire(soon());
  await redis.kill9();
  await pause(leaseMs * 1.5);
  await redis.start();
  await until(async () => (await redis.cli('GET', 'stay:{0}:lease')).trim(), { what: 'the renewed lease' });
  const other = await store('stay:');
  await expect(other.lease.acquire(AbortSignal.timeout(leaseMs * 2))).rejects.toBeDefined();
  expect(leadership.lost.aborted).toBe(false);
  await leadership.release();
});

test('a leader whose lease another process took while it could not renew is told so', async () => {
  const one = await store('lost:');
  const leadership = await one.lease.acquire(soon());
  await redis.cli('SET', 'lost:{0}:lease', 'somebody else 1 x', 'PX', '60000');
  await until(() => leadership.lost.aborted, { what: 'the loss' });
});

test('a holder of this machine that is dead is not waited for', async () => {
  const dead = spawnSync('true').pid;
  const one = await store('dead:');
  const first = await one.lease.acquire(soon());
  const holder = (await redis.cli('GET', 'dead:{0}:lease')).trim();
  await first.release();
  await redis.cli('SET', 'dead:{0}:lease', holder.replace(/ \d+ /, ` ${dead} `), 'PX', '60000');
  const second = await one.lease.acquire(soon());
  expect(second.token).toBeGreaterThan(first.token);
  await second.release();
});

test('a holder of another machine is waited for', async () => {
  const one = await store('far:');
  await redis.cli('SET', 'far:{0}:lease', 'another-machine 1 x', 'PX', '60000');
  await expect(one.lease.acquire(AbortSignal.timeout(500))).rejects.toBeDefined();
});
