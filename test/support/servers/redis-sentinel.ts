/**
 * One primary, two replicas and three Sentinels on free ports, ready within a second or two. The primary can be killed,
 * frozen, or cut off from the others while the program under test still reaches it.
 */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { RedisSettings } from '../../../src/store/redis/target';
import { testCertificate } from '../cert';
import { freePorts } from '../ports';
import { makeTempDir, removeTempDir } from '../temp';
import { until } from '../wait';
import { bridgeLogin, cutOff, sentinelLogin, serverSettings, startNode } from './redis-node';
import type { RedisNode } from './redis-node';

const name = 'main';
const sentinelPassword = 'watch';

export interface SentinelOptions {
  readonly isTls?: boolean;
  readonly minReplicasToWrite?: number;
  readonly downAfterMs?: number;
}

export interface RedisSentinel {
  /** how the bridge reaches it */
  readonly settings: RedisSettings & { readonly url: null };
  readonly servers: readonly RedisNode[];
  readonly sentinels: readonly RedisNode[];
  /** the server that the Sentinels call the primary now */
  primary(): Promise<RedisNode>;
  /** Waits until the Sentinels have made another than this one the primary. */
  failedOver(from: RedisNode): Promise<RedisNode>;
  cutOff(node: RedisNode): Promise<void>;
  dispose(): Promise<void>;
}

export async function startRedisSentinel(options: SentinelOptions = {}): Promise<RedisSentinel> {
  const { isTls = false, minReplicasToWrite = 0, downAfterMs = 1_000 } = options;
  const dir = makeTempDir('sentinel');
  const [first = 0, ...ports] = await freePorts(6);
  const replicaPorts = ports.slice(0, 2);
  const sentinelPorts = ports.slice(2);
  const start = (port: number, settings: readonly string[], isSentinel: boolean): Promise<RedisNode> => {
    const own = join(dir, String(port));
    mkdirSync(own);
    return startNode({ port, dir: own, settings, isTls, isSentinel });
  };
  const data = [...serverSettings, `min-replicas-to-write ${minReplicasToWrite}`, 'min-replicas-max-lag 2'];
  const servers = await Promise.all([
    start(first, data, false),
    ...replicaPorts.map((port) => start(port, [...data, `replicaof 127.0.0.1 ${first}`], false)),
  ]);
  await until(async () => (await servers[0]?.cli('WAIT', '2', '10')) === '2', { what: 'both replicas' });

  const idOf = (port: number): string => createHash('sha1').update(String(port)).digest('hex');
  const settingsOf = (port: number): readonly string[] => [
    `sentinel myid ${idOf(port)}`,
    `sentinel monitor ${name} 127.0.0.1 ${first} 2`,
    sentinelLogin(name),
    `sentinel down-after-milliseconds ${name} ${downAfterMs}`,
    `sentinel failover-timeout ${name} 3000`,
    ...replicaPorts.map((replica) => `sentinel known-replica ${name} 127.0.0.1 ${replica}`),
    ...sentinelPorts
      .filter((other) => other !== port)
      .map((other) => `sentinel known-sentinel ${name} 127.0.0.1 ${other} ${idOf(other)}`),
    'sentinel sentinel-user default',
    'sentinel sentinel-pass peers',
    `user watcher on >${sentinelPassword} ~* &* +@all`,
  ];
  const sentinels = await Promise.all(sentinelPorts.map((port) => start(port, settingsOf(port), true)));
  const all = [...servers, ...sentinels];
  await until(
    async () => {
      const answers = await Promise.all(sentinels.map((sentinel) => sentinel.cli('SENTINEL', 'CKQUORUM', name)));
      return answers.every((answer) => answer.startsWith('OK 3 usable'));
    },
    { what: () => `three Sentinels that see each other\n${sentinels.map((sentinel) => sentinel.log()).join('\n')}` },
  );

  async function primary(): Promise<RedisNode> {
    for (const sentinel of sentinels) {
      const answer = await sentinel.cli('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name).catch(() => '');
      const found = servers.find(({ port }) => answer.split('\n')[1] === String(port));
      if (found) return found;
    }
    throw new Error('no Sentinel knows the primary');
  }

  return {
    settings: {
      url: null,
      sentinel: {
        name,
        hosts: sentinels.map(({ port }) => ({ host: '127.0.0.1', port })),
        username: 'watcher',
        password: sentinelPassword,
      },
      ...bridgeLogin,
      ...(isTls ? { isTls, ca: testCertificate().ca } : {}),
    },
    servers,
    sentinels,
    primary,
    failedOver: (from) =>
      until(async () => {
        const now = await primary();
        return now === from ? null : now;
      }),
    cutOff,
    async dispose() {
      await Promise.all(all.map((node) => node.kill9()));
      removeTempDir(dir);
    },
  };
}
