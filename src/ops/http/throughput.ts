/**
 * Throughput for the console, from the metrics: running totals and latency buckets per direction. The page makes rates and
 * percentiles of the difference between two readings, so nothing is sampled here by a timer.
 */
import type { Metrics } from '../metrics';
import type { Sample } from '../metrics';

export interface Traffic {
  /** ms on a clock that never jumps */
  readonly atMs: number;
  readonly toFar: Totals;
  readonly toJabber: Totals;
}

export interface Totals {
  readonly accepted: number;
  readonly delivered: number;
  readonly bounced: number;
  readonly refused: number;
  readonly repeats: number;
  /** cumulative: deliveries that took at most so many seconds; the last bound is null, no bound at all */
  readonly latency: readonly (readonly [seconds: number | null, count: number])[];
}

const names = {
  accepted: 'envelopes_accepted_total',
  delivered: 'envelopes_delivered_total',
  bounced: 'envelopes_bounced_total',
  refused: 'envelopes_refused_total',
  repeats: 'repeats_dropped_total',
} as const;

/** The totals since the process began. */
export async function readTraffic({ read }: Pick<Metrics, 'read'>): Promise<Traffic> {
  const [accepted, delivered, bounced, refused, repeats, latency] = await Promise.all([
    ...Object.values(names).map(read),
    read('delivery_seconds'),
  ]);
  const totals = (dir: string): Totals => ({
    accepted: sum(accepted, dir),
    delivered: sum(delivered, dir),
    bounced: sum(bounced, dir),
    refused: sum(refused, dir),
    repeats: sum(repeats, dir),
    latency: (latency ?? [])
      .filter(({ labels }) => labels['dir'] === dir)
      .map(({ labels, value }) => [labels['le'] === '+Inf' ? null : Number(labels['le']), value] as const),
  });
  return { atMs: Math.round(performance.now()), toFar: totals('toFar'), toJabber: totals('toJabber') };
}

function sum(samples: readonly Sample[] = [], dir: string): number {
  return samples.reduce((total, { labels, value }) => (labels['dir'] === dir ? total + value : total), 0);
}
