/** The private redis-server: started, watched, adopted, stopped. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock, Log } from '../../../../src/bridge/ports';
import { systemClock } from '../../../../src/ops/clock';
import { openStore } from '../../../../src/store';
import type { Store } from '../../../../src/store';
import { socketPath } from '../../../../src/store/redis/private/dir';
import { startServer } from '../../../../src/store/redis/private/server';
import type { Server } from '../../../../src/store/redis/private/server';
import { entry, lane } from '../../../support/envelopes';
import { run, startProcess } from '../../../support/process';
import { silentLog } from '../../../support/silence';
import { makeTempDir, processesInside, removeTempDir } from '../../../support/temp';
import { until } from '../../../support/wait';
import { plainOptions } from '../../support';

const a = lane('juliet@x.org', 'romeo@y.net');
const soon = (): AbortSignal => AbortSignal.timeout(5_000);
const patience = { deadlineMs: 20_000 };

let dataDir: string;
let warnings: string[];
const log: Log = {
  ...silentLog,
  warn: (_, message) => void warnings.push(message),
  error: (_, message) => void warnings.push(message),
};
beforeEach(() => {
  dataDir = makeTempDir('server');
  warnings = [];
});
afterEach(() => removeTempDir(dataDir));

const open = (): Promise<Store> => openStore({ ...plainOptions, log, dataDir, url: null });
const start = (program?: string): Promise<Server> =>
  startServer({ dataDir, clock: systemClock, log, ...(program === undefined ? {} : { program }) });
const socketOf = ({ target }: Server): string => target.name;
/** Throws while the file is not there or not written: 0 would be our own process group to `kill`. */
const pid = (): number => {
  const text = readFileSync(join(dataDir, 'redis', 'redis.pid'), 'utf8').trim();
  if (!/^[1-9]\d+$/.test(text)) throw new Error('no process id yet');
  return Number(text);
};
const cli = (socket: string, ...command: string[]): Promise<string> => run('redis-cli', ['-s', socket, ...command]);

test('what was stored is there again after a stop and a start', async () => {
  const first = await open();
  await first.lanes.append([entry(a, '1')]);
  await first.close(soon());
  expect(processesInside(join(dataDir, 'redis'))).toEqual([]);
  const second = await open();
  expect(await second.lanes.head(a, 5)).toHaveLength(1);
  await second.close(soon());
  expect(warnings).toEqual([]);
});

test('it listens on a socket that only we can reach, with the settings that the store wants', async () => {
  const server = await start();
  const socket = socketOf(server);
  expect(statSync(join(dataDir, 'redis')).mode & 0o777).toBe(0o700);
  expect(statSync(socket).mode & 0o777).toBe(0o600);
  const settings = await cli(
    socket,
    'CONFIG',
    'GET',
    'port',
    'appendonly',
    'appendfsync',
    'maxmemory-policy',
    'save',
    'dir',
  );
  expect(settings.split('\n').sort()).toEqual(
    [
      'port',
      '0',
      'appendonly',
      'yes',
      'appendfsync',
      'always',
      'maxmemory-policy',
      'noeviction',
      'save',
      '',
      'dir',
      join(dataDir, 'redis'),
    ].sort(),
  );
  await server.stop(soon());
  await server.stop(soon());
  expect(existsSync(socket)).toBe(false);
});

test('its append-only file is written once a second when that is asked for', async () => {
  const store = await openStore({ ...plainOptions, log, dataDir, url: null, appendfsync: 'everysec' });
  expect(await cli(join(dataDir, 'redis', 'redis.sock'), 'CONFIG', 'GET', 'appendfsync')).toBe('appendfsync\neverysec');
  await store.close(soon());
});

test('when it is killed it is started again, with what it had accepted', async () => {
  const store = await open();
  await store.lanes.append([entry(a, '1')]);
  const before = pid();
  process.kill(before, 'SIGKILL');
  await until(() => !store.isUp(), patience);
  await until(() => store.isUp(), patience);
  expect(pid()).not.toBe(before);
  expect(await store.lanes.head(a, 5)).toHaveLength(1);
  expect(warnings).toContain('the private redis-server ended, it is started again');
  await store.close(soon());
});

