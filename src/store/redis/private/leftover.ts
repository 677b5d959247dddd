/**
 * What an earlier run left of a private redis-server: one that answers is used again, any other is stopped before a new
 * one starts, so that never two write one append-only file. It looks only at servers that work in our directory or
 * listen on our socket, and must be asked only by whoever owns the data directory (data-dir.ts).
 */
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { Redis } from 'ioredis';
import type { Clock } from '../../../bridge/ports';
import { Fault } from '../../../core/fault';
import { ended, serversIn, signalPid } from './process';

const askMs = 2_000;
const stopMs = 10_000;
const killMs = 2_000;

/**
 * Resolves with the process id of a server that goes on being used, null when there is none any more.
 * Rejects `store-away` when one can neither be used nor stopped.
 */
export async function takeOver(dir: string, socket: string, clock: Clock): Promise<number | null> {
  const pids = serversIn(dir);
  const [pid] = pids;
  if (pid !== undefined && pids.length === 1 && (await answers(socket))) return pid;
  await Promise.all(pids.map((one) => stopProcess(one, clock)));
  if (!(await accepts(socket))) return null;
  await shutDown(socket); // it runs where we see no processes: in another container that shares the directory
  const deadline = clock.monotonic() + stopMs;
  while (await accepts(socket)) {
    if (clock.monotonic() > deadline)
      throw new Fault('store-away', {
        text: `A redis-server that is not of this machine or container uses ${socket} and cannot be stopped from here; stop it, or set another dataDir.`,
      });
    await clock.sleep(50, new AbortController().signal); // the deadline is its end
  }
  return null;
}

/** Does a server answer there? Never rejects. */
export async function answers(socket: string): Promise<boolean> {
  if (!existsSync(socket)) return false;
  const redis = oneTry(socket);
  try {
    await redis.connect();
    return (await redis.ping()) === 'PONG';
  } catch {
    return false;
  } finally {
    redis.disconnect();
  }
}

async function stopProcess(pid: number, clock: Clock): Promise<void> {
  signalPid(pid, 'SIGTERM');
  if (await ended(pid, clock, AbortSignal.timeout(stopMs))) return;
  signalPid(pid, 'SIGKILL');
  await ended(pid, clock, AbortSignal.timeout(killMs));
}

async function shutDown(socket: string): Promise<void> {
  const redis = oneTry(socket);
  try {
    await redis.connect();
    await redis.shutdown('NOSAVE'); // its append-only file is complete
  } catch {
    // the connection ends with it, or it does not answer: whoever asked looks
  } finally {
    redis.disconnect();
  }
}

function oneTry(socket: string): Redis {
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
  return redis;
}

/** Is anybody behind the socket, answering or not? */
function accepts(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket);
    connection.on('connect', () => end(true));
    connection.on('error', () => end(false));
    const end = (is: boolean): void => {
      connection.destroy();
      resolve(is);
    };
  });
}
