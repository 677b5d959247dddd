/**
 * A private redis-server as the bridge wants it (AOF on, noeviction), with the same data again after a stop or a
 * kill -9; the options can take a wanted setting away for the tests of the start-up checks.
 */
import { join } from 'node:path';
import { mendAppendOnlyFile } from '../../../src/store/redis/private/append-only-file';
import { freePort } from '../ports';
import { run, startProcess } from '../process';
import { makeTempDir, removeTempDir } from '../temp';
import { makeRunner, readyMs } from './runner';

export interface RedisOptions {
  /** Default everysec. */
  readonly appendfsync?: 'always' | 'everysec' | 'no';
  /** A fixed port; a free one when left out. */
  readonly port?: number;
  /** True: no TCP port, a unix socket in the data directory; or the socket's path. */
  readonly unixsocket?: boolean | string;
  /** False: no append-only file, which the bridge must refuse. */
  readonly appendonly?: boolean;
  /** Anything but noeviction is what the bridge must refuse. */
  readonly maxmemoryPolicy?: string;
  /** For instance "50mb"; no bound when left out. */
  readonly maxmemory?: string;
  readonly password?: string;
  /** Where its data lies; a temporary directory of its own when left out. */
  readonly dir?: string;
}

export interface RedisServer {
  /** redis://127.0.0.1:PORT, or the socket's path as redis+unix is written for ioredis. */
  readonly url: string;
  /** Undefined with a unix socket. */
  readonly port: number | undefined;
  readonly unixsocket: string | undefined;
  readonly dir: string;
  /** Runs redis-cli against it and returns what it prints. */
  cli(...args: string[]): Promise<string>;
  /** Same port or socket, same data; nothing when it runs. */
  start(): Promise<void>;
  /** Graceful, keeps the data. */
  stop(): Promise<void>;
  kill9(): Promise<void>;
  /** Ends it for good (no grace: the data goes too). */
  dispose(): Promise<void>;
  log(): string;
}

/** Starts one and resolves when it accepts connections. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const dir = options.dir ?? makeTempDir('redis');
  const socket = options.unixsocket === true ? join(dir, 'redis.sock') : options.unixsocket;
  const unixsocket = typeof socket === 'string' ? socket : undefined;
  const port = unixsocket === undefined ? (options.port ?? (await freePort())) : undefined;
  const args = redisArgs(options, dir, port, unixsocket);
  const runner = makeRunner(
    async () => {
      await mendAppendOnlyFile(dir); // as the bridge does with its private one, and an operator with redis-check-aof --fix
      return startProcess('redis-server', args, { cwd: dir });
    },
    (child) => child.waitForLine(/eady to accept connections/, readyMs),
  );
  await runner.start();
  const target = unixsocket === undefined ? ['-p', String(port)] : ['-s', unixsocket];
  const auth = options.password === undefined ? [] : ['-a', options.password, '--no-auth-warning'];
  const login = options.password === undefined ? '' : `:${encodeURIComponent(options.password)}@`;
  return {
    url: unixsocket ?? `redis://${login}127.0.0.1:${port}`,
    port,
    unixsocket,
    dir,
    cli: (...command) => run('redis-cli', [...target, ...auth, ...command]),
    start: runner.start,
    stop: runner.stop,
    kill9: runner.kill9,
    log: runner.log,
    async dispose() {
      await runner.kill9();
      if (options.dir === undefined) removeTempDir(dir);
    },
  };
}

function redisArgs(
  options: RedisOptions,
  dir: string,
  port: number | undefined,
  unixsocket: string | undefined,
): string[] {
  const settings: Record<string, string | undefined> = {
    port: String(port ?? 0),
    bind: '127.0.0.1',
    unixsocket,
    dir,
    save: '',
    daemonize: 'no',
    logfile: '',
    appendonly: options.appendonly === false ? 'no' : 'yes',
    appendfsync: options.appendfsync ?? 'everysec',
    'maxmemory-policy': options.maxmemoryPolicy ?? 'noeviction',
    maxmemory: options.maxmemory,
    requirepass: options.password,
  };
  return Object.entries(settings).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]));
}
