/** Processes by their ids: found, looked at, signalled, waited for. Only ids that are known to be ours are given here. */
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Clock } from '../../../bridge/ports';

/** The path of a program, in PATH and where servers usually are; null when it is missing. */
export function findProgram(name: string): string | null {
  if (name.includes('/')) return existsSync(name) ? name : null;
  const dirs = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/usr/local/bin',
    '/usr/bin',
    '/usr/local/sbin',
    '/usr/sbin',
  ];
  return (
    dirs
      .filter((dir) => dir !== '')
      .map((dir) => join(dir, name))
      .find((path) => existsSync(path)) ?? null
  );
}

/** The redis-servers that work in a directory, as far as their processes can be seen from here (Linux). Never throws. */
export function serversIn(dir: string): readonly number[] {
  const isOne = (pid: number): boolean => {
    try {
      return realpathSync(`/proc/${pid}/cwd`) === dir && /redis/.test(readFileSync(`/proc/${pid}/comm`, 'utf8'));
    } catch {
      return false; // it has ended, or belongs to somebody else
    }
  };
  try {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 1 && isRunning(pid) && isOne(pid));
  } catch {
    return [];
  }
}

/** Waits for the end of a process; false when the signal came first. */
export async function ended(pid: number, clock: Clock, signal: AbortSignal): Promise<boolean> {
  while (isRunning(pid) && !signal.aborted) await clock.sleep(20, signal).catch(() => undefined);
  return !isRunning(pid);
}

/** A zombie has ended. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

/** A process that has ended already gets no signal. */
export function signalPid(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended already
  }
}
