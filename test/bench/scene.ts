/**
 * The scene of a load on the bridge: one XMPP server, a Redis with the wanted `appendfsync`, the far side in a process of
 * its own, a component that plays all Jabber users, and the bridge as a process with a hundred links.
 */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBridge, type BridgeOptions, type BridgeProcess } from '../support/bridge-process';
import { connectComponent } from '../support/xmpp/raw-component';
import { startRedis, type RedisOptions, type RedisServer, type XmppServer } from '../support/servers';
import { until } from '../support/wait';
import { startFar, type Far, type FarProcess } from './load/far-process';
import { makeSink, partiesOf, type Stream } from './load/load';
import { message } from './plain';
import { rssKib } from './load/stats';

export type Fsync = NonNullable<RedisOptions['appendfsync']>;
export const farDomain = 'far.test';
export const linkCount = 100;
export const peerCount = 100;
export type Way = 'toFar' | 'toJabber';

export interface Scene {
  readonly redis: RedisServer;
  readonly bridge: BridgeProcess;
  readonly far: FarProcess;
  /** KiB of the bridge: without links, and with all of them online */
  readonly rss: { readonly idle: number; readonly linked: number };
  /** Messages of so many lanes one way; close it after use. */
  stream(way: Way, laneCount: number): Promise<Stream & { close(): void }>;
  /** Sends the messages of so many lanes from the Jabber side; must not wait. */
  sender(laneCount: number): Stream['send'];
  /** What the bridge was started with: for another one on the same Redis. */
  readonly options: BridgeOptions;
  /** The name of each process for `cpuByRole`. */
  roles(): ReadonlyMap<number, string>;
  dispose(): Promise<void>;
}

export const accountsOn = (server: XmppServer) =>
  Array.from({ length: linkCount }, (_, i) => ({
    jid: `u${i}@${server.secondComponentDomain}`,
    account: `u${i}@${farDomain}`,
    password: 'secret',
  }));

/** Resolves when every link is online. `nodeArgs` are for the bridge's node. */
export async function openScene(
  server: XmppServer,
  appendfsync: Fsync,
  nodeArgs: readonly string[] = [],
): Promise<Scene> {
  const undo: (() => unknown)[] = [];
  const dispose = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const redis = await startRedis({ unixsocket: true, appendfsync });
    undo.push(() => redis.dispose());
    const far = await startFar(farDomain, linkCount, peerCount);
    undo.push(() => far.stop());
    const sink = makeSink();
    const domain = server.secondComponentDomain;
    const users = await connectComponent({ server, domain, onText: sink.onText });
    undo.push(() => users.close());
    const secretKeyFile = join(redis.dir, 'secret.key'); // a second bridge must open what the first has sealed
    writeFileSync(secretKeyFile, randomBytes(32).toString('base64'), { mode: 0o600 });
    const options: BridgeOptions = {
      xmpp: server,
      ximss: { server: `ximss://127.0.0.1:${far.port}`, domain: farDomain },
      redis: { url: `unix://${redis.url}` },
      config: {
        limits: { messagesPerMinute: 1_000_000, requestsPerMinute: 1_000_000 },
        log: { level: 'info' },
        secretKeyFile,
      },
      deadlineMs: 60_000,
      nodeArgs,
    };
    const bridge = await startBridge(options);
    undo.push(() => bridge.dispose());
    const idle = rssKib(bridge.pid);
    await bridge.stop();
    await bridge.start({ accounts: accountsOn(server) });
    await allBound(far);
    const sender =
      (laneCount: number): Stream['send'] =>
      (n, text) => {
        const { link, peer } = partiesOf(n, laneCount);
        users.send(message(`u${link}@${domain}/r`, `p${peer}@${server.componentDomain}`, n, text));
      };
    const toFar = async (laneCount: number): Promise<Stream & { close(): void }> => ({
      send: sender(laneCount),
      ...(await asking(far)),
      drained: () => users.drained(),
    });
    const toJabber = (laneCount: number): Stream & { close(): void } => ({
      send: ordering(far, laneCount),
      ...sink.reading,
      close: () => undefined,
    });
    return {
      redis,
      bridge,
      far,
      sender,
      options: { ...options, config: { ...options.config, accounts: accountsOn(server) } },
      rss: { idle, linked: rssKib(bridge.pid) },
      stream: async (way, laneCount) => (way === 'toFar' ? toFar(laneCount) : toJabber(laneCount)),
      roles: () =>
        new Map([
          [bridge.pid, 'bridge'],
          [far.pid, 'far'],
        ]),
      dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

export const allBound = (far: Far): Promise<unknown> =>
  until(async () => (await far.report()).bound >= linkCount, {
    deadlineMs: 120_000,
    everyMs: 100,
    what: 'all sessions',
  });

/** The far side is another process: its count is asked for every few ms until it is closed. */
async function asking(far: Far): Promise<Pick<Stream, 'arrived' | 'latencies'> & { close(): void }> {
  let count = (await far.arrivals()).arrived;
  let latencies: number[] = [];
  let isOver = false;
  const ask = async (): Promise<void> => {
    while (!isOver) {
      const report = await far.arrivals();
      count = report.arrived;
      latencies = latencies.concat(report.latencies);
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
  };
  ask().catch((error: unknown) => console.error(error));
  return {
    arrived: () => count,
    latencies() {
      const taken = latencies;
      latencies = [];
      return taken;
    },
    close: () => void (isOver = true),
  };
}

/** Orders are gathered per turn: one IPC message for many sends. */
function ordering(far: Far, laneCount: number): Stream['send'] {
  let pending = 0;
  let first = 0;
  return (n) => {
    if (pending === 0) {
      first = n;
      setImmediate(() => {
        far.send(pending, first, laneCount);
        pending = 0;
      });
    }
    pending += 1;
  };
}
