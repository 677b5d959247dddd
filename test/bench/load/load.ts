/**
 * One measured stream of numbered messages between any sender and any receiver: as fast as a bounded window allows, or
 * at a fixed rate. The text carries the machine's clock, so sender and receiver may be different processes.
 */
import { until } from '../../support/wait';
import { machineMs, percentile } from './stats';

export interface Stream {
  /** sends message number `n` with this text; must not wait */
  send(n: number, text: string): void;
  /** how many have arrived so far */
  arrived(): number;
  /** takes the latencies (ms) measured since the last call */
  latencies(): number[] | Promise<number[]>;
  drained?(): Promise<void>;
}

const stamps = /<body>(\d+\.\d+ [^<]*)<\/body>/;
export interface Sink {
  readonly onText: (text: string) => void;
  readonly reading: Pick<Stream, 'arrived' | 'latencies'>;
}

/** Counts our messages among the stanzas of a component, and how old they are. */
export function makeSink(): Sink {
  let count = 0;
  let latencies: number[] = [];
  return {
    onText(text) {
      const found = stamps.exec(text)?.[1];
      if (found === undefined) return;
      count += 1;
      latencies.push(ageOf(found));
    },
    reading: {
      arrived: () => count,
      latencies() {
        const taken = latencies;
        latencies = [];
        return taken;
      },
    },
  };
}

/** Padding makes the body about this long. */
const bodyBytes = 80;

export const body = (n: number): string => `${machineMs().toFixed(3)} ${n} `.padEnd(bodyBytes, '.');
/** ms since the text was made; NaN when it is not one of ours. */
export const ageOf = (text: string): number => machineMs() - Number(text.slice(0, text.indexOf(' ')));

/** A hundred links and as many peers make lanes: which pair message number `n` belongs to, when so many are used. */
export function partiesOf(n: number, laneCount: number): { readonly link: number; readonly peer: number } {
  const lane = n % laneCount;
  return { link: lane % 100, peer: laneCount > 100 ? Math.floor(lane / 100) : lane % 10 };
}

/** Messages per second with at most `window` of them under way. */
export async function saturate(stream: Stream, count: number, window: number): Promise<number> {
  const before = stream.arrived();
  const began = machineMs();
  let sent = 0;
  while (sent < count) {
    const room = Math.min(window - (sent - (stream.arrived() - before)), count - sent);
    for (let i = 0; i < room; i += 1) stream.send((sent += 1), body(sent));
    await (stream.drained?.() ?? Promise.resolve());
    // a full window is not looked at all the time: the processor belongs to what is measured
    await new Promise((resolve) => (room > 0 ? setImmediate(resolve) : setTimeout(resolve, 1)));
    if (machineMs() - began > 120_000) throw new Error(`only ${stream.arrived() - before} of ${sent} arrived in 120 s`);
  }
  await until(() => stream.arrived() - before >= count, { deadlineMs: 60_000, everyMs: 1, what: `${count} messages` });
  const seconds = (machineMs() - began) / 1000;
  await stream.latencies();
  return count / seconds;
}

export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

/** Latency in ms at a fixed rate for some seconds. */
export async function pace(stream: Stream, perSecond: number, seconds: number): Promise<Latency> {
  await stream.latencies();
  const before = stream.arrived();
  const began = machineMs();
  const total = perSecond * seconds;
  let sent = 0;
  while (sent < total) {
    const due = Math.min(total, Math.floor(((machineMs() - began) / 1000) * perSecond));
    while (sent < due) stream.send((sent += 1), body(sent));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await until(() => stream.arrived() - before >= total, { deadlineMs: 30_000, everyMs: 5, what: `${total} messages` });
  const samples = await stream.latencies();
  return { p50: percentile(samples, 50), p99: percentile(samples, 99) };
}
