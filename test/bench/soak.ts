/** A thousand messages per second both ways for some minutes: does the bridge grow, and does it become slower? */
import type { XmppServer } from '../support/servers';
import { pace, type Latency } from './load/load';
import { openScene, type Scene } from './scene';
import { cpuSeconds, rssKib, table } from './load/stats';

const perSecond = 1_000;
const laneCount = 100;

interface Minute {
  readonly rssKib: number;
  readonly cpuPercent: number;
  readonly toFar: Latency;
  readonly toJabber: Latency;
}

/** Measures and prints; the first minute is not judged. */
export async function measureSoak(server: XmppServer, minutes: number): Promise<void> {
  const scene = await openScene(server, 'everysec');
  try {
    const all: Minute[] = [];
    for (let i = 0; i < minutes; i += 1) {
      const one = await minute(scene);
      all.push(one);
      console.log(`minute ${i + 1}: RSS ${one.rssKib} KiB, CPU ${one.cpuPercent.toFixed(1)} %`);
    }
    const judged = all.slice(1);
    table(
      `${server.kind}: ${perSecond} messages per second each way, ${laneCount} lanes, ${minutes} minutes`,
      ['minute', 'RSS KiB', 'CPU %', 'p50 to XIMSS', 'p99', 'p50 to Jabber', 'p99'],
      all.map((one, i) => [
        String(i + 1),
        one.rssKib,
        one.cpuPercent,
        one.toFar.p50,
        one.toFar.p99,
        one.toJabber.p50,
        one.toJabber.p99,
      ]),
    );
    console.log(`\nRSS after the first minute: ${slope(judged.map((one) => one.rssKib)).toFixed(0)} KiB per minute`);
  } finally {
    await scene.dispose();
  }
}

async function minute(scene: Scene): Promise<Minute> {
  const { pid } = scene.bridge;
  const before = cpuSeconds(pid);
  const streams = await Promise.all([scene.stream('toFar', laneCount), scene.stream('toJabber', laneCount)]);
  try {
    const [toFar, toJabber] = await Promise.all([pace(streams[0], perSecond, 60), pace(streams[1], perSecond, 60)]);
    return { rssKib: rssKib(pid), cpuPercent: ((cpuSeconds(pid) - before) / 60) * 100, toFar, toJabber };
  } finally {
    for (const stream of streams) stream.close();
  }
}

/** Of the straight line through values at 0, 1, 2, ... (least squares); NaN for fewer than two. */
function slope(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, one) => sum + one, 0) / values.length;
  const above = values.reduce((sum, one, i) => sum + (i - middle) * (one - mean), 0);
  const below = values.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
  return above / below;
}
