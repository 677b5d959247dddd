/**
 * Presence of many links with many contacts each, all at once, on one real XMPP server. First the meeting (everybody
 * subscribes to everybody), then two bursts: the bridge is stopped and started (every far session logs in), and all
 * Jabber users go and come back (their server tells and asks every contact). How long until everything is right, with
 * how many stanzas against the fewest possible, what a message waits meanwhile, and what it costs in memory.
 */
import { startBridge, type BridgeProcess } from '../support/bridge-process';
import type { XmppServer } from '../support/servers';
import { pause, until } from '../support/wait';
import { measureWithoutBridge, type BurstWithoutBridge } from './without-bridge';
import { connectJabberUsers, type JabberUsers } from './load/jabber-users';
import { startFar, type Far } from './load/far-process';
import type { Latency } from './load/load';
import { cpuSeconds, machineMs, peakKib, percentile, rssKib } from './load/stats';

const farDomain = 'far.test';
const chatPerSecond = 50;
/** V8 gives memory back after half a minute of quiet; only then memory is compared */
const restMs = 40_000;

export interface PresenceLoad {
  readonly links: number;
  readonly contacts: number;
}
export interface Burst {
  readonly seconds: number;
  readonly bridgeCpuSeconds: number;
  /** messages to users who could be reached, sent while it lasted */
  readonly messages: Latency & { readonly count: number };
  /** presence stanzas to the Jabber side per contact, one is the fewest */
  readonly perContact: number;
  /** presence of users told to the far side, per user */
  readonly perUser: number;
}
export interface PresenceFigures {
  /** the same without a bridge */
  readonly bare: { readonly login: BurstWithoutBridge; readonly jabber: BurstWithoutBridge };
  readonly meeting: Burst;
  readonly rest: Latency;
  readonly login: Burst;
  readonly jabber: Burst;
  readonly rssKib: {
    readonly base: number;
    readonly perLink: number;
    readonly perContact: number;
    readonly afterBursts: number;
    readonly peak: number;
  };
}

export async function measurePresence(server: XmppServer, load: PresenceLoad): Promise<PresenceFigures> {
  const { links, contacts } = load;
  const bare = await measureWithoutBridge(server, load);
  const far = await startFar(farDomain, links, Math.max(contacts, 200));
  const users = await connectJabberUsers(server);
  const bridge = await startBridge({
    xmpp: server,
    ximss: { server: `ximss://127.0.0.1:${far.port}`, domain: farDomain },
    config: { limits: { messagesPerMinute: 1_000_000, requestsPerMinute: 1_000_000 }, log: { level: 'info' } },
    deadlineMs: 60_000,
  });
  try {
    return { bare, ...(await allPhases({ far, users, bridge }, load)) };
  } finally {
    await bridge.dispose();
    await users.close();
    far.stop();
  }
}

interface Scene {
  readonly far: Far;
  readonly users: JabberUsers;
  readonly bridge: BridgeProcess;
}

async function allPhases(scene: Scene, { links, contacts }: PresenceLoad): Promise<Omit<PresenceFigures, 'bare'>> {
  const { far, users, bridge } = scene;
  const wanted = links * contacts;
  const base = await atRest(bridge);

  await bridge.stop();
  const accounts = Array.from({ length: links }, (_, i) => ({
    jid: `u${i}@${users.domain}`,
    account: `u${i}@${farDomain}`,
    password: 'secret',
  }));
  await bridge.start({ accounts });
  await reached(async () => (await far.report()).bound, links, 'sessions');
  const withLinks = await atRest(bridge);

  const isRight = () => reached(users.availableCount, wanted, 'contacts available');
  await bridge.stop();
  await far.befriend(contacts);
  const meeting = await during(scene, wanted, links, () => bridge.start(), isRight);
  await pause(3_000);
  const { messages: rest } = await during(
    scene,
    wanted,
    links,
    () => pause(10_000),
    () => Promise.resolve(),
  );

  await bridge.stop();
  await until(() => users.availableCount() === 0, {
    deadlineMs: 120_000,
    what: () => `all unavailable, ${users.availableCount()} are not`,
  });
  const login = await during(scene, wanted, links, () => bridge.start(), isRight);
  const full = await atRest(bridge);

  await users.arrive();
  await reached(async () => (await far.report()).present, links, 'users present');
  await pause(2_000);
  const jabber = await during(
    scene,
    wanted,
    links,
    async () => {
      await users.leave();
      await users.arrive();
    },
    async () => {
      await reached(users.answeredCount, wanted, 'probes answered');
      await reached(async () => (await far.report()).present, links, 'users present');
    },
  );
  const afterBursts = await atRest(bridge);
  const rss = {
    base,
    perLink: (withLinks - base) / links,
    perContact: (full - withLinks) / wanted,
    afterBursts,
    peak: peakKib(bridge.pid),
  };
  return { meeting, rest, login, jabber, rssKib: rss };
}

/** What happens from `begin` until `end` resolves, with a conversation going on. */
async function during(
  { far, users, bridge }: Scene,
  contacts: number,
  userCount: number,
  begin: () => Promise<void>,
  end: () => Promise<void>,
): Promise<Burst> {
  users.latencies();
  const stanzas = users.stanzaCount();
  const { chatted } = await far.report();
  const arrived = users.messageCount();
  const wasRunning = bridge.isRunning();
  const [cpu, told] = wasRunning ? [cpuSeconds(bridge.pid), await toldFar(bridge)] : [0, 0];
  await far.chat(chatPerSecond);
  const began = machineMs();
  await begin();
  await end();
  const seconds = (machineMs() - began) / 1_000;
  const count = (await far.chat(0)).chatted - chatted;
  await reached(() => users.messageCount() - arrived, count, 'messages');
  const ages = users.latencies();
  return {
    seconds,
    bridgeCpuSeconds: cpuSeconds(bridge.pid) - cpu,
    messages: { count, p50: percentile(ages, 50), p99: percentile(ages, 99) },
    perContact: (users.stanzaCount() - stanzas) / contacts,
    perUser: ((await toldFar(bridge)) - told) / userCount,
  };
}

async function reached(count: () => number | Promise<number>, wanted: number, what: string): Promise<void> {
  let now = 0;
  await until(async () => (now = await count()) >= wanted, {
    deadlineMs: 280_000,
    everyMs: 20,
    what: () => `${wanted} ${what}, there are ${now}`,
  });
}

/** RSS in KiB after a pause in which nothing happens. */
async function atRest(bridge: BridgeProcess): Promise<number> {
  await pause(restMs);
  return rssKib(bridge.pid);
}

/** presenceSet requests so far, by the bridge's own count */
async function toldFar(bridge: BridgeProcess): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${bridge.httpPort}/metrics`)).text();
  return Number(/^bridge_presence_sent_total\{dir="toFar"\} (\d+)/m.exec(text)?.[1] ?? 0);
}
