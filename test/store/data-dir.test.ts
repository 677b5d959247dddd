/** Who owns a data directory: one process at a time, and nobody waits for one that has ended. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/ops/clock';
import { claimDataDir } from '../../src/store/data-dir';
import type { OwnedDir } from '../../src/store/data-dir';
import { startProcess } from '../support/process';
import type { Child } from '../support/process';
import { makeTempDir, removeTempDir } from '../support/temp';
import { until } from '../support/wait';

let dir: string;
beforeEach(() => (dir = makeTempDir('owner')));
afterEach(() => removeTempDir(dir));

const claim = (path = dir): ReturnType<typeof claimDataDir> => claimDataDir(path, systemClock);
async function own(path = dir): Promise<OwnedDir> {
  const claimed = await claim(path);
  if ('ownedBy' in claimed) throw new Error(`owned by ${claimed.ownedBy}`);
  return claimed;
}
async function otherOwner(): Promise<Child> {
  const child = await startProcess(process.execPath, ['--import', 'tsx', join(__dirname, 'owner.ts'), dir]);
  await child.waitForLine(/owned/, 25_000);
  return child;
}

test('a second claim is refused and told who owns it; after the release the next has it, by the same name', async () => {
  const first = await own();
  expect(await claim()).toEqual({ ownedBy: expect.stringContaining(`process ${process.pid} on `) as unknown });
  first.release();
  first.release();
  const second = await until(() => own().catch(() => null));
  expect(second.instance).toBe(first.instance);
  second.release();
});

test('the owner is another process, is frozen, is killed', async () => {
  const child = await otherOwner();
  expect(await claim()).toEqual({ ownedBy: expect.stringContaining(`process ${child.pid} on `) as unknown });
  process.kill(child.pid, 'SIGSTOP');
  expect(await claim()).toEqual({ ownedBy: 'a process that does not answer' });
  await child.kill9();
  const next = await own(); // at once
  expect(readdirSync(dir).filter((name) => name.startsWith('owner.'))).toHaveLength(1);
  next.release();
}, 60_000);

test('of many claims at once one succeeds at most, and in the end one does', async () => {
  for (let round = 0; round < 10; round += 1) {
    const claimed = await Promise.all(Array.from({ length: 12 }, () => claim().catch(() => null)));
    const owners = claimed.flatMap((one) => (one !== null && 'instance' in one ? [one] : []));
    expect(owners.length).toBeLessThanOrEqual(1);
    for (const one of owners) one.release();
  }
  (await until(() => own().catch(() => null))).release();
}, 60_000);

test('what lies in the place of a lock and is none disturbs nobody', async () => {
  writeFileSync(join(dir, 'owner.7'), 'not a socket');
  const owned = await own();
  expect(existsSync(join(dir, 'owner.7'))).toBe(false);
  owned.release();
});

test('a path too long for a socket is no hindrance', async () => {
  const deep = join(dir, 'x'.repeat(90), 'y'.repeat(90));
  const owned = await own(deep);
  expect(await claim(deep)).toMatchObject({ ownedBy: expect.any(String) as unknown });
  owned.release();
});

test('a directory that cannot be made is named, with what to do', async () => {
  writeFileSync(join(dir, 'file'), '');
  await expect(claim(join(dir, 'file', 'data'))).rejects.toMatchObject({
    code: 'store-away',
    message: expect.stringMatching(/file\/data.*dataDir/) as unknown,
  });
});