test('one that a killed bridge left running is taken over, watched, and stopped in the end', async () => {
  const script = join(__dirname, 'hanging-store.ts');
  const child = await startProcess(process.execPath, ['--import', 'tsx', script, dataDir]);
  await child.waitForLine(/stored/, 25_000);
  await child.kill9();
  const left = pid();
  expect(() => process.kill(left, 0)).not.toThrow();
  const store = await open();
  expect(pid()).toBe(left);
  expect(await store.lanes.head(a, 5)).toHaveLength(1);
  process.kill(left, 'SIGKILL');
  await until(() => store.isUp() && pid() !== left, patience);
  await until(async () => (await store.lanes.head(a, 5)).length === 1, patience);
  await store.close(soon());
  expect(processesInside(join(dataDir, 'redis'))).toEqual([]);
}, 60_000);

test('one that is left running but does not answer any more is stopped first', async () => {
  const first = await start();
  const left = pid();
  process.kill(left, 'SIGSTOP');
  const starting = start();
  const second = await starting;
  expect(pid()).not.toBe(left);
  await first.stop(AbortSignal.abort());
  await second.stop(soon());
  expect(processesInside(join(dataDir, 'redis'))).toEqual([]);
}, 60_000);

test('a noted process id that belongs to somebody else is left alone', async () => {
  mkdirSync(join(dataDir, 'redis'), { recursive: true });
  writeFileSync(join(dataDir, 'redis', 'redis.pid'), `${process.pid}\n`);
  const server = await start();
  expect(pid()).not.toBe(process.pid);
  await server.stop(soon());
});

test('a data directory with a long path gets its socket elsewhere, in a directory of our own', async () => {
  const deep = join(dataDir, 'x'.repeat(60), 'y'.repeat(60));
  const server = await startServer({ dataDir: deep, clock: systemClock, log });
  const socket = socketOf(server);
  expect(Buffer.byteLength(socket)).toBeLessThan(104);
  expect(statSync(join(socket, '..')).mode & 0o777).toBe(0o700);
  expect(socketPath(join(deep, 'redis'))).toBe(socket);
  expect(await cli(socket, 'PING')).toBe('PONG');
  await server.stop(soon());
  removeSocketDir(join(socket, '..'));
});

function removeSocketDir(dir: string): void {
  run('rmdir', [dir]).catch(() => undefined);
}

test.each([
  ['a program that is missing: the package to install', '/nowhere/redis-server', /apt-get install redis-server/],
  ['a program that fails: its last words', '/bin/false', /does not start/],
])('%s', async (_, program, text) => {
  await expect(start(program)).rejects.toMatchObject({
    code: 'store-away',
    message: expect.stringMatching(text) as unknown,
  });
});

test('a data directory that cannot be made is refused', async () => {
  writeFileSync(join(dataDir, 'file'), '');
  const starting = startServer({ dataDir: join(dataDir, 'file'), clock: systemClock, log });
  await expect(starting).rejects.toMatchObject({ code: 'store-away' });
});

test('restarts are paced: a server that ends at once is not started in a hot loop', async () => {
  const slept: number[] = [];
  const clock: Clock = {
    ...systemClock,
    dice: () => 0.999,
    sleep: (ms, signal) => (slept.push(ms), systemClock.sleep(Math.min(ms, 30), signal)),
  };
  const server = await startServer({ dataDir, clock, log });
  for (let i = 0; i < 4; i += 1) {
    const before = pid();
    process.kill(before, 'SIGKILL');
    await until(() => pid() !== before, patience);
  }
  const pauses = slept.filter((ms) => ms > 100);
  expect(pauses).toHaveLength(4);
  expect([...pauses].sort((one, two) => one - two)).toEqual(pauses);
  expect(pauses[3]).toBeGreaterThan(1_000);
  await server.stop(soon());
});
