/**
 * The private redis-server: started under dataDir, watched, restarted, stopped last. Unix socket only (no TCP port), in a
 * directory only we may enter; append-only file every second, no eviction, no snapshots. What a killed bridge left running
 * is adopted when it answers on our socket, else stopped by the process id it noted. It never touches another Redis.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve as absolute } from 'node:path';
import { Redis } from 'ioredis';
import type { Clock, Log } from '../bridge/ports';
import { Fault } from '../core/fault';
import { backoffMs } from '../core/retry';
import type { Target } from './client';

export interface ServerOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log: Log;
  /** the program; found in PATH and the sbin directories */
  readonly program?: string;
}

export interface Server {
  readonly target: Target;
  /** Graceful; killed when the signal aborts, but not before 2 s. Never rejects; may be called twice. */
  stop(signal: AbortSignal): Promise<void>;
}

/** sun_path has 108 bytes on Linux, 104 on the BSDs and macOS, with the closing NUL. */
const socketPathMax = 103;
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
    const started = spawn(program ?? '', serverArgs(dir, socket, pidFile), {
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
        kill(child, 'SIGKILL');
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

function serverArgs(dir: string, socket: string, pidFile: string): readonly string[] {
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
    appendfsync: 'everysec',
    'maxmemory-policy': 'noeviction',
    'auto-aof-rewrite-percentage': '100',
    'auto-aof-rewrite-min-size': '64mb',
  };
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
}

/** Made 0700, and made so again when somebody opened it. */
function privateDir(dir: string): string {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    chmodSync(dir, 0o700);
    return realpathSync(dir);
  } catch (thrown) {
    throw new Fault('store-away', { text: `The directory ${dir} cannot be made or used.`, cause: thrown });
  }
}

/**
 * In the data directory; where that path is too long for a socket, in a directory of our own under the system's temporary
 * one, with a name made from the data directory, so that the next run finds it. Refused when somebody else owns that.
 */
export function socketPath(dir: string): string {
  const plain = join(dir, 'redis.sock');
  if (Buffer.byteLength(plain) <= socketPathMax) return plain;
  const short = join(tmpdir(), `xxb-redis-${createHash('sha256').update(dir).digest('hex').slice(0, 16)}`);
  mkdirSync(short, { recursive: true, mode: 0o700 });
  const stat = lstatSync(short);
  const isOurs = stat.isDirectory() && (process.getuid === undefined || stat.uid === process.getuid());
  if (!isOurs) throw new Fault('store-away', { text: `${short} belongs to somebody else; give a shorter dataDir.` });
  chmodSync(short, 0o700);
  return join(short, 'redis.sock');
}

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

/** Waits for the end of a process; false when the signal came first. */
async function ended(pid: number, clock: Clock, signal: AbortSignal): Promise<boolean> {
  while (isRunning(pid) && !signal.aborted) await clock.sleep(20, signal).catch(() => undefined);
  return !isRunning(pid);
}

/** Of a running redis-server that works in our directory: a process id alone may have been given to somebody else since. */
function pidOf(pidFile: string, dir: string): number | null {
  try {
    const pid = Number(readFileSync(pidFile, 'utf8').trim());
    if (!Number.isInteger(pid) || pid <= 1 || !isRunning(pid)) return null;
    return realpathSync(`/proc/${pid}/cwd`) === dir && /redis/.test(readFileSync(`/proc/${pid}/comm`, 'utf8'))
      ? pid
      : null;
  } catch {
    return null;
  }
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

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8')); // a zombie has ended
  } catch {
    return true;
  }
}

function signalPid(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended already
  }
}

function kill(child: ChildProcess | null, signal: NodeJS.Signals): void {
  child?.kill(signal);
}

function lastLine(output: string): string {
  return output.trim().split('\n').at(-1) ?? '';
}
