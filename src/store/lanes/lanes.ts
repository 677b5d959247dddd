/**
 * The lanes: LaneStore on Redis lists. Every change is one script (the .lua files beside this one), so a crash leaves a
 * lane before or after it: each is all or nothing for the other clients and for the append-only file, since Redis
 * replicates a script's effects as one transaction. Under memory pressure (`noeviction`) a step that only grows is
 * refused before its first write; a settlement shrinks first and is always allowed.
 *
 * **Dedupe window.** What is appended is noted in a hash per (span of time, lane); two spans are looked at, so an entry is
 * known for one to two windows and then expires with its hash. Hashes per lane stay small, which Redis stores compactly.
 * Identities are told apart per lane; those that a client made up while online (core/identity.ts) count for some minutes. The note holds the envelope id: the same envelope again (its first answer was lost)
 * is `stored`, another one with the same identity is `repeat`. An own envelope again answers `length` 1, whatever the lane
 * holds, so that a caller who schedules a drain at 1 does so: the first request may be lost with the first answer.
 *
 * **Heads** are not read when this process has just stored them itself (cache.ts). Appends are in append.ts, settlements in
 * settle.ts.
 */
import type { LaneStore, Stored } from '../../bridge/ports';
import type { BareJid } from '../../core/address';
import type { LaneKey } from '../../core/model';
import { fenceOf, numberOf } from '../leases/parts';
import { loadScript } from '../redis/scripts';
import type { Lanes, LeaseName } from '../types';
import { appendScripts, makeAppend, makeSpans } from './append';
import { decode } from './envelope';
import { makeFence } from './fence';
import { drainedRanges, firstOf, lanesOf, pagesOf } from './index-pages';
import type { LaneOptions } from './options';
import { makeSettle, settleScripts } from './settle';

const forget = loadScript(__dirname, 'forget');
export const laneScripts = [...appendScripts, ...settleScripts, forget];

export function makeLanes(options: LaneOptions): LaneStore & Pick<Lanes, 'nonEmpty'> {
  const { client, keys, terms, cache, totals, dedupeWindowMs, liveWindowMs = 300_000, clock } = options;
  const fence = makeFence();
  const spans = makeSpans(dedupeWindowMs, clock.now());
  const windows = [dedupeWindowMs, Math.min(liveWindowMs, dedupeWindowMs)] as const;

  async function head(lane: LaneKey, count: number): Promise<readonly Stored[]> {
    if (count <= 0) return [];
    const known = client.isUp() ? cache.head(lane, count) : null;
    const key = keys.shardOfLane(lane).lane + lane;
    const stored = known ?? (await client.ask((redis) => redis.lrange(key, 0, count - 1))).map(decode);
    fence.note(
      lane,
      stored.map((item) => ('envelope' in item ? item.envelope.id : null)),
    );
    return stored;
  }

  /** Whoever looks through lanes hears of what other processes have added meanwhile. */
  async function* nonEmpty(name?: LeaseName): AsyncIterable<readonly LaneKey[]> {
    await totals.look();
    for (const shard of keys.shards) {
      if (typeof name === 'number' && name !== shard.number) continue;
      for (const range of drainedRanges(name)) yield* pagesOf(client, shard, range);
    }
  }

  async function forgetUser(user: BareJid): Promise<number> {
    const shard = keys.shardOfUser(user);
    let count = 0;
    cache.clear();
    // each page is looked for from the beginning, since those before it are gone
    for (;;) {
      const page = await firstOf(lanesOf(client, shard, user));
      if (page.length === 0) return count;
      const [fenceKey, term] = fenceOf(terms, shard, shard.number);
      const lanes = page.map((lane) => shard.lane + lane);
      const answer = await client.run(forget, [fenceKey, shard.lanes, shard.total, ...lanes], [term, shard.nameAt]);
      count += numberOf(terms, shard.number, term, answer);
      for (const lane of page) cache.forget(lane);
    }
  }

  return {
    append: makeAppend({ ...options, spans, windows }),
    head,
    settle: makeSettle({ ...options, fence, spans, windows }),
    nonEmpty,
    forget: forgetUser,
  };
}
