/**
 * A look at a Redis for the doctor: can it be reached, may it be trusted with messages, does a bridge lead on it. One
 * connection, read only, closed again. The settings are judged by check.ts, as at the start of the bridge.
 */
import { existsSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Clock, Log } from '../../bridge/ports';
import { Fault } from '../../core/fault';
import { layoutProblem } from '../layout/layout';
import { parseInfo, redisProblems, redisWeaknesses } from './check';
import { failFast } from './connect';
import { makeKeys } from './keys';
import { socketPath } from './private-dir';
import { keyOf, targetOf, type Target } from './target';
import { troubleOf } from './trouble';

export interface RedisFindings {
  /** where it is, without secrets */
  readonly name: string;
  readonly version: string;
  /** each with the setting to change */
  readonly problems: readonly string[];
  /** what it may lose although it may be used, each with the setting to change */
  readonly weaknesses: readonly string[];
  /** settings that this Redis does not tell */
  readonly untold: readonly string[];
  /** a running bridge holds the lease */
  readonly isLed: boolean;
}

const commandMs = 5_000;

/** Looks at the Redis of a URL. Rejects `store-away` with a text that says why it cannot be reached. */
export async function probeRedis(url: string, clock: Clock): Promise<RedisFindings> {
  return probe(targetOf({ url }), clock);
}

/** Looks at the private redis-server of a data directory; null when none runs there. Makes no file. */
export async function probePrivateRedis(dataDir: string, clock: Clock): Promise<RedisFindings | null> {
  const dir = join(resolve(dataDir), 'redis');
  if (!existsSync(dir)) return null;
  const path = socketPath(realpathSync(dir));
  if (!existsSync(path)) return null;
  return probe({ kind: 'single', options: { path }, name: path }, clock).catch(() => null);
}

async function probe(target: Target, clock: Clock): Promise<RedisFindings> {
  const redis = failFast(target, clock, commandMs);
  let trouble: unknown = null;
  redis.on('error', (error: unknown) => (trouble = error));
  try {
    await redis.connect();
    const untold: string[] = [];
    const keys = makeKeys();
    const layout = await layoutProblem(redis, keys);
    const problems = [...(await redisProblems(redis, noteInto(untold))), ...(layout === null ? [] : [layout])];
    const weaknesses = await redisWeaknesses(redis);
    const version = parseInfo(await redis.info('server')).get('redis_version') ?? 'of unknown version';
    return {
      name: target.name,
      version,
      problems,
      weaknesses,
      untold,
      isLed: (await redis.exists(keys.streamLease)) === 1,
    };
  } catch (thrown) {
    const cause = trouble ?? thrown;
    throw new Fault('store-away', { text: `Redis at ${target.name} ${troubleOf(cause, keyOf(target)).text}`, cause });
  } finally {
    redis.disconnect();
  }
}

/** A log whose warnings name the settings that could not be read. */
function noteInto(untold: string[]): Log {
  const log: Log = {
    debug: () => undefined,
    info: () => undefined,
    warn: (fields) => {
      if ('setting' in fields && typeof fields.setting === 'string') untold.push(fields.setting);
    },
    error: () => undefined,
    child: () => log,
  };
  return log;
}
