/**
 * The private redis-server: started under dataDir, watched, restarted, stopped last. Unix socket only (no TCP port), in a
 * directory only we may enter; append-only file written through, no eviction, no snapshots. What a killed bridge left running
 * is adopted when it answers on our socket, else stopped by the process id it noted. It never touches another Redis.
 *
 * `appendfsync always`, since `everysec` is not quite "nothing acknowledged is lost": while its fsync of the second runs, Redis holds writes back in
 * memory (for 2 s at most) and answers all the same, so a killed Redis may lose what it acknowledged in that moment, and a
 * power cut the last second or two. Measured on a busy disk: after 2.7 % of the acknowledged commands the file was behind,
 * and 1 of 60 kills under load lost some. With `always` there were none of either; a lone round trip then took twenty times as long.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve as absolute } from 'node:path';
import { Redis } from 'ioredis';
import type { Clock, Log } from '../../bridge/ports';
import { Fault } from '../../core/fault';
import { backoffMs } from '../../core/retry';
import type { Target } from './client';
import { privateDir, socketPath } from './private-dir';
import { ended, findProgram, isRunning, pidOf, signalPid } from './process';

export { findProgram, socketPath };

export interface ServerOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log: Log;
  /** when the append-only file reaches the disk; default `always` (see the head of this file) */
  readonly appendfsync?: 'everysec' | 'always';
  /** the program; found in PATH and the sbin directories */
  readonly program?: string;
}

export interface Server {
  readonly target: Target;
  /** Graceful; killed when the signal aborts, but not before 2 s. Never rejects; may be called twice. */
  stop(signal: AbortSignal): Promise<void>;
}

const restart = { baseMs: 200, capMs: 10_000 };
const healthyMs = 60_000;
const askMs = 2_000;
const outputMax = 4_000;
/** a big append-only file takes its time; the process is watched meanwhile */
const loadingMs = 600_000;
const killGraceMs = 2_000;

/** Starts or adopts it; resolves when it answers. Rejects `store-away` naming the package when the program is missing. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { clock, log } = options;
  const dir = privateDir(join(absolute(options.dataDir), 'redis'));
  const socket = socketPath(dir);
  const pidFile = join(dir, 'redis.pid');
  const stopping = new AbortController();
  let child: ChildProcess | null = null;
  let output = '';
  let watching: Promise<void> = Promise.resolve();

  const program = findProgram(options.program ?? 'redis-server');
  if (program === null) {
    throw new Fault('store-away', {
      text: 'The program redis-server is missing. Install it (apt-get install redis-server), or give redis.url.',
    });
  }

  /** Resolves when the child has ended. */
  function launch(): Promise<void> {
    output = '';
    const started = spawn(program ?? '', serverArgs(dir, socket, pidFile, options.appendfsync ?? 'always'), {
      cwd: dir,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // a Ctrl-C for us is none for it: it is stopped last
    });
    child = started;
    const note = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-outputMax);
    };
    started.stdout.on('data', note);
    started.stderr.on('data', note);
    return new Promise((resolve) => {
      started.once('error', (error) => {
        output += error.message;
        resolve();
      });
      started.once('close', () => resolve());
    });
  }

  const kill = (): void => void child?.kill('SIGKILL');

  /** Keeps one running until told to stop. `end`: when the one that runs now ends. */
  async function watch(end: Promise<void>): Promise<void> {
    let failures = 0;
    let current = end;
    for (;;) {
      const begun = clock.monotonic();
      await current;
      child = null;
      if (stopping.signal.aborted) return;
      failures = clock.monotonic() - begun > healthyMs ? 1 : failures + 1;
      const ms = backoffMs(failures, clock.dice(), restart);
      log.error({ ms, err: lastLine(output) }, 'the private redis-server ended, it is started again');
      await clock.sleep(ms, stopping.signal).catch(() => undefined);
      if (stopping.signal.aborted) return;
      current = launch();
    }
  }

  /** One that we did not start has no exit to wait for: it is asked instead. */
  async function untilAdoptedEnds(pid: number): Promise<void> {
    while (isRunning(pid) && !stopping.signal.aborted) await clock.sleep(500, stopping.signal).catch(() => undefined);
  }

  const target: Target = { options: { path: socket }, name: socket };
  const left = await adoptable(socket, pidFile, dir);
  if (left !== null) {
    log.warn({ pid: left }, 'a private redis-server of an earlier run is still there, it is taken over');
    watching = watch(untilAdoptedEnds(left));
  } else {
    await stopStale(pidFile, dir, clock);
    const end = launch();
    let hasEnded = false;
    void end.then(() => (hasEnded = true));
    const deadline = clock.monotonic() + loadingMs;
    while (!(await answers(socket))) {
      if (hasEnded || clock.monotonic() > deadline) {
        stopping.abort(new Fault('stopping'));
        kill();
        throw new Fault('store-away', { text: `The private redis-server does not start: ${lastLine(output)}` });
      }
      await clock.sleep(50, stopping.signal);
    }
    watching = watch(end);
    log.info({ redis: socket }, 'the private redis-server runs');
  }

  async function stop(signal: AbortSignal): Promise<void> {
    if (!stopping.signal.aborted) stopping.abort(new Fault('stopping'));
    const pid = child?.pid ?? pidOf(pidFile, dir);
    if (pid === null || pid === undefined) return;
    signalPid(pid, 'SIGTERM');
    const isEnded = (await ended(pid, clock, AbortSignal.timeout(killGraceMs))) || (await ended(pid, clock, signal));
    if (!isEnded) {
      log.warn({ pid }, 'the private redis-server did not end in time, it is killed');
      signalPid(pid, 'SIGKILL');
      await ended(pid, clock, AbortSignal.timeout(killGraceMs));
    }
    if (child) await watching;
  }
  return { target, stop };
}

function serverArgs(dir: string, socket: string, pidFile: string, appendfsync: string): readonly string[] {
  const settings: Readonly<Record<string, string>> = {
    port: '0',
    unixsocket: socket,
    unixsocketperm: '600',
    dir,
    pidfile: pidFile,
    daemonize: 'no',
    logfile: '',
    save: '',
    appendonly: 'yes',
    appendfsync,
    'maxmemory-policy': 'noeviction',
    'auto-aof-rewrite-percentage': '100',
    'auto-aof-rewrite-min-size': '64mb',
  };
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
}

/** The process id of a server of ours that answers on the socket and works in our directory; null when there is none. */
async function adoptable(socket: string, pidFile: string, dir: string): Promise<number | null> {
  const pid = pidOf(pidFile, dir);
  return pid !== null && (await answers(socket)) ? pid : null;
}

async function stopStale(pidFile: string, dir: string, clock: Clock): Promise<void> {
  const pid = pidOf(pidFile, dir);
  if (pid === null) return;
  signalPid(pid, 'SIGTERM');
  if (await ended(pid, clock, AbortSignal.timeout(5 * killGraceMs))) return;
  signalPid(pid, 'SIGKILL');
  await ended(pid, clock, AbortSignal.timeout(killGraceMs));
}

async function answers(socket: string): Promise<boolean> {
  if (!existsSync(socket)) return false;
  const redis = new Redis({
    path: socket,
    lazyConnect: true,
    enableReadyCheck: true,
    retryStrategy: () => null,
    connectTimeout: askMs,
    commandTimeout: askMs,
    maxRetriesPerRequest: 0,
  });
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    return (await redis.ping()) === 'PONG';
  } catch {
    return false;
  } finally {
    redis.disconnect();
  }
}

function lastLine(output: string): string {
  return output.trim().split('\n').at(-1) ?? '';
}
