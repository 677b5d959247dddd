/**
 * Whether a Redis may be trusted with messages: its version, append-only file on, no eviction. Each refusal names the exact setting to change. Where CONFIG is forbidden (managed services) INFO is asked;
 * what neither tells is let pass with a warning. It changes nothing. The layout of what is stored is layout/layout.ts' business.
 */
import type { Redis } from 'ioredis';
import type { Log } from '../../bridge/ports';
import { Fault } from '../../core/fault';
import { primariesOf } from './connect';
import type { Connection } from './connect';
import { parseInfo, settingOf } from './server-info';
import type { Target } from './target';
import { topologyProblems, topologyWeaknesses } from './topology';

/** XTRIM MINID and EXISTS of several keys; BullMQ recommends the same. */
export const minimumRedis = '6.2.0';

/** What is looked at, and what is expected of it. */
export interface CheckWants {
  readonly target: Target;
  /** replicas that must have what is accepted (`redis.wait`) */
  readonly waitReplicas: number;
  readonly log: Log;
}

/** What it may lose although it may be used: one text each, with the setting to change. Connection errors pass through. */
export async function redisWeaknesses(
  redis: Connection,
  { target, waitReplicas }: CheckWants,
): Promise<readonly string[]> {
  const together = await topologyWeaknesses(redis, target, waitReplicas);
  if (target.kind !== 'single') return together; // what one server has not written yet, its replicas have
  return unique([...(await Promise.all(primariesOf(redis).map(serverWeaknesses))), together]);
}

async function serverWeaknesses(redis: Redis): Promise<readonly string[]> {
  const sync = await settingOf(redis, 'appendfsync');
  if (sync === null || sync === 'always') return [];
  const span = sync === 'everysec' ? 'one or two seconds' : 'half a minute';
  return [
    `Redis answers before its append-only file is written (appendfsync ${sync}): when it is killed, or the power fails, the messages accepted in the last ${span} may be lost. Set "appendfsync always" in redis.conf, or at once: redis-cli CONFIG SET appendfsync always.`,
  ];
}

/** Rejects `store-away` with a text for the operator. Connection errors pass through unchanged. */
export async function checkRedis(redis: Connection, wants: CheckWants): Promise<void> {
  const problems = await redisProblems(redis, wants);
  if (problems.length > 0) throw new Fault('store-away', { text: problems.join(' ') });
  for (const weakness of await redisWeaknesses(redis, wants)) wants.log.warn({}, weakness);
}

/** What is wrong with it, one text each, with the setting to change; nothing is written. Connection errors pass through. */
export async function redisProblems(redis: Connection, { waitReplicas, log }: CheckWants): Promise<readonly string[]> {
  const together = await topologyProblems(redis, waitReplicas);
  if (together.length > 0) return together; // of another kind of server, or half of one, nothing more is asked
  return unique(await Promise.all(primariesOf(redis).map((node) => serverProblems(node, log))));
}

async function serverProblems(redis: Redis, log: Log): Promise<readonly string[]> {
  const info = parseInfo(await redis.info());
  const problems = [
    versionProblem(info),
    appendOnlyProblem((await settingOf(redis, 'appendonly')) ?? fromInfo(info.get('aof_enabled')), log),
    evictionProblem((await settingOf(redis, 'maxmemory-policy')) ?? info.get('maxmemory_policy') ?? null, log),
  ];
  return problems.filter((problem) => problem !== null);
}

/** What several servers say alike is said once. */
const unique = (texts: readonly (readonly string[])[]): readonly string[] => [...new Set(texts.flat())];

/** True when a dotted version is lower than another; missing parts are 0. */
export function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split('.').map((part) => Number.parseInt(part, 10) || 0));
  for (let i = 0; i < 3; i += 1) {
    const difference = (a?.[i] ?? 0) - (b?.[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

const fromInfo = (flag: string | undefined): string | null => (flag === undefined ? null : flag === '1' ? 'yes' : 'no');

function versionProblem(info: ReadonlyMap<string, string>): string | null {
  const version = info.get('redis_version');
  if (version === undefined || !isOlder(version, minimumRedis)) return null;
  return `Redis ${version} is too old; install ${minimumRedis} or newer.`;
}

function appendOnlyProblem(value: string | null, log: Log): string | null {
  if (value === null) log.warn({ setting: 'appendonly' }, 'redis does not say this setting, it must be yes');
  if (value === null || value === 'yes') return null;
  return 'Redis keeps no append-only file, accepted messages would be lost. Set "appendonly yes" in redis.conf, or at once: redis-cli CONFIG SET appendonly yes.';
}

function evictionProblem(value: string | null, log: Log): string | null {
  if (value === null)
    log.warn({ setting: 'maxmemory-policy' }, 'redis does not say this setting, it must be noeviction');
  if (value === null || value === 'noeviction') return null;
  return `Redis may throw data away (maxmemory-policy ${value}). Set "maxmemory-policy noeviction" in redis.conf, or at once: redis-cli CONFIG SET maxmemory-policy noeviction.`;
}
