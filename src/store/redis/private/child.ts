/** A redis-server that this process started: its id, its end, and its last words. */
import { spawn } from 'node:child_process';
import { helper } from './watchdog';

export interface Child {
  /** undefined: it could not even be started */
  readonly pid: number | undefined;
  readonly ended: Promise<void>;
  /** The last line it printed. */
  lastLine(): string;
  kill(): void;
}

const outputMax = 4_000;

/** Starts it in its directory, under the lock of that directory (server.sh). */
export function startChild(dir: string, program: string, args: readonly string[]): Child {
  let output = '';
  const child = spawn('/bin/sh', [helper, 'start', dir, program, ...args], {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a Ctrl-C for us is none for it: it is stopped last
  });
  const note = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-outputMax);
  };
  child.stdout.on('data', note);
  child.stderr.on('data', note);
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      output += error.message;
      resolve();
    });
    child.once('close', () => resolve());
  });
  return {
    pid: child.pid,
    ended,
    lastLine: () => output.trim().split('\n').at(-1) ?? '',
    kill: () => void child.kill('SIGKILL'),
  };
}
