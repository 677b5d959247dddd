/**
 * A look at a Redis for the doctor: can it be reached, may it be trusted with messages, does a bridge lead on it. One
 * connection, read only, closed again. The settings are judged by redis/check.ts, as at the start of the bridge.
 */
import { existsSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Clock, Log } from '../bridge/ports';
import { Fault } from '../core/fault';
import { layoutProblem } from './layout/layout';
import { redisProblems, redisWeaknesses } from './redis/check';
import { failFast, primariesOf } from './redis/connect';
import type { Connection } from './redis/connect';
import { diagnose } from './redis/diagnose';
import { makeKeys } from './redis/keys';
import { socketPath } from './redis/private/dir';
import { parseInfo } from './redis/server-info';
import { targetOf } from './redis/target';
import type { RedisSettings, Target } from './redis/target';
import { topologyOf } from './redis/topology';

export interface RedisFindings {
  /** which servers it is made of, in words and without secrets */
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

/** What is expected of the data that lies there. */
interface Expected {
  readonly waitReplicas: number;
  /** how many shards the configuration says */
  readonly shards?: number;
}

/** Looks at the Redis of the settings. Rejects `store-away` with a text that says why it cannot be reached. */
export async function probeRedis(settings: RedisSettings, clock: Clock, shards?: number): Promise<RedisFindings> {
  return probe(
    targetOf(settings),
    { waitReplicas: settings.waitReplicas ?? 0, ...(shards === undefined ? {} : { shards }) },
    clock,
  );
}

/** Looks at the private redis-server of a data directory; null when none runs there. Makes no file. */
export async function probePrivateRedis(dataDir: string, clock: Clock, shards?: number): Promise<RedisFindings | null> {
  const dir = join(resolve(dataDir), 'redis');
  if (!existsSync(dir)) return null;
  const path = socketPath(realpathSync(dir));
  if (!existsSync(path)) return null;
  return probe(
    { kind: 'single', options: { path }, name: path },
    { waitReplicas: 0, ...(shards === undefined ? {} : { shards }) },
    clock,
  ).catch(() => null);
}

async function probe(target: Target, { waitReplicas, shards }: Expected, clock: Clock): Promise<RedisFindings> {
  const redis = failFast(target, clock, commandMs);
  let trouble: unknown = null;
  redis.on('error', (error: unknown) => (trouble = error));
  const given = new AbortController();
  try {
    // behind Sentinel and in a Cluster connecting is tried again and again
    await Promise.race([redis.connect(), clock.sleep(commandMs, given.signal).then(() => Promise.reject(timedOut))]);
    const untold: string[] = [];
    const wants = { target, waitReplicas, log: noteInto(untold) };
    const keys = makeKeys(undefined, shards);
    const unfit = await redisProblems(redis, wants);
    const layout = unfit.length > 0 ? null : await layoutProblem(redis, keys);
    const problems = layout === null ? unfit : [...unfit, layout];
    const weaknesses = problems.length > 0 ? [] : await redisWeaknesses(redis, wants);
    return {
      name: await topologyOf(redis, target),
      version: await versionOf(redis),
      problems,
      weaknesses,
      untold,
      isLed: unfit.length === 0 && (await redis.exists(keys.streamLease)) === 1,
    };
  } catch (thrown) {
    const cause = trouble ?? thrown;
    const { text } = await diagnose(target, cause);
    throw new Fault('store-away', { text, cause });
  } finally {
    given.abort();
    redis.disconnect();
  }
}

const timedOut = new Error(`no answer within ${commandMs} ms`);

async function versionOf(redis: Connection): Promise<string> {
  const [node] = primariesOf(redis);
  return (node && parseInfo(await node.info('server')).get('redis_version')) ?? 'of unknown version';
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
