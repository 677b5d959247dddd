/**
 * The private redis-server: started under dataDir, watched, restarted, stopped last. Unix socket only (no TCP port), in a
 * directory only we may enter; append-only file written through, no eviction, no snapshots. Whoever calls this owns the data
 * directory (data-dir.ts). What a killed bridge left running is used again when it answers (leftover.ts); when no bridge
 * comes back within a minute it ends by itself (server.sh). It never touches another Redis.
 *
 * `appendfsync always`, since `everysec` is not quite "nothing acknowledged is lost": while its fsync of the second runs, Redis holds writes back in
 * memory (for 2 s at most) and answers all the same, so a killed Redis may lose what it acknowledged in that moment, and a
 * power cut the last second or two. Measured on a busy disk: after 2.7 % of the acknowledged commands the file was behind,
 * and 1 of 60 kills under load lost some. With `always` there were none of either; a lone round trip then took twenty times as long.
 */
import { join, resolve as absolute } from 'node:path';
import type { Clock, Log } from '../../../bridge/ports';
import { Fault, toFault } from '../../../core/fault';
import { backoffMs } from '../../../core/retry';
import { mendAppendOnlyFile } from './append-only-file';
import { startChild } from './child';
import type { Child } from './child';
import { answers, takeOver } from './leftover';
import { privateDir, socketPath } from './dir';
import { ended, findProgram, isRunning, serversIn, signalPid } from './process';
import type { Target } from '../target';
import { makeWatchdog } from './watchdog';

export interface ServerOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log: Log;
  /** when the append-only file reaches the disk; default `always` (see the head of this file) */
  readonly appendfsync?: 'everysec' | 'always';
  /** the program; found in PATH and the sbin directories */
  readonly program?: string;
  /** how long it runs on when the bridge has gone without a word and no other comes; default 60000 */
  readonly orphanMs?: number;
}

export interface Server {
  readonly target: Target;
  /** Graceful; killed when the signal aborts, but not before 2 s. Never rejects; may be called twice. */
  stop(signal: AbortSignal): Promise<void>;
}

const restart = { baseMs: 200, capMs: 10_000 };
const healthyMs = 60_000;
/** a big append-only file takes its time; the process is watched meanwhile */
const loadingMs = 600_000;
const killGraceMs = 2_000;

/** Starts it, or uses one that was left running; resolves when it answers. Rejects `store-away` naming the package when the program is missing. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { clock, log, appendfsync = 'always', orphanMs = 60_000 } = options;
  const program = findProgram(options.program ?? 'redis-server');
  if (program === null) {
    throw new Fault('store-away', {
      text: 'The program redis-server is missing. Install it (apt-get install redis-server), or give redis.url.',
    });
  }
  const dir = privateDir(join(absolute(options.dataDir), 'redis'));
  const socket = socketPath(dir);
  const watchdog = makeWatchdog(dir, orphanMs, log);
  const stopping = new AbortController();
  let child: Child | null = null;

  function launch(): Child {
    child = startChild(dir, program ?? '', serverArgs(dir, socket, appendfsync));
    if (child.pid !== undefined) watchdog.watch(child.pid);
    return child;
  }

  /** Keeps one running until told to stop. `end`: when the one that runs now ends. */
  async function keepRunning(end: Promise<void>): Promise<void> {
    let failures = 0;
    let current = end;
    for (;;) {
      const begun = clock.monotonic();
      await current;
      const err = child?.lastLine();
      child = null;
      if (stopping.signal.aborted) return;
      failures = clock.monotonic() - begun > healthyMs ? 1 : failures + 1;
      const ms = backoffMs(failures, clock.dice(), restart);
      log.error({ ms, err }, 'the private redis-server ended, it is started again');
      await clock.sleep(ms, stopping.signal).catch(() => undefined);
      await mend(dir, log);
      if (stopping.signal.aborted) return;
      current = launch().ended;
    }
  }

  const left = await takeOver(dir, socket, clock);
  let end: Promise<void>;
  if (left === null) {
    await mend(dir, log);
    const first = launch();
    end = first.ended;
    await untilAnswers(first, socket, clock).catch(async (thrown: unknown) => {
      await watchdog.end();
      throw thrown;
    });
    log.info({ redis: socket }, 'the private redis-server runs');
  } else {
    watchdog.watch(left);
    end = untilGone(left, clock, stopping.signal);
    log.warn({ pid: left }, 'a private redis-server of an earlier run is still there, it is taken over');
  }
  const keeping = keepRunning(end);

  async function stop(signal: AbortSignal): Promise<void> {
    if (!stopping.signal.aborted) stopping.abort(new Fault('stopping'));
    const pid = child?.pid ?? serversIn(dir)[0];
    if (pid !== undefined) await stopProcess(pid, signal, clock, log);
    await keeping;
    await watchdog.end();
  }
  return { target: { kind: 'single', options: { path: socket }, name: socket }, stop };
}

/** Before each start. What cannot be mended redis-server itself will complain of. */
async function mend(dir: string, log: Log): Promise<void> {
  try {
    const bytes = await mendAppendOnlyFile(dir);
    if (bytes > 0) log.warn({ bytes }, 'the append-only file ended in half a transaction, which is cut off');
  } catch (thrown) {
    log.warn({ err: toFault(thrown).cause }, 'the append-only file could not be looked at');
  }
}

/** Rejects `store-away` with its last words when it ends first. */
async function untilAnswers(child: Child, socket: string, clock: Clock): Promise<void> {
  let hasEnded = false;
  void child.ended.then(() => (hasEnded = true));
  const deadline = clock.monotonic() + loadingMs;
  while (!(await answers(socket))) {
    if (hasEnded || clock.monotonic() > deadline) {
      child.kill();
      throw new Fault('store-away', { text: `The private redis-server does not start: ${child.lastLine()}` });
    }
    await clock.sleep(50, new AbortController().signal); // the deadline is its end
  }
}

/** One that we did not start has no exit to wait for: it is looked at instead. */
async function untilGone(pid: number, clock: Clock, signal: AbortSignal): Promise<void> {
  while (isRunning(pid) && !signal.aborted) await clock.sleep(500, signal).catch(() => undefined);
}

async function stopProcess(pid: number, signal: AbortSignal, clock: Clock, log: Log): Promise<void> {
  signalPid(pid, 'SIGTERM');
  const isEnded = (await ended(pid, clock, AbortSignal.timeout(killGraceMs))) || (await ended(pid, clock, signal));
  if (isEnded) return;
  log.warn({ pid }, 'the private redis-server did not end in time, it is killed');
  signalPid(pid, 'SIGKILL');
  await ended(pid, clock, AbortSignal.timeout(killGraceMs));
}

function serverArgs(dir: string, socket: string, appendfsync: string): readonly string[] {
  const settings: Readonly<Record<string, string>> = {
    port: '0',
    unixsocket: socket,
    unixsocketperm: '600',
    dir,
    pidfile: join(dir, 'redis.pid'),
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
