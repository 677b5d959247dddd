/** One bridge and one redis-server on a data directory, whatever is started, stopped and killed. */
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../../../src/ops/clock';
import { openStore } from '../../../../src/store';
import type { Store } from '../../../../src/store';
import { takeOver } from '../../../../src/store/redis/private/leftover';
import { serversIn, signalPid } from '../../../../src/store/redis/private/process';
import { entry, lane } from '../../../support/envelopes';
import { run, startProcess } from '../../../support/process';
import type { Child } from '../../../support/process';
import { makeTempDir, removeTempDir } from '../../../support/temp';
import { until } from '../../../support/wait';
import { plainOptions } from '../../support';

const a = lane('juliet@x.org', 'romeo@y.net');
const soon = (): AbortSignal => AbortSignal.timeout(5_000);
const patience = { deadlineMs: 25_000 };

let dataDir: string;
beforeEach(() => (dataDir = makeTempDir('owner')));
afterEach(() => removeTempDir(dataDir));

const open = (): Promise<Store> => openStore({ ...plainOptions, dataDir, url: null });
const servers = (): readonly number[] => serversIn(join(realpathSync(dataDir), 'redis'));
const ping = (): Promise<string> => run('redis-cli', ['-s', join(dataDir, 'redis', 'redis.sock'), 'PING']);
async function bridge(orphanMs = 60_000): Promise<Child> {
  const script = join(__dirname, 'hanging-store.ts');
  return startProcess(process.execPath, ['--import', 'tsx', script, dataDir, String(orphanMs)]);
}
async function runningBridge(orphanMs?: number): Promise<Child> {
  const child = await bridge(orphanMs);
  await child.waitForLine(/stored/, 25_000);
  return child;
}

test("a second bridge on the same data directory took the first one's Redis: it is refused at once, by name, and changes nothing", async () => {
  const first = await open();
  const [before] = servers();
  await expect(open()).rejects.toMatchObject({
    code: 'store-away',
    message: expect.stringMatching(/process \d+ on .*redis\.url/) as unknown,
  });
  const other = await bridge();
  await other.waitForLine(/Another bridge runs on the data directory/, 25_000);
  expect((await other.exited).code).toBe(4);
  expect(servers()).toEqual([before]);
  await first.lanes.append([entry(a, '1')]);
  await first.close(soon());
  expect(servers()).toEqual([]);
}, 60_000);

test('redis-server killed while a second bridge tries to start: the owner alone starts one again', async () => {
  const first = await open();
  const [before = 0] = servers();
  process.kill(before, 'SIGKILL');
  await Promise.all(Array.from({ length: 5 }, () => expect(open()).rejects.toMatchObject({ code: 'store-away' })));
  await until(() => servers().length === 1 && servers()[0] !== before && first.isUp(), patience);
  await first.lanes.append([entry(a, '1')]);
  await first.close(soon());
});

test('a server whose process cannot be seen from here (another container) is shut down before another starts', async () => {
  const first = await open();
  await first.lanes.append([entry(a, '1')]);
  const dir = join(realpathSync(dataDir), 'redis');
  const [before] = servers();
  await takeOver(join(dir, 'nowhere'), join(dir, 'redis.sock'), systemClock);
  await until(() => first.isUp() && servers().length === 1 && servers()[0] !== before, patience); // its bridge minds
  expect(await first.lanes.head(a, 5)).toHaveLength(1);
  await first.close(soon());
});

test('two servers never write one append-only file: the second finds the directory locked', async () => {
  const first = await open();
  const dir = join(realpathSync(dataDir), 'redis');
  const helper = join(__dirname, '../../../../src/store/redis/private/server.sh');
  const second = await startProcess('/bin/sh', [helper, 'start', dir, 'redis-server', '--port', '0', '--dir', dir]);
  await second.waitForLine(/another redis-server works in/, 15_000);
  expect((await second.exited).code).toBe(75);
  expect(servers()).toHaveLength(1);
  await first.close(soon());
}, 60_000);

test('after kill -9 of the bridge the redis-server stayed for ever: it ends by itself when no bridge comes back', async () => {
  const child = await runningBridge(1_000);
  expect(servers()).toHaveLength(1);
  await child.kill9();
  expect(await ping()).toBe('PONG'); // not at once: the next start takes it over
  await until(() => servers().length === 0, patience);
  const next = await open();
  expect((await next.lanes.head(a, 5)).length).toBe(1);
  await next.close(soon());
}, 60_000);

test('taken over in time, it runs on when the time of the bridge before is over', async () => {
  const child = await runningBridge(10_000);
  const [before] = servers();
  const watchdogs = async (): Promise<number> =>
    (await run('pgrep', ['-f', `server.sh watch ${realpathSync(dataDir)}`])).split('\n').length;
  process.kill(child.pid, 'SIGSTOP'); // so that the next is there as soon as it has gone
  const killed = child.kill9();
  const next = await killed.then(open);
  await until(async () => (await watchdogs()) === 1, patience); // the old one has seen that it is not alone
  expect(servers()).toEqual([before]);
  expect(await ping()).toBe('PONG');
  await next.close(soon());
}, 60_000);

test('any order of starts, stops and kills of two bridges leaves at most one server, and none without its bridge', async () => {
  const bridges: Child[] = [];
  const steps: string[] = [];
  for (let i = 0; i < 10; i += 1) {
    const dice = Math.random();
    const any = bridges[Math.floor(Math.random() * bridges.length)];
    const [server] = servers();
    if (dice < 0.45 || any === undefined) {
      steps.push('start');
      if (bridges.length < 2) bridges.push(await bridge());
      else await (await bridge()).exited;
    } else if (dice < 0.65) {
      steps.push('kill');
      await any.kill9();
      bridges.splice(bridges.indexOf(any), 1);
    } else if (dice < 0.85) {
      steps.push('stop');
      signalPid(any.pid, 'SIGTERM'); // it may have been refused and be gone
      await any.exited;
      bridges.splice(bridges.indexOf(any), 1);
    } else if (server !== undefined) {
      steps.push('kill redis');
      signalPid(server, 'SIGKILL');
    }
    if (servers().length > 1) throw new Error(`two servers after ${steps.join(', ')}`);
  }
  for (const one of bridges) await one.kill9();
  const last = await until(() => open(), patience);
  expect(servers()).toHaveLength(1);
  expect(readFileSync(join(dataDir, 'redis', 'redis.pid'), 'utf8').trim()).toBe(String(servers()[0]));
  await last.lanes.append([entry(a, '2')]);
  await last.close(soon());
  expect(servers()).toEqual([]);
}, 120_000);
