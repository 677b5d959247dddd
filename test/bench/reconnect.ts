/**
 * How soon everything is back after something was away: `npx tsx test/bench/reconnect.ts [LINKS …] [--server
 * prosody|ejabberd] [--binding tcp|http] [--away SECONDS]`. The XIMSS test server takes 100 logins a second. Prints seconds from the return of the
 * XIMSS server to the first and to the last session, how long messages take meanwhile to links that are up, and the same for
 * ten dropped connections, the XMPP server and Redis.
 */
import { parseArgs } from 'node:util';
import { startBridge } from '../support/bridge-process';
import { connectComponent } from '../support/xmpp/raw-component';
import { startEjabberd, startProsody, startRedis, type XmppServer } from '../support/servers';
import { pause, until } from '../support/wait';
import { startXimssServer } from '../support/ximss-server/server';
import { machineMs, percentile, table, type Cell } from './load/stats';

const domain = 'far.test';
const peerCount = 10;
const messagesPerSecond = 100;
const dropCount = 10;
const patience = { deadlineMs: 180_000, everyMs: 5 };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    server: { type: 'string', default: 'prosody' },
    binding: { type: 'string', default: 'tcp' },
    away: { type: 'string', default: '5' },
  },
});
const isHttp = values.binding === 'http';
const awayMs = Number(values.away) * 1_000;

interface Scene {
  readonly linkCount: number;
  readonly ximss: Awaited<ReturnType<typeof startXimssServer>>;
  readonly redis: Awaited<ReturnType<typeof startRedis>>;
  /** how often the bridge has logged this */
  logged(message: string): number;
  bound(): readonly string[];
  /** ages in ms of the messages that arrived since the last call */
  ages(): readonly number[];
  dispose(): Promise<void>;
}

async function openScene(xmpp: XmppServer, linkCount: number): Promise<Scene> {
  const names = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}@${domain}`);
  const accounts = [...names('u', linkCount), ...names('p', peerCount)];
  const ximss = await startXimssServer({
    domains: [domain],
    accounts: accounts.map((account) => ({ account, password: 'secret' })),
    loginsPerSecond: 100,
    logCount: 0,
  });
  const redis = await startRedis({ appendfsync: 'everysec' });
  let ages: number[] = [];
  const jabberUsers = async () =>
    connectComponent({
      server: xmpp,
      domain: xmpp.secondComponentDomain,
      onText(text) {
        const said = /<body>at ([\d.]+)<\/body>/.exec(text)?.[1];
        if (said !== undefined) ages.push(machineMs() - Number(said));
      },
    });
  const users = await jabberUsers();
  const counts = new Map<string, number>();
  const bridge = await startBridge({
    xmpp,
    redis,
    ximss: {
      server: isHttp ? `http://127.0.0.1:${ximss.httpPort}` : `ximss://127.0.0.1:${ximss.tcpPort}`,
      domain,
    },
    onLog: ({ msg }) => void counts.set(String(msg), (counts.get(String(msg)) ?? 0) + 1),
    config: {
      accounts: names('u', linkCount).map((account, i) => ({
        jid: `u${i}@${xmpp.secondComponentDomain}`,
        account,
        password: 'secret',
      })),
      limits: { messagesPerMinute: 1_000_000, requestsPerMinute: 1_000_000 },
      log: { level: 'info' },
    },
    deadlineMs: 60_000,
  });
  const peers = names('p', peerCount).map((name) => ximss.client(name));
  const bound = (): readonly string[] =>
    ximss
      .sessions()
      .filter((one) => one.isBound && one.transport !== 'inside')
      .map((one) => one.account);
  let sentCount = 0;
  const chat = setInterval(() => {
    const reachable = bound();
    const to = reachable[Math.floor(Math.random() * reachable.length)];
    if (to !== undefined) peers[(sentCount += 1) % peerCount]?.sendIM(to, `at ${machineMs()}`);
  }, 1_000 / messagesPerSecond);
  await until(() => bound().length >= linkCount, patience);
  return {
    linkCount,
    ximss,
    redis,
    logged: (message) => counts.get(message) ?? 0,
    bound,
    ages() {
      const all = ages;
      ages = [];
      return all;
    },
    async dispose() {
      clearInterval(chat);
      await bridge.dispose();
      users.kill();
      await redis.dispose();
      await ximss.stop();
    },
  };
}

/** Seconds until it holds. */
async function secondsUntil(holds: () => boolean): Promise<number> {
  const from = machineMs();
  await until(holds, patience);
  return (machineMs() - from) / 1_000;
}

async function afterXimss(scene: Scene): Promise<readonly (readonly Cell[])[]> {
  await scene.ximss.stop();
  await pause(awayMs);
  scene.ages();
  await scene.ximss.start();
  const first = await secondsUntil(() => scene.bound().length > 0);
  const all = first + (await secondsUntil(() => scene.bound().length >= scene.linkCount));
  await pause(500);
  const ages = scene.ages();
  return [
    ['until the first session is back, s', first],
    ['until all are back, s', all],
    ['messages meanwhile to links that are up, p50 ms', percentile(ages, 50)],
    ['p99 ms', percentile(ages, 99)],
  ];
}

/** Connections of one link cut one after the other. */
async function afterDrops(scene: Scene): Promise<readonly (readonly Cell[])[]> {
  const seconds: number[] = [];
  for (let i = 0; i < dropCount; i += 1) {
    const before = scene.logged('session is online');
    if (isHttp) scene.ximss.bye(`u0@${domain}`);
    else scene.ximss.dropAll();
    seconds.push(await secondsUntil(() => scene.logged('session is online') > before && scene.bound().length > 0));
  }
  return [['a dropped connection, the slowest of ten in a row, s', Math.max(...seconds)]];
}

async function afterServers(scene: Scene, xmpp: XmppServer): Promise<readonly (readonly Cell[])[]> {
  const streams = scene.logged('component stream up');
  await xmpp.kill9();
  await pause(awayMs);
  await xmpp.start();
  const stream = await secondsUntil(() => scene.logged('component stream up') > streams);
  const stores = scene.logged('redis is up');
  await scene.redis.kill9();
  await pause(awayMs);
  await scene.redis.start();
  const redis = await secondsUntil(() => scene.logged('redis is up') > stores);
  return [
    ['until the stream to the XMPP server is back, s', stream],
    ['until Redis is used again, s', redis],
  ];
}

async function main(): Promise<void> {
  const counts = positionals.length > 0 ? positionals.map(Number) : [1, 20, 500];
  for (const linkCount of counts) {
    const xmpp = await (values.server === 'ejabberd' ? startEjabberd : startProsody)();
    const scene = await openScene(xmpp, linkCount);
    const rows = [...(await afterXimss(scene))];
    if (linkCount === 1) rows.push(...(await afterDrops(scene)), ...(await afterServers(scene, xmpp)));
    await scene.dispose();
    await xmpp.dispose();
    table(
      `${values.server}, XIMSS over ${values.binding}, ${linkCount} links, away for ${values.away} s`,
      ['', ''],
      rows,
    );
  }
}

void main().then(
  () => process.exit(0),
  (thrown: unknown) => {
    console.error(thrown);
    process.exit(1);
  },
);
