/**
 * The connections to Redis. The main one fails fast: no offline queue, no resend, a deadline on every command, so that a
 * caller hears `store-away` at once and decides itself. It is "up" only when the settings were checked (again, after each
 * reconnect: Redis may have come back with others) and the scripts are loaded. A heartbeat finds a Redis that hangs.
 * Other connections (the queue's, the worker's) come from the same target and reconnect policy.
 */
import { Redis } from 'ioredis';
import type { RedisOptions } from 'ioredis';
import type { Clock, Log } from '../../bridge/ports';
import { Fault, toFault } from '../../core/fault';
import { backoffMs } from '../../core/retry';
import type { Script } from './scripts';

/** Where Redis is: what ioredis needs, and a name without secrets for people. */
export interface Target {
  readonly options: RedisOptions;
  readonly name: string;
}

export interface ClientOptions {
  readonly target: Target;
  readonly commandTimeoutMs: number;
  readonly startTimeoutMs: number;
  /** every script that will be run */
  readonly scripts: readonly Script[];
  /** Looks at the settings; rejects with a Fault that names what to change. */
  readonly check: (redis: Redis) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  readonly onChange: (fault: Fault | null) => void;
}

export interface Client {
  /** Resolves when it is up. Rejects when the check fails, or Redis cannot be reached in time. Call once. */
  start(): Promise<void>;
  isUp(): boolean;
  /** Runs plain commands. Rejects `store-away`, or `internal` when Redis refuses the command itself. */
  ask<T>(command: (redis: Redis) => Promise<T>): Promise<T>;
  /** Runs a script; rejects like `ask`. */
  run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>;
  /** Ends the connection; what is in flight fails. May be called twice. Never rejects. */
  close(): Promise<void>;
}

/** a Redis that is back is found within a second, however long it was away */
const reconnect = { baseMs: 100, capMs: 1_000 };
const heartbeatMs = 2_000;
const loadingMs = 600_000;

/** The target of a URL: `redis://`, `rediss://`, `unix://PATH` or a path. Throws Fault `store-away` for anything else. */
export function targetOf(url: string): Target {
  const path = url.startsWith('unix://') ? url.slice('unix://'.length) : url;
  if (path.startsWith('/')) return { options: { path }, name: path };
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !['redis:', 'rediss:'].includes(parsed.protocol)) {
    throw new Fault('store-away', { text: 'The Redis URL must be redis://, rediss://, unix:///PATH or /PATH.' });
  }
  const host = parsed.hostname === '' ? '127.0.0.1' : parsed.hostname.replace(/^\[|\]$/g, '');
  const port = parsed.port === '' ? 6379 : Number(parsed.port);
  const isTls = parsed.protocol === 'rediss:';
  const options: RedisOptions = {
    host,
    port,
    ...(parsed.username === '' ? {} : { username: decodeURIComponent(parsed.username) }),
    ...(parsed.password === '' ? {} : { password: decodeURIComponent(parsed.password) }),
    ...(/^\/\d+$/.test(parsed.pathname) ? { db: Number(parsed.pathname.slice(1)) } : {}),
    ...(isTls ? { tls: { servername: host } } : {}),
  };
  return { options, name: `${parsed.protocol}//${host}:${port}` };
}

/** What all connections share: reconnect for ever, exponential with full jitter; leave a replica that was a master. */
export function baseOptions(target: Target, clock: Clock): RedisOptions {
  return {
    ...target.options,
    connectTimeout: 5_000,
    keepAlive: 10_000,
    retryStrategy: (times) => backoffMs(times, clock.dice(), reconnect),
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    lazyConnect: true,
  };
}

/** For producers: an answer or a failure, soon. */
export function failFast(target: Target, clock: Clock, commandTimeoutMs: number): RedisOptions {
  return {
    ...baseOptions(target, clock),
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: commandTimeoutMs,
  };
}

/** For BullMQ's worker, which waits through outages. */
export function patient(target: Target, clock: Clock): RedisOptions {
  return { ...baseOptions(target, clock), maxRetriesPerRequest: null };
}

/** Redis' own refusals that pass when somebody acts: memory, disk, roles, loading. Anything else is a mistake of ours. */
const passing =
  /^(OOM|MISCONF|READONLY|LOADING|BUSY|NOREPLICAS|MASTERDOWN|TRYAGAIN|NOAUTH|NOPERM|WRONGPASS|NOSCRIPT|UNKILLABLE)\b/;

/** Those of them that refuse every write until somebody acts; OOM lets through what makes room. */
const refusingWrites = /^(MISCONF|READONLY|NOREPLICAS)\b/;

const isReply = (thrown: unknown): thrown is Error => thrown instanceof Error && thrown.name === 'ReplyError';

