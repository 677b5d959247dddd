/**
 * A Redis Cluster on free ports: three primaries, each with a replica, which know each other from the start. A primary can
 * be killed or frozen; its replica takes over.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RedisSettings } from '../../../src/store/redis/target';
import { testCertificate } from '../cert';
import { freePorts } from '../ports';
import { makeTempDir, removeTempDir } from '../temp';
import { until } from '../wait';
import { bridgeLogin, serverSettings, startNode } from './redis-node';
import type { RedisNode } from './redis-node';

export interface ClusterOptions {
  readonly isTls?: boolean;
  /** replicas of each primary; default 1 */
  readonly replicas?: 0 | 1;
  readonly nodeTimeoutMs?: number;
  /** false: the Cluster goes on serving what slots it has when others are served by nobody */
  readonly needsAllSlots?: boolean;
}

export interface RedisCluster {
  /** how the bridge reaches it */
  readonly settings: RedisSettings & { readonly url: null };
  /** the three that are primaries at first, then their replicas in the same order */
  readonly nodes: readonly RedisNode[];
  /** the node that serves the slot of a key, in the eyes of the others; asked of one that is not frozen */
  primaryOf(key: string, askedOf?: RedisNode): Promise<RedisNode>;
  dispose(): Promise<void>;
}

const slotRanges = ['0-5460', '5461-10922', '10923-16383'];

export async function startRedisCluster(options: ClusterOptions = {}): Promise<RedisCluster> {
  const { isTls = false, replicas = 1, nodeTimeoutMs = 2_000, needsAllSlots = true } = options;
  const dir = makeTempDir('cluster');
  const count = slotRanges.length * (1 + replicas);
  const ports = await freePorts(count);
  const busPorts = await freePorts(count);
  const idOf = (at: number): string => createHash('sha1').update(String(ports[at])).digest('hex');
  const lineOf = (at: number, own: number): string => {
    const isPrimary = at < slotRanges.length;
    const of = isPrimary ? '-' : idOf(at - slotRanges.length);
    const flags = `${at === own ? 'myself,' : ''}${isPrimary ? 'master' : 'slave'}`;
    const epoch = (at % slotRanges.length) + 1;
    const slots = slotRanges[at] ?? '';
    return `${idOf(at)} 127.0.0.1:${ports[at]}@${busPorts[at]} ${flags} ${of} 0 0 ${epoch} connected ${slots}`.trim();
  };
  const start = (port: number, at: number): Promise<RedisNode> => {
    const own = join(dir, String(port));
    mkdirSync(own);
    const known = ports.map((_, other) => lineOf(other, at));
    writeFileSync(join(own, 'nodes.conf'), `${known.join('\n')}\nvars currentEpoch 3 lastVoteEpoch 0\n`);
    const settings = [
      ...serverSettings,
      'cluster-enabled yes',
      'cluster-config-file nodes.conf',
      `cluster-port ${busPorts[at]}`,
      `cluster-node-timeout ${nodeTimeoutMs}`,
      'cluster-replica-validity-factor 0',
      `cluster-require-full-coverage ${needsAllSlots ? 'yes' : 'no'}`,
      ...(isTls ? ['tls-cluster yes'] : []),
    ];
    return startNode({ port, dir: own, settings, isTls });
  };
  const nodes = await Promise.all(ports.map(start));
  await until(
    async () => {
      const infos = await Promise.all(nodes.map((node) => node.cli('CLUSTER', 'INFO')));
      const replications = await Promise.all(
        nodes.slice(slotRanges.length).map((node) => node.cli('INFO', 'replication')),
      );
      return (
        infos.every((info) => info.includes('cluster_state:ok')) &&
        replications.every((info) => info.includes('master_link_status:up'))
      );
    },
    { what: () => `a Cluster\n${nodes.map((node) => node.log().slice(-500)).join('\n')}`, everyMs: 50 },
  );

  return {
    settings: {
      url: null,
      cluster: nodes.map(({ port }) => ({ host: '127.0.0.1', port })),
      ...bridgeLogin,
      ...(isTls ? { isTls, ca: testCertificate().ca } : {}),
    },
    nodes,
    async primaryOf(key, askedOf = nodes[0]) {
      if (askedOf === undefined) throw new Error('no node');
      const slot = Number(await askedOf.cli('CLUSTER', 'KEYSLOT', key));
      const lines = (await askedOf.cli('CLUSTER', 'NODES')).split('\n');
      const serving = lines.find((line) =>
        line
          .split(' ')
          .slice(8)
          .some((range) => isWithin(slot, range)),
      );
      const found = nodes.find(({ address }) => serving?.includes(`${address}@`));
      if (!found) throw new Error(`nobody serves slot ${slot}`);
      return found;
    },
    async dispose() {
      await Promise.all(nodes.map((node) => node.kill9()));
      removeTempDir(dir);
    },
  };
}

function isWithin(slot: number, range: string): boolean {
  const [from = NaN, to = from] = range.split('-').map(Number);
  return slot >= from && slot <= to;
}
