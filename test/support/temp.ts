/**
 * Temporary directories with an owner: the name carries the process id, `dispose` removes one, and what a killed
 * test run left behind (directories, and programs still working inside them) is swept away by the next run.
 */
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';

const dirPrefix = 'xxb-';
let swept = false;

/** A new empty directory under the system's temporary directory; the path is short enough for unix sockets. */
export function makeTempDir(label: string): string {
  if (!swept) sweep();
  return mkdtempSync(join(tmpdir(), `${dirPrefix}${process.pid}-${label}-`));
}

/** Kills what still works inside the directory, then removes it. Refuses any directory that was not made here. */
export function removeTempDir(dir: string): void {
  if (!dir.startsWith(join(tmpdir(), dirPrefix))) throw new Error(`${dir} is not a temporary directory of the tests`);
  killInside(dir);
  rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
}

/** Process ids whose working directory is inside the directory (Linux; elsewhere none). */
export function processesInside(dir: string): number[] {
  if (!existsSync('/proc/self/cwd')) return [];
  const inside = (cwd: string): boolean => cwd === dir || cwd.startsWith(dir + sep);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => inside(workingDirectory(name)))
    .map(Number);
}

function killInside(dir: string): void {
  for (const pid of processesInside(dir)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended between the look and the shot.
    }
  }
}

function workingDirectory(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`).replace(/ \(deleted\)$/, '');
  } catch {
    return '';
  }
}

function sweep(): void {
  swept = true;
  for (const name of readdirSync(tmpdir())) {
    const owner = /^xxb-(\d+)-/.exec(name)?.[1];
    if (owner === undefined || Number(owner) === process.pid || isAlive(Number(owner))) continue;
    try {
      removeTempDir(join(tmpdir(), name));
    } catch {
      // Another test process sweeps at the same time, or it belongs to another user.
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