/** What a failed command is to the rest of the bridge. A refusal that passes means that nothing was done. Never throws. */
export function storeFault(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown;
  if (!isReply(thrown)) return new Fault('store-away', { cause: thrown });
  if (!passing.test(thrown.message)) return new Fault('internal', { cause: thrown });
  return new Fault('store-away', { cause: thrown, isUndone: true });
}

export function makeClient(options: ClientOptions): Client {
  const { target, commandTimeoutMs, startTimeoutMs, scripts, check, clock, log, onChange } = options;
  const redis = new Redis(failFast(target, clock, commandTimeoutMs));
  const closing = new AbortController();
  let isUp = false;
  let preparing: Promise<void> | null = null;
  let lastError: unknown = null;

  const setDown = (fault: Fault): void => {
    if (!isUp) return;
    isUp = false;
    if (closing.signal.aborted) return;
    log.warn({ fault: fault.code, redis: target.name }, 'redis went away');
    onChange(fault);
  };

  /** Once per connection: settings, scripts, then up. Rejects with what is wrong. */
  async function prepare(): Promise<void> {
    try {
      await check(redis);
      for (const { lua } of scripts) await redis.script('LOAD', lua);
    } catch (thrown) {
      throw storeFault(thrown);
    }
    if (redis.status !== 'ready' || isUp || closing.signal.aborted) return;
    isUp = true;
    log.info({ redis: target.name }, 'redis is up');
    onChange(null);
  }

  function prepareOnce(): Promise<void> {
    preparing ??= prepare().finally(() => (preparing = null));
    return preparing;
  }

  redis.on('error', (error) => (lastError = error));
  redis.on('close', () => setDown(new Fault('store-away', { cause: lastError })));

  async function start(): Promise<void> {
    const wasReady = new Promise<void>((resolve) => redis.once('ready', resolve));
    redis.connect().catch(() => undefined); // the first failure is no more than the later ones: they are retried
    await Promise.race([wasReady, unreachable()]);
    await prepareOnce();
    redis.on('ready', () => void prepareOnce().catch(complain));
    void beat();
  }

  /** Rejects when there is no hope of a first connection. A Redis that loads its data is waited for. */
  async function unreachable(): Promise<never> {
    const begun = clock.monotonic();
    for (;;) {
      await clock.sleep(100, closing.signal);
      const waitedMs = clock.monotonic() - begun;
      const isLoading = redis.status === 'connect' || redis.status === 'ready';
      const why = lastError instanceof Error ? lastError.message : 'no answer';
      if (/NOAUTH|WRONGPASS|NOPERM/.test(why)) throw refusal(`Redis at ${target.name} refuses us: ${why}`);
      if (waitedMs > (isLoading ? loadingMs : startTimeoutMs))
        throw refusal(`Redis at ${target.name} cannot be reached: ${why}`);
    }
  }

  const refusal = (text: string): Fault => new Fault('store-away', { text, cause: lastError });

  const complain = (thrown: unknown): void => {
    if (closing.signal.aborted) return;
    const fault = toFault(thrown);
    const said = isReply(fault.cause) ? fault.cause.message : fault.text;
    log.error({ fault: fault.code, err: said }, 'redis is not usable');
  };

  /** Asks every 2 s; no answer in time: the connection is thrown away and made anew. A check that failed is repeated. */
  async function beat(): Promise<void> {
    for (;;) {
      try {
        await clock.sleep(heartbeatMs, closing.signal);
      } catch {
        return;
      }
      if (redis.status !== 'ready') continue;
      if (!isUp) await prepareOnce().catch(complain);
      else {
        await redis.ping().catch((thrown: unknown) => {
          if (closing.signal.aborted || redis.status !== 'ready') return;
          lastError = thrown;
          redis.disconnect(true);
        });
      }
    }
  }

  async function ask<T>(command: (redis: Redis) => Promise<T>): Promise<T> {
    if (!isUp) throw new Fault('store-away', { cause: lastError });
    try {
      return await command(redis);
    } catch (thrown) {
      const fault = storeFault(thrown);
      // a disk that is full, for instance: what is sent now could not be settled; the heartbeat finds out when that ends
      if (isReply(thrown) && refusingWrites.test(thrown.message)) setDown(fault);
      throw fault;
    }
  }

  const run: Client['run'] = (script, keys, args) =>
    ask(async () => {
      const rest = [...keys, ...args];
      try {
        return await redis.evalsha(script.sha, keys.length, ...rest);
      } catch (thrown) {
        if (!(thrown instanceof Error && thrown.message.startsWith('NOSCRIPT'))) throw thrown;
        return await redis.eval(script.lua, keys.length, ...rest); // somebody flushed the scripts
      }
    });

  return {
    start,
    isUp: () => isUp,
    ask,
    run,
    close() {
      if (!closing.signal.aborted) closing.abort(new Fault('stopping'));
      isUp = false;
      redis.disconnect();
      return Promise.resolve();
    },
  };
}
