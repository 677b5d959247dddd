/**
 * Appends: one call of the script for all shards of a batch (leases/parts.ts), entries of a lane in order. The dedupe window
 * counts in spans of Redis' own time; the keys of a window name the span, so a call that names the wrong one is not done,
 * is told the right one, and is repeated.
 */
import type { Append, AppendResult } from '../../bridge/ports';
import { Fault, toFault } from '../../core/fault';
import { LostLease } from '../leases/terms';
import type { ShardKeys } from '../redis/keys';
import { runParts } from '../leases/parts';
import { loadScript } from '../redis/scripts';
import type { LeaseName } from '../types';
import { groupAppends, resultOf, type Groups } from './groups';
import type { LaneOptions } from './options';

const script = loadScript(__dirname, 'append');
export const appendScripts = [script];

/** appends per script call: the script runs alone, others wait that long */
const batchMax = 1_000;
/** how often a call is repeated because a span of time has ended meanwhile */
const spanTries = 5;

/** Entries of one shard that are appended under one lease. */
interface Share {
  readonly shard: ShardKeys;
  readonly under: LeaseName;
  readonly places: number[];
}

/** The spans of time that the dedupe window counts in. */
export interface Spans {
  /** The span of now, as far as is known. */
  now(): number;
  /** The right span, when an answer says that another was meant; null: the answer says something else. */
  told(answer: unknown): number | null;
}

export function makeSpans(windowMs: number, nowMs: number): Spans {
  let span = Math.floor(nowMs / windowMs);
  return {
    now: () => span,
    told(answer) {
      const right = typeof answer === 'string' ? /^SPAN (\d+)$/.exec(answer)?.[1] : undefined;
      if (right === undefined) return null;
      return (span = Number(right));
    },
  };
}

export type AppendOptions = Pick<
  LaneOptions,
  'client' | 'keys' | 'terms' | 'cache' | 'totals' | 'laneMax' | 'totalMax'
> & {
  readonly spans: Spans;
  /** of the dedupe window: ms, ms for identities that a client made up */
  readonly windows: readonly [number, number];
};

/** Resolves with a result for each entry. Rejects when some of them may not be stored: repeating the same entries is safe. */
export function makeAppend(options: AppendOptions): (entries: readonly Append[]) => Promise<readonly AppendResult[]> {
  const { keys, cache, totals, laneMax, totalMax, spans, windows } = options;

  function sharesOf(entries: readonly Append[]): readonly Share[] {
    const shares = new Map<string, Share>();
    for (const [place, { lane, by }] of entries.entries()) {
      const shard = keys.shardOfLane(lane);
      const under = by ?? shard.number;
      const name = `${shard.number} ${under}`;
      const known = shares.get(name);
      if (known) known.places.push(place);
      else shares.set(name, { shard, under, places: [place] });
    }
    return [...shares.values()];
  }

  /** One call; the shares whose span was wrong are called again. Puts results into their places. */
  async function call(entries: readonly Append[], shares: readonly Share[], results: AppendResult[]): Promise<void> {
    let wanted = shares;
    const faults: Fault[] = [];
    for (let tries = 0; wanted.length > 0; tries += 1) {
      if (tries === spanTries) throw new Fault('store-away', { cause: 'the spans of the dedupe window disagree' });
      const grouped = wanted.map(({ shard, places }) => groupAppends(entries, places, shard, spans.now()));
      const parts = wanted.map(({ shard, under }, i) => {
        const { keys: groupKeys = [], args = [] } = grouped[i] ?? {};
        const room = totals.roomOf(shard, totalMax);
        const head = [shard.nameAt, spans.now(), room === Infinity ? 'inf' : room];
        return { shard, under, keys: [shard.lanes, shard.total, ...groupKeys], args: [...head, ...args] };
      });
      const answers = await runParts(options, script, [...windows, laneMax], parts, { isReplicated: true });
      const again: Share[] = [];
      for (const [i, share] of wanted.entries()) {
        const groups = grouped[i];
        const answer = answers[i];
        if (spans.told(answer) !== null) again.push(share);
        else if (answer instanceof Fault && answer.cause instanceof LostLease)
          for (const place of share.places) results[place] = { outcome: 'stale' };
        else if (answer instanceof Fault) faults.push(answer);
        else if (groups) read(entries, share, groups, answer, results);
      }
      wanted = again;
    }
    const [fault] = faults;
    if (fault === undefined) return;
    const isUndone = faults.length === shares.length && faults.every((one) => one.isUndone);
    throw isUndone ? fault : new Fault(fault.code, { cause: fault });
  }

  function read(
    entries: readonly Append[],
    { shard }: Share,
    groups: Groups,
    answer: unknown,
    results: AppendResult[],
  ): void {
    const [numbers, sum]: readonly unknown[] = Array.isArray(answer) ? (answer as unknown[]) : []; // any[] otherwise
    if (!Array.isArray(numbers) || numbers.length !== groups.places.length)
      throw new Fault('internal', { cause: 'append script' });
    totals.note(shard, sum);
    groups.places.forEach((place, i) => {
      const number: unknown = numbers[i];
      const entry = entries[place];
      results[place] = resultOf(number);
      // a repeat of our own says nothing about the lane, and neither does an append that was refused
      if (entry !== undefined && typeof number === 'number' && number > 0)
        cache.stored(entry.lane, { envelope: entry.envelope }, groups.sizes[i] ?? 0, number);
    });
  }

  /** One round trip; only more than 1000 entries are sent as several, one after the other. */
  return async (entries) => {
    const results: AppendResult[] = [];
    for (let from = 0; from < entries.length; from += batchMax) {
      const batch = entries.slice(from, from + batchMax);
      const answers: AppendResult[] = [];
      const calling = call(batch, sharesOf(batch), answers);
      await (from === 0 ? calling : calling.catch(halfDone));
      results.push(...answers);
    }
    return results;
  };
}

/** The parts before it are stored. */
function halfDone(thrown: unknown): never {
  throw new Fault('store-away', { cause: toFault(thrown) });
}
