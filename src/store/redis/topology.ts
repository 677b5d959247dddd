/**
 * How the servers of a target stand to each other: whether the one that we reach is what the configuration takes it for,
 * whether replicas are there to take over, what a fail-over may lose. Each text names the key or the setting to change.
 * Settings of a single server are in check.ts; why nothing answers at all is in diagnose.ts.
 */
import { Cluster } from 'ioredis';
import type { Redis } from 'ioredis';
import { primariesOf } from './connect';
import type { Connection } from './connect';
import { parseInfo, settingOf } from './server-info';
import { readNodes, uncoveredSlots } from './slots';
import type { ClusterNodes } from './slots';
import type { Target } from './target';

/** What is wrong; connection errors pass through. */
export async function topologyProblems(redis: Connection, waitReplicas: number): Promise<readonly string[]> {
  if (redis instanceof Cluster) return clusterProblems(redis);
  const info = parseInfo(await redis.info());
  const problems = [modeProblem(info), roleProblem(info), replicasProblem(info, waitReplicas)];
  return problems.filter((problem) => problem !== null).slice(0, 1); // the second follows from the first
}

/** What may be lost although it may be used; connection errors pass through. */
export async function topologyWeaknesses(
  redis: Connection,
  target: Target,
  waitReplicas: number,
): Promise<readonly string[]> {
  if (target.kind === 'single') return [];
  const weaknesses: string[] = [];
  if (redis instanceof Cluster) {
    const { alone } = await nodesOf(redis);
    if (alone.length > 0) {
      weaknesses.push(
        `Primaries without a replica: ${alone.join(', ')}. When one goes, what it holds waits until it is back. Give each a replica: redis-cli --cluster add-node … --cluster-slave.`,
      );
    }
  }
  const settings = await Promise.all(primariesOf(redis).map((node) => settingOf(node, 'min-replicas-to-write')));
  if (waitReplicas === 0 && settings.includes('0')) {
    const orWait = target.kind === 'sentinel' ? ', or redis.wait: 1 in the configuration of the bridge' : '';
    weaknesses.push(
      `A primary that is cut off from its replicas goes on accepting messages (min-replicas-to-write 0): they are lost when a replica takes over. Set "min-replicas-to-write 1" and "min-replicas-max-lag 2" in redis.conf of each server${orWait}.`,
    );
  }
  return weaknesses;
}

/** The topology in a few words, without secrets; connection errors pass through. */
export async function topologyOf(redis: Connection, target: Target): Promise<string> {
  if (redis instanceof Cluster) {
    const { primaryCount, replicaCount } = await nodesOf(redis);
    return `Redis Cluster: ${primaryCount} primaries, ${counted(replicaCount, 'replica')}`;
  }
  if (target.kind !== 'sentinel') return target.name;
  const replicas = counted(Number(parseInfo(await redis.info('replication')).get('connected_slaves') ?? 0), 'replica');
  const { remoteAddress, remotePort } = redis.stream;
  return `Sentinel ${target.options.name}: primary ${remoteAddress}:${remotePort}, ${replicas}`;
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

const nodesOf = async (redis: Cluster): Promise<ClusterNodes> => {
  const text: unknown = await anyOf(redis)?.cluster('NODES');
  return readNodes(typeof text === 'string' ? text : '');
};

const anyOf = (redis: Connection): Redis | undefined => primariesOf(redis)[0];

async function clusterProblems(redis: Cluster): Promise<readonly string[]> {
  const node = anyOf(redis);
  if (node === undefined) return ['No primary of the Redis Cluster answers (redis.cluster).'];
  const problem = slotsProblem(await node.cluster('SLOTS'));
  return problem === null ? [] : [problem];
}

/** The problem with the slots, from the answer to CLUSTER SLOTS. Never throws. */
export function slotsProblem(slots: unknown): string | null {
  const gaps = uncoveredSlots(slots);
  if (gaps.length === 0) return null;
  const [noun, verb] = gaps.length === 1 && !gaps[0]?.includes('-') ? ['slot', 'is'] : ['slots', 'are'];
  return `The ${noun} ${gaps.join(', ')} of the Redis Cluster (redis.cluster) ${verb} served by no node: bring the node back, or redis-cli --cluster fix HOST:PORT.`;
}

function modeProblem(info: ReadonlyMap<string, string>): string | null {
  switch (info.get('redis_mode')) {
    case 'cluster':
      return 'This Redis is a node of a Redis Cluster: give some of its nodes in redis.cluster instead of redis.url.';
    case 'sentinel':
      return 'This is a Sentinel, not a Redis server: give it in redis.sentinel.hosts instead of redis.url.';
    default:
      return null;
  }
}

function roleProblem(info: ReadonlyMap<string, string>): string | null {
  if (info.get('role') !== 'slave') return null;
  const primary = `${info.get('master_host')}:${info.get('master_port')}`;
  return `This Redis is a replica of ${primary}: give that one in redis.url, or the Sentinels in redis.sentinel.`;
}

function replicasProblem(info: ReadonlyMap<string, string>, waitReplicas: number): string | null {
  const connected = Number(info.get('connected_slaves') ?? 0);
  if (connected >= waitReplicas) return null;
  return `redis.wait is ${waitReplicas}, but ${connected === 0 ? 'no replica is' : `only ${connected} replicas are`} connected to Redis: nothing would be accepted. Attach replicas, or lower redis.wait.`;
}
