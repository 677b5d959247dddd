/**
 * Where Redis is: one server, the primary that Sentinels name, or a Redis Cluster. Texts and options only, nothing is
 * connected here. The name is for people and carries no secret.
 */
import type { RedisOptions } from 'ioredis';
import { Fault } from '../../core/fault';

/** What the configuration says of Redis; one of url, sentinel and cluster is given. */
export interface RedisSettings {
  /** `redis://…`, `rediss://…`, `unix://PATH` or an absolute socket path */
  readonly url: string | null;
  readonly sentinel?: SentinelSettings | null;
  /** some nodes of a Redis Cluster */
  readonly cluster?: readonly HostPort[] | null;
  /** of the Redis servers behind Sentinel or of the Cluster; with a URL they stand in it */
  readonly username?: string | null;
  readonly password?: string | null;
  /** TLS to every server and Sentinel; with a URL its scheme says so */
  readonly isTls?: boolean;
  /** more authorities to trust, PEM */
  readonly ca?: string | null;
  /** replicas that must have what was accepted before it counts; 0: none */
  readonly waitReplicas?: number;
}

export interface SentinelSettings {
  /** the name under which the Sentinels watch the primary */
  readonly name: string;
  readonly hosts: readonly HostPort[];
  /** of the Sentinels themselves */
  readonly username?: string | null;
  readonly password?: string | null;
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Where Redis is: what ioredis needs to know, and a name without secrets for people. */
export type Target =
  | { readonly kind: 'single'; readonly name: string; readonly options: RedisOptions }
  | { readonly kind: 'sentinel'; readonly name: string; readonly options: RedisOptions }
  | {
      readonly kind: 'cluster';
      readonly name: string;
      readonly nodes: readonly HostPort[];
      /** of the connection to each node */
      readonly options: RedisOptions;
    };

const redisPort = 6379;

/** The target of the settings. Throws Fault `store-away` when an address cannot be read, or nothing is given. */
export function targetOf(settings: RedisSettings): Target {
  const { url, sentinel, cluster } = settings;
  if (sentinel) return sentinelTarget(sentinel, settings);
  if (cluster) return clusterTarget(cluster, settings);
  return urlTarget(url ?? '', settings.ca ?? null);
}

/** The key of the configuration that says where this Redis is. */
export const keyOf = ({ kind }: Target): string => (kind === 'single' ? 'redis.url' : `redis.${kind}`);

function sentinelTarget({ name, hosts, username, password }: SentinelSettings, settings: RedisSettings): Target {
  const { tls } = tlsOptions(settings);
  return {
    kind: 'sentinel',
    name: `Sentinel ${name} (${hosts.map(addressOf).join(', ')})`,
    options: {
      name,
      sentinels: hosts.map(({ host, port }) => ({ host, port })),
      ...credentials(settings),
      ...(username ? { sentinelUsername: username } : {}),
      ...(password ? { sentinelPassword: password } : {}),
      ...(tls === undefined ? {} : { tls, sentinelTLS: tls, enableTLSForSentinelMode: true }),
    },
  };
}

function clusterTarget(nodes: readonly HostPort[], settings: RedisSettings): Target {
  return {
    kind: 'cluster',
    name: `Redis Cluster (${nodes.map(addressOf).join(', ')})`,
    nodes,
    options: { ...credentials(settings), ...tlsOptions(settings) },
  };
}

function urlTarget(url: string, ca: string | null): Target {
  const path = url.startsWith('unix://') ? url.slice('unix://'.length) : url;
  if (path.startsWith('/')) return { kind: 'single', options: { path }, name: path };
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !['redis:', 'rediss:'].includes(parsed.protocol)) {
    throw new Fault('store-away', { text: 'The Redis URL must be redis://, rediss://, unix:///PATH or /PATH.' });
  }
  const host = parsed.hostname === '' ? '127.0.0.1' : parsed.hostname.replace(/^\[|\]$/g, '');
  const port = parsed.port === '' ? redisPort : Number(parsed.port);
  const isTls = parsed.protocol === 'rediss:';
  const options: RedisOptions = {
    host,
    port,
    ...credentials({
      username: decodeURIComponent(parsed.username),
      password: decodeURIComponent(parsed.password),
    }),
    ...(/^\/\d+$/.test(parsed.pathname) ? { db: Number(parsed.pathname.slice(1)) } : {}),
    ...(isTls ? { tls: { servername: host, ...(ca === null ? {} : { ca }) } } : {}),
  };
  return { kind: 'single', options, name: `${parsed.protocol}//${host}:${port}` };
}

function credentials({ username, password }: Pick<RedisSettings, 'username' | 'password'>): RedisOptions {
  return { ...(username ? { username } : {}), ...(password ? { password } : {}) };
}

function tlsOptions({ isTls = false, ca = null }: RedisSettings): Pick<RedisOptions, 'tls'> {
  return isTls ? { tls: ca === null ? {} : { ca } } : {};
}

/** `host:port`, an IPv6 address in brackets. Never throws. */
export const addressOf = ({ host, port }: HostPort): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;
