/**
 * Who owns a data directory: one process at a time, by a lock that ends with it, however it ends. The lock is a listening
 * unix socket `owner.N` in the directory; whoever connects is told who holds it. It works where process ids say nothing
 * (containers that share a volume), and a dead holder needs no waiting for: nobody accepts on its socket any more.
 *
 * Numbers only grow: a claimant listens on the number after the highest, then looks again, and steps back when anybody
 * else listens. Two that claim at once may both step back and try again; both can never hold it, since the one that
 * listens later sees the earlier. It does not protect a directory that several machines mount.
 */
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Server } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../bridge/ports';
import { Fault } from '../core/fault';

export interface OwnedDir {
  /** names this installation over all its restarts: two processes that run at once never have the same */
  readonly instance: string;
  /** Gives the directory up; may be called twice. */
  release(): void;
}

const triesMax = 50;
const stepBackMs = 20;
const answerMs = 1_000;
const lockName = /^owner\.(\d{1,12})$/;

/** Resolves with the directory, ours until it is released or the process ends, or with who owns it, in words. */
export async function claimDataDir(path: string, clock: Clock): Promise<OwnedDir | { readonly ownedBy: string }> {
  const dir = usableDir(path);
  const fd = openSync(dir, 'r');
  const signal = new AbortController().signal; // the number of tries is the bound
  for (let tries = 0; tries < triesMax; tries += 1) {
    const before = await whoListens(dir, fd, null);
    if (before !== null) {
      closeSync(fd);
      return { ownedBy: before };
    }
    const number = Math.max(0, ...numbersIn(dir)) + 1;
    const server = await listen(pathOf(dir, fd, number));
    if (server !== null && (await whoListens(dir, fd, number)) === null) {
      for (const old of numbersIn(dir)) if (old < number) rmSync(join(dir, `owner.${old}`), { force: true });
      return { instance: instanceOf(dir), release: once(() => server.close(() => closeSync(fd))) };
    }
    server?.close();
    await clock.sleep(stepBackMs * clock.dice(), signal);
  }
  closeSync(fd);
  throw new Fault('store-away', {
    text: `The data directory ${dir} is claimed by several processes at once; start one.`,
  });
}

function usableDir(path: string): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return realpathSync(path);
  } catch (thrown) {
    throw new Fault('store-away', {
      text: `The directory ${path} cannot be made or used: create it and give it to the user who runs the bridge, or set dataDir to one that is.`,
      cause: thrown,
    });
  }
}

const numbersIn = (dir: string): readonly number[] =>
  readdirSync(dir).flatMap((name) => {
    const number = lockName.exec(name)?.[1];
    return number === undefined ? [] : [Number(number)];
  });

/** Short, where the system has /proc: the path of a socket may have some hundred bytes only. */
function pathOf(dir: string, fd: number, number: number): string {
  return process.platform === 'linux' ? `/proc/self/fd/${fd}/owner.${number}` : join(dir, `owner.${number}`);
}

/** What the first live holder but ourselves says of itself; null: there is none. */
async function whoListens(dir: string, fd: number, own: number | null): Promise<string | null> {
  for (const number of numbersIn(dir)) {
    const answer = number === own ? null : await ask(pathOf(dir, fd, number));
    if (answer !== null) return answer;
  }
  return null;
}

/** Resolves with what it says (or that it says nothing), null when nobody is there. Never rejects. */
function ask(path: string): Promise<string | null> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(path);
    socket.setTimeout(answerMs, () => end('a process that does not answer'));
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => (text = (text + chunk).slice(0, 200)));
    socket.on('end', () => end(text));
    socket.on('error', (error: NodeJS.ErrnoException) =>
      end(['ECONNREFUSED', 'ENOENT', 'ENOTSOCK'].includes(error.code ?? '') ? null : 'a process that cannot be asked'),
    );
    const end = (answer: string | null): void => {
      socket.destroy();
      resolve(answer);
    };
  });
}

/** Null: somebody else was faster, or the place cannot hold a socket. */
function listen(path: string): Promise<Server | null> {
  const since = new Date().toISOString();
  const server = createServer((socket) => {
    socket.on('error', () => undefined); // whoever asked has gone
    socket.end(`process ${process.pid} on ${hostname()}, since ${since}`);
  });
  server.maxConnections = 16;
  server.unref();
  return new Promise((resolve) => {
    server.once('error', () => resolve(null));
    server.listen(path, () => resolve(server));
  });
}

/** Made once and kept in the directory, by whoever owns it. */
function instanceOf(dir: string): string {
  const file = join(dir, 'instance');
  try {
    const known = readFileSync(file, 'utf8').trim();
    if (/^[0-9a-f-]{36}$/.test(known)) return known;
  } catch {
    // there is none yet
  }
  const fresh = randomUUID();
  writeFileSync(file, `${fresh}\n`, { mode: 0o600 });
  return fresh;
}

function once(act: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) act();
    isDone = true;
  };
}
