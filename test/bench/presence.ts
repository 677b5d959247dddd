/**
 * The morning: many links with many contacts each, all at once, on one real XMPP server. First the meeting (everybody
 * subscribes to everybody), then two storms: the bridge is stopped and started (every far session logs in), and all
 * Jabber users go and come back (their server tells and asks every contact). How long until everything is right, with
 * how many stanzas against the fewest possible, what a message waits meanwhile, and what it costs in memory.
 */
import { startBridge, type BridgeProcess } from '../support/bridge-process';
import type { XmppServer } from '../support/servers';
import { pause, until } from '../support/wait';
import { measureBare, type BareStorm } from './barestorm';
import { gather, type Crowd } from './crowd';
import { startFar, type Far } from './far-process';
import type { Latency } from './load';
import { cpuSeconds, machineMs, peakKib, percentile, rssKib } from './stats';

const farDomain = 'far.test';
const chatPerSecond = 50;
/** V8 gives memory back after half a minute of quiet; only then memory is compared */
const restMs = 40_000;

export interface MorningLoad {
  readonly links: number;
  readonly contacts: number;
}
export interface Storm {
  readonly seconds: number;
  readonly bridgeCpuSeconds: number;
  /** messages to users who could be reached, sent while it lasted */
  readonly messages: Latency & { readonly count: number };
  /** presence stanzas to the Jabber side per contact, one is the fewest */
  readonly perContact: number;
  /** presence of users told to the far side, per user */
  readonly perUser: number;
}
export interface MorningFigures {
  /** the same without a bridge */
  readonly bare: { readonly login: BareStorm; readonly jabber: BareStorm };
  readonly meeting: Storm;
  readonly rest: Latency;
  readonly login: Storm;
  readonly jabber: Storm;
  readonly rssKib: {
    readonly base: number;
    readonly perLink: number;
    readonly perContact: number;
    readonly afterStorms: number;
    readonly peak: number;
  };
}

export async function measureMorning(server: XmppServer, load: MorningLoad): Promise<MorningFigures> {
  const { links, contacts } = load;
  const bare = await measureBare(server, load);
  const far = await startFar(farDomain, links, Math.max(contacts, 200));
  const crowd = await gather(server);
  const bridge = await startBridge({
    xmpp: server,
    ximss: { server: `ximss://127.0.0.1:${far.port}`, domain: farDomain },
    config: { limits: { messagesPerMinute: 1_000_000 }, log: { level: 'info' } },
    deadlineMs: 60_000,
  });
  try {
    return { bare, ...(await morning({ far, crowd, bridge }, load)) };
  } finally {
    await bridge.dispose();
    await crowd.close();
    far.stop();
  }
}

interface Scene {
  readonly far: Far;
  readonly crowd: Crowd;
  readonly bridge: BridgeProcess;
}

async function morning(scene: Scene, { links, contacts }: MorningLoad): Promise<Omit<MorningFigures, 'bare'>> {
  const { far, crowd, bridge } = scene;
  const wanted = links * contacts;
  const base = await atRest(bridge);

  await bridge.stop();
  const accounts = Array.from({ length: links }, (_, i) => ({
    jid: `u${i}@${crowd.domain}`,
    account: `u${i}@${farDomain}`,
    password: 'secret',
  }));
  await bridge.start({ accounts });
  await reached(async () => (await far.report()).bound, links, 'sessions');
  const withLinks = await atRest(bridge);

  const isRight = () => reached(crowd.availableCount, wanted, 'contacts available');
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
  await until(() => crowd.availableCount() === 0, {
    deadlineMs: 120_000,
    what: () => `all unavailable, ${crowd.availableCount()} are not`,
  });
  const login = await during(scene, wanted, links, () => bridge.start(), isRight);
  const full = await atRest(bridge);

  await crowd.arrive();
  await reached(async () => (await far.report()).present, links, 'users present');
  await pause(2_000);
  const jabber = await during(
    scene,
    wanted,
    links,
    async () => {
      await crowd.leave();
      await crowd.arrive();
    },
    async () => {
      await reached(crowd.answeredCount, wanted, 'probes answered');
      await reached(async () => (await far.report()).present, links, 'users present');
    },
  );
  const afterStorms = await atRest(bridge);
  const rss = {
    base,
    perLink: (withLinks - base) / links,
    perContact: (full - withLinks) / wanted,
    afterStorms,
    peak: peakKib(bridge.pid),
  };
  return { meeting, rest, login, jabber, rssKib: rss };
}

/** What happens from `begin` until `end` resolves, with a conversation going on. */
async function during(
  { far, crowd, bridge }: Scene,
  contacts: number,
  users: number,
  begin: () => Promise<void>,
  end: () => Promise<void>,
): Promise<Storm> {
  crowd.latencies();
  const stanzas = crowd.stanzaCount();
  const { chatted } = await far.report();
  const arrived = crowd.messageCount();
  const wasRunning = bridge.isRunning();
  const [cpu, told] = wasRunning ? [cpuSeconds(bridge.pid), await toldFar(bridge)] : [0, 0];
  await far.chat(chatPerSecond);
  const began = machineMs();
  await begin();
  await end();
  const seconds = (machineMs() - began) / 1_000;
  const count = (await far.chat(0)).chatted - chatted;
  await reached(() => crowd.messageCount() - arrived, count, 'messages');
  const ages = crowd.latencies();
  return {
    seconds,
    bridgeCpuSeconds: cpuSeconds(bridge.pid) - cpu,
    messages: { count, p50: percentile(ages, 50), p99: percentile(ages, 99) },
    perContact: (crowd.stanzaCount() - stanzas) / contacts,
    perUser: ((await toldFar(bridge)) - told) / users,
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
