/**
 * The bridge under load, on one real XMPP server: saturation, latency at a fixed rate, CPU per message and memory per
 * link, each beside the raw ceiling of the same run (two bare components of the same server).
 */
import { startBridge } from '../support/bridge-process';
import { connectComponent, type RawComponent } from '../support/raw-component';
import type { XmppServer } from '../support/servers';
import { until } from '../support/wait';
import { startFar, type Far } from './far-process';
import { ageOf, pace, saturate, type Latency, type Stream } from './load';
import { cpuSeconds, rssKib } from './stats';

const farDomain = 'far.test';

export interface BridgeFigures {
  readonly ceiling: { readonly perSecond: number; readonly latency: Latency };
  readonly toFar: Direction;
  readonly toJabber: Direction;
  readonly rssKib: { readonly idle: number; readonly perLink: number; readonly after: number };
}
interface Direction {
  readonly perSecond: number;
  readonly cpuMicros: number;
  readonly slow: Latency;
  readonly fast: Latency;
}

export interface Load {
  readonly links: number;
  readonly peers: number;
  readonly messages: number;
  readonly seconds: number;
}

/** Component to component through the server, no bridge. */
export async function measureCeiling(
  server: XmppServer,
  { messages, seconds }: Load,
): Promise<BridgeFigures['ceiling']> {
  const sink = { count: 0, latencies: [] as number[] };
  const from = await connectComponent({ server, domain: server.secondComponentDomain, onText: () => undefined });
  const to = await connectComponent({ server, domain: server.componentDomain, onText: (text) => note(sink, text) });
  const stream: Stream = {
    send: (n, text) => from.send(message(`u${n % 100}@${from.domain}/r`, `p${n % 100}@${to.domain}`, n, text)),
    ...reading(sink),
    drained: () => from.drained(),
  };
  const perSecond = await saturate(stream, messages, 2_000);
  const latency = await pace(stream, 1_000, seconds);
  await from.close();
  await to.close();
  return { perSecond, latency };
}

export async function measureBridge(server: XmppServer, load: Load): Promise<BridgeFigures> {
  const ceiling = await measureCeiling(server, load);
  const far = await startFar(farDomain, load.links, load.peers);
  const accounts = Array.from({ length: load.links }, (_, i) => ({
    jid: `u${i}@${server.secondComponentDomain}`,
    account: `u${i}@${farDomain}`,
    password: 'secret',
  }));
  const sink = { count: 0, latencies: [] as number[] };
  const users = await connectComponent({
    server,
    domain: server.secondComponentDomain,
    onText: (text) => note(sink, text),
  });
  const bridge = await startBridge({
    xmpp: server,
    ximss: { server: `ximss://127.0.0.1:${far.port}`, domain: farDomain },
    config: { limits: { messagesPerMinute: 1_000_000 }, log: { level: 'info' } },
    deadlineMs: 60_000,
  });
  try {
    const idle = rssKib(bridge.pid);
    await bridge.stop();
    await bridge.start({ accounts });
    await until(async () => (await far.report()).bound >= load.links, {
      deadlineMs: 120_000,
      everyMs: 200,
      what: 'all sessions',
    });
    const perLink = (rssKib(bridge.pid) - idle) / load.links;
    const toFar = await measure(bridge.pid, await jabberToFar(users, far, server, load), load);
    const toJabber = await measure(bridge.pid, farToJabber(far, sink), load);
    return { ceiling, toFar, toJabber, rssKib: { idle, perLink, after: rssKib(bridge.pid) } };
  } finally {
    await bridge.dispose();
    await users.close();
    far.stop();
  }
}

async function measure(
  pid: number,
  stream: Stream & { poll?: () => void },
  { messages, seconds }: Load,
): Promise<Direction> {
  await saturate(stream, Math.min(2_000, messages), 500); // warm
  const cpu = cpuSeconds(pid);
  const perSecond = await saturate(stream, messages, 4_000);
  const cpuMicros = ((cpuSeconds(pid) - cpu) / messages) * 1e6;
  const slow = await pace(stream, 100, seconds);
  const fast = await pace(stream, 1_000, seconds);
  stream.poll?.();
  return { perSecond, cpuMicros, slow, fast };
}

const stamps = /<body>(\d+\.\d+ [^<]*)<\/body>/;
function note(sink: { count: number; latencies: number[] }, text: string): void {
  const found = stamps.exec(text)?.[1];
  if (found === undefined) return;
  sink.count += 1;
  sink.latencies.push(ageOf(found));
}
const reading = (sink: { count: number; latencies: number[] }) => ({
  arrived: () => sink.count,
  latencies: () => sink.latencies.splice(0),
});

const message = (from: string, to: string, n: number, text: string): string =>
  `<message from="${from}" to="${to}" type="chat" id="b${n}"><body>${text}</body></message>`;

/** The far side is another process: its count is asked for all the time. */
async function jabberToFar(
  users: RawComponent,
  far: Far,
  server: XmppServer,
  { links, peers }: Load,
): Promise<Stream & { poll: () => void }> {
  let count = (await far.report()).arrived;
  let latencies: number[] = [];
  let isOver = false;
  const ask = async (): Promise<void> => {
    while (!isOver) {
      const report = await far.report();
      count = report.arrived;
      latencies = latencies.concat(report.latencies);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  void ask();
  return {
    send: (n, text) =>
      users.send(message(`u${n % links}@${users.domain}/r`, `p${n % peers}@${server.componentDomain}`, n, text)),
    arrived: () => count,
    latencies: () => latencies.splice(0),
    drained: () => users.drained(),
    poll: () => void (isOver = true),
  };
}

function farToJabber(far: Far, sink: { count: number; latencies: number[] }): Stream {
  let pending = 0;
  let from = 0;
  return {
    // orders are gathered per turn: one IPC message for many sends
    send: () => {
      if (pending === 0) {
        setImmediate(() => {
          far.send(pending, from);
          from += pending;
          pending = 0;
        });
      }
      pending += 1;
    },
    ...reading(sink),
  };
}
