/**
 * Connections to a target, in two manners. Fail-fast ones are for whoever waits for an answer: no offline queue, nothing
 * sent again later, a deadline on every command, so that a command that was given up is not carried out seconds later by
 * another node. Patient ones are for BullMQ's workers, which wait through outages. Both reconnect for ever.
 *
 * Behind Sentinel every connection listens for a change of the primary (`failoverDetector`): without it, one that is
 * cut off from the others together with the old primary would go on writing to it, and all that is lost.
 * In a Cluster nothing is followed to another node by a fail-fast connection: the map of the slots is read each second.
 */
import { Cluster, Redis } from 'ioredis';
import type { ClusterNode, ClusterOptions, RedisOptions } from 'ioredis';
import type { Clock } from '../../bridge/ports';
import { backoffMs } from '../../core/retry';
import type { Target } from './target';

/** One server (also the primary behind Sentinel), or all primaries of a Cluster. */
export type Connection = Redis | Cluster;

/** a Redis that is back is found within a second, however long it was away; with others to turn to, sooner */
/** a restart of Redis that lasts a second or two is not to be felt */
const reconnect = { baseMs: 100, capMs: 250 };
const failover = { baseMs: 100, capMs: 500 };
/** how long a Sentinel, or a node that is asked for the slots, may take */
const sentinelMs = 500;
const slotsMs = 1_000;
const clusterConnectMs = 1_000;

/** For producers: an answer or a failure, soon. Not connected yet; it has an `error` listener. */
export function failFast(target: Target, clock: Clock, commandTimeoutMs: number): Connection {
  const options: RedisOptions = {
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: commandTimeoutMs,
  };
  if (target.kind === 'cluster')
    return cluster(target, clock, options, { enableOfflineQueue: false, maxRedirections: 0 });
  return listened(new Redis({ ...baseOptions(target, clock), ...options, enableOfflineQueue: false }));
}

/** For BullMQ's workers. Not connected yet; it has an `error` listener. */
export function patient(target: Target, clock: Clock): Connection {
  const options: RedisOptions = { maxRetriesPerRequest: null };
  if (target.kind !== 'cluster') return listened(new Redis({ ...baseOptions(target, clock), ...options }));
  return cluster(target, clock, options, {});
}

/**
 * For messages of others. Not connected yet; it has an `error` listener. Connected again, it has to be told again what to
 * subscribe to: the library does so too, but lets the failure of that go unhandled, which would end the process.
 */
export function subscribing(target: Target, clock: Clock): Connection {
  const options: RedisOptions = { maxRetriesPerRequest: null, autoResubscribe: false };
  if (target.kind === 'cluster') return patient(target, clock); // its subscriber handles that
  return listened(new Redis({ ...baseOptions(target, clock), ...options }));
}

/** The connections to each primary: one, or all that a Cluster is known to have now. */
export const primariesOf = (connection: Connection): readonly Redis[] =>
  connection instanceof Cluster ? connection.nodes('master') : [connection];

/** What all connections to one server share: reconnect for ever, exponential with full jitter; leave a replica that was a primary. */
export function baseOptions(target: Target, clock: Clock): RedisOptions {
  const isSentinel = target.kind === 'sentinel';
  const retry = (times: number): number => backoffMs(times, clock.dice(), isSentinel ? failover : reconnect);
  return {
    ...target.options,
    connectTimeout: isSentinel ? 1_000 : 5_000,
    keepAlive: 10_000,
    retryStrategy: retry,
    disableClientInfo: true, // its answer would take the place of a refusal (protected mode)
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    lazyConnect: true,
    ...(isSentinel
      ? {
          failoverDetector: true,
          disconnectTimeout: 200,
          sentinelCommandTimeout: sentinelMs,
          sentinelRetryStrategy: retry,
          sentinelReconnectStrategy: retry,
        }
      : {}),
  };
}

function cluster(
  target: Extract<Target, { kind: 'cluster' }>,
  clock: Clock,
  ofNode: RedisOptions,
  options: ClusterOptions,
): Cluster {
  const connection = new EndingCluster(
    target.nodes.map((node) => ({ ...node })),
    {
      lazyConnect: true,
      slotsRefreshInterval: slotsMs,
      slotsRefreshTimeout: slotsMs,
      clusterRetryStrategy: (times) => backoffMs(times, clock.dice(), failover),
      dnsLookup: (address, callback) => callback(null, address), // names stay names: certificates are made out to them
      ...options,
      redisOptions: {
        ...target.options,
        ...ofNode,
        connectTimeout: clusterConnectMs,
        keepAlive: 10_000,
        disconnectTimeout: 200,
      },
    },
  );
  return listened(connection);
}

/**
 * A Cluster that ends: ioredis (5.11) goes on with its timer for the slots for ever when it is disconnected while it reads
 * them. Duplicates, which BullMQ makes, end too.
 */
class EndingCluster extends Cluster {
  private hasEnded = false;

  constructor(
    private readonly nodesGiven: readonly ClusterNode[],
    options: ClusterOptions,
  ) {
    super([...nodesGiven], options);
  }

  override connect(): Promise<void> {
    this.hasEnded = false;
    return super.connect();
  }

  override disconnect(reconnect = false): void {
    this.hasEnded = !reconnect;
    super.disconnect(reconnect);
  }

  override quit(): Promise<'OK'> {
    this.hasEnded = true;
    return super.quit();
  }

  /** The timer goes on when it is called back. */
  override refreshSlotsCache(callback?: (error?: Error | null) => void): void {
    if (!this.hasEnded) super.refreshSlotsCache(callback);
  }

  override duplicate(nodes: ClusterNode[] = [], options: ClusterOptions = {}): Cluster {
    return listened(new EndingCluster(nodes.length > 0 ? nodes : this.nodesGiven, { ...this.options, ...options }));
  }
}

/** Errors are told by the commands that fail and by `close`; without a listener Node would write each to the console. */
function listened<T extends Connection>(connection: T): T {
  connection.on('error', () => undefined);
  return connection;
}
