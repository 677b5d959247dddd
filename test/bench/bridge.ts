/**
 * The bridge under load on one real XMPP server: through it as fast as it goes with one, a hundred and ten thousand
 * lanes each way, with the append-only file synced every second and always; latency at a fixed rate; CPU of everybody;
 * memory. Beside it, in the same run: two bare components, plain BullMQ, plain streams.
 */
import type { XmppServer } from '../support/servers';
import { pace, saturate, type Latency } from './load/load';
import { waitingBytes } from './memory';
import { bareComponents, plainBullmq, plainStream, type BareFigures } from './plain';
import { openScene, type Fsync, type Scene, type Way } from './scene';
import { cpuByRole, rssKib, table, type Cell } from './load/stats';

export interface Load {
  readonly messages: number;
  readonly seconds: number;
  /** where the bridge leaves a profile of each run, readable by Chrome's developer tools; null: nowhere */
  readonly profileDir: string | null;
}

interface Through {
  readonly fsync: Fsync;
  readonly laneCount: number;
  readonly way: Way;
  readonly perSecond: number;
  /** µs per message, by role */
  readonly cpu: ReadonlyMap<string, number>;
}
interface Added {
  readonly name: string;
  readonly bare: Latency;
  readonly toFar: Latency;
  readonly toJabber: Latency;
}
interface Plain {
  readonly bullmq: number;
  readonly stream: number;
}

const ways: readonly Way[] = ['toFar', 'toJabber'];
const laneCounts = [1, 100, 10_000];
const windowCount = 4_000;

/** Measures and prints. Some five minutes; a tenth of the messages takes one. */
export async function measureBridge(server: XmppServer, load: Load): Promise<void> {
  const bare = await bareComponents(server, load.messages, load.seconds);
  for (const fsync of ['everysec', 'always'] as const) {
    const profiling = load.profileDir === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${load.profileDir}`];
    const scene = await openScene(server, fsync, profiling);
    try {
      await measureScene(scene, fsync, bare, server.kind, load);
    } finally {
      await scene.dispose();
    }
  }
}

async function measureScene(
  scene: Scene,
  fsync: Fsync,
  bare: BareFigures,
  kind: XmppServer['kind'],
  load: Load,
): Promise<void> {
  const { redis, bridge } = scene;
  const messages = load.messages;
  const plain: Plain = {
    bullmq: await plainBullmq(redis.url, messages / 5),
    stream: await plainStream(redis.url, messages),
  };
  const rates: Through[] = [];
  for (const laneCount of laneCounts) {
    for (const way of ways) rates.push(await through(scene, fsync, laneCount, way, messages));
  }
  const latencies: Added[] = [];
  for (const laneCount of fsync === 'everysec' ? [100, 10_000] : [100]) {
    for (const perSecond of [100, 1_000]) latencies.push(await added(scene, bare, laneCount, perSecond, load.seconds));
  }
  const heading = `${kind}, append-only file synced ${fsync === 'always' ? 'always' : 'every second'}`;
  printRates(`${heading}: ${messages} messages of 80 bytes`, rates, bare, plain);
  printCpu(`${heading}: CPU µs per message at that rate`, rates);
  printLatencies(`${heading}: latency in ms`, latencies);
  const { idle, linked } = scene.rss;
  console.log(
    `\nRSS of the bridge: ${idle} KiB without links, ${linked} KiB with 100 links online, ${rssKib(bridge.pid)} KiB after the load`,
  );
  if (fsync === 'everysec') {
    const sizes = await waitingBytes(redis, 10_000);
    table(`${heading}: bytes of Redis per waiting message, body 200 bytes`, ['', 'waiting', 'delivered'], sizes);
  }
}

async function through(scene: Scene, fsync: Fsync, laneCount: number, way: Way, messages: number): Promise<Through> {
  const stream = await scene.stream(way, laneCount);
  try {
    await saturate(stream, Math.min(2_000, messages), 500); // warm
    const before = cpuByRole(scene.roles());
    const perSecond = await saturate(stream, messages, windowCount);
    const after = cpuByRole(scene.roles());
    const cpu = new Map(
      [...after].map(([role, seconds]) => [role, ((seconds - (before.get(role) ?? 0)) / messages) * 1e6]),
    );
    return { fsync, laneCount, way, perSecond, cpu };
  } finally {
    stream.close();
  }
}

async function added(
  scene: Scene,
  bare: BareFigures,
  laneCount: number,
  perSecond: number,
  seconds: number,
): Promise<Added> {
  const measure = async (way: Way): Promise<Latency> => {
    const stream = await scene.stream(way, laneCount);
    try {
      return await pace(stream, perSecond, seconds);
    } finally {
      stream.close();
    }
  };
  return {
    name: `${perSecond}/s, ${laneCount.toLocaleString('en')} lanes`,
    bare: perSecond >= 1_000 ? bare.fast : bare.slow,
    toFar: await measure('toFar'),
    toJabber: await measure('toJabber'),
  };
}

const wayName: Readonly<Record<Way, string>> = { toFar: 'Jabber to XIMSS', toJabber: 'XIMSS to Jabber' };

function printRates(title: string, rates: readonly Through[], bare: BareFigures, plain: Plain): void {
  const hundred = (way: Way): number => rates.find((one) => one.way === way && one.laneCount === 100)?.perSecond ?? NaN;
  const ratios = (rate: number): Cell[] => [rate, rate / bare.perSecond, rate / plain.bullmq, rate / plain.stream];
  table(
    title,
    ['messages/s', '', 'of bare components', 'of plain BullMQ', 'of plain streams', 'of 100 lanes'],
    [
      ['two bare components', ...ratios(bare.perSecond), ''],
      ['plain BullMQ, one job per message', ...ratios(plain.bullmq), ''],
      ['plain streams', ...ratios(plain.stream), ''],
      ...rates.map(({ laneCount, way, perSecond }) => [
        `${wayName[way]}, ${laneCount.toLocaleString('en')} lane${laneCount === 1 ? '' : 's'}`,
        ...ratios(perSecond),
        perSecond / hundred(way),
      ]),
    ],
  );
}

function printCpu(title: string, rates: readonly Through[]): void {
  const roles = ['bridge', 'redis', 'server', 'far', 'load'];
  table(
    title,
    ['', 'bridge', 'Redis', 'XMPP server', 'far side', 'load generator', 'all'],
    rates.map(({ laneCount, way, cpu }) => {
      const each = roles.map((role) => cpu.get(role) ?? 0);
      return [`${wayName[way]}, ${laneCount.toLocaleString('en')}`, ...each, each.reduce((sum, one) => sum + one, 0)];
    }),
  );
}

function printLatencies(title: string, latencies: readonly Added[]): void {
  const cells = (bare: number, one: number): Cell[] => [one, one - bare];
  table(
    title,
    ['', 'bare', 'Jabber to XIMSS', 'added', 'XIMSS to Jabber', 'added'],
    latencies.flatMap(({ name, bare, toFar, toJabber }) =>
      (['p50', 'p99'] as const).map((p) => [
        `${p} at ${name}`,
        bare[p],
        ...cells(bare[p], toFar[p]),
        ...cells(bare[p], toJabber[p]),
      ]),
    ),
  );
}
