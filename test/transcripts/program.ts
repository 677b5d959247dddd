/** The real program in this process, configured as a transcript wants it, on any XMPP server and any XIMSS server. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { startApp, type App } from '../../src/app';
import { loadConfig } from '../../src/config';
import { makeLog } from '../../src/ops/log';
import { makeMetrics } from '../../src/ops/metrics';
import { dialectOptions } from '../../src/ximss/protocol/dialect';
import type { RedisServer } from '../support/servers/redis';
import type { Transcript } from './format';
import { ximssDomain } from './ximss-network';
import { bridgeDomain, jabberDomain } from './xmpp-network';

export interface Servers {
  readonly redis: RedisServer;
  /** the component listener, as `xmpp.service` */
  readonly service: string;
  readonly secret: string;
  /** as `ximss.server` */
  readonly server: string;
}

/** Starts it with its files in `dir`; resolves when it is ready. */
export function startProgram(
  { linked, config }: Pick<Transcript, 'linked' | 'config'>,
  dir: string,
  { redis, service, secret, server }: Servers,
): Promise<App> {
  const tree: Record<string, Record<string, unknown>> = {
    xmpp: { service, domain: bridgeDomain, secret, serverDomain: jabberDomain },
    ximss: { server, domain: ximssDomain, starttls: 'never' },
    redis: { url: `unix://${redis.url}` },
    http: { listen: '127.0.0.1:0' },
  };
  for (const [key, value] of Object.entries(config)) {
    const [group = '', name = ''] = key.split('.');
    tree[group] = { ...tree[group], [name]: value };
  }
  const accounts = linked.map((user) => ({
    jid: `${user}@${jabberDomain}`,
    account: `${user}@${ximssDomain}`,
    password: 'secret',
  }));
  const path = join(dir, 'bridge.yaml');
  writeFileSync(path, stringify({ ...tree, accounts, dataDir: dir }));
  const readConfig = () => loadConfig({ path, env: {}, dialect: dialectOptions });
  return startApp(readConfig(), {
    readConfig,
    log: makeLog({ level: 'silent' }),
    metrics: makeMetrics(),
    signal: new AbortController().signal,
  });
}
