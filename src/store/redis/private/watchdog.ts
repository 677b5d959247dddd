/**
 * The end of a redis-server whose bridge has gone without a word: a shell waits for the end of its standard input, which
 * ends with this process however it ends, then for another bridge to take the server over, and stops it when none does.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../../../bridge/ports';

export interface Watchdog {
  /** This server, instead of the one before. */
  watch(pid: number): void;
  /** Resolves when nothing of it runs; call when the server has ended. Never rejects. */
  end(): Promise<void>;
}

export const helper = join(__dirname, 'server.sh');

/** Writes its name into the directory: whoever watched for a bridge before this one stops watching. Throws as a file does. */
export function makeWatchdog(dir: string, orphanMs: number, log: Log): Watchdog {
  const owner = randomUUID();
  writeFileSync(join(dir, 'owner'), owner, { mode: 0o600 });
  let shell: ChildProcess | null = null;

  function end(): Promise<void> {
    const last = shell;
    if (last === null || last.exitCode !== null || last.pid === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      last.once('close', () => resolve());
      last.stdin?.end();
    });
  }

  return {
    watch(pid) {
      void end();
      const seconds = Math.ceil(orphanMs / 1_000);
      shell = spawn('/bin/sh', [helper, 'watch', dir, String(pid), owner, String(seconds)], {
        cwd: '/',
        stdio: ['pipe', 'ignore', 'ignore'],
        detached: true,
      });
      shell.on('error', (error) => log.warn({ err: error.message }, 'nobody watches the private redis-server'));
      shell.stdin?.on('error', () => undefined); // it has ended by itself
      shell.unref();
    },
    end,
  };
}
