/**
 * What was delivered and is held: the XMPP server has confirmed it, and may lose it for some seconds more should it
 * crash. One stream for all lanes of a shard, with one entry for each settlement, which writes it itself (settle.lua);
 * bounded there by count and here by age, on Redis' own clock. It decides nothing: when to put back and when to let go is
 * said by bridge/delivery/hold.ts.
 */
import type { HeldStore } from '../../bridge/ports';
import type { LaneKey } from '../../core/model';
import type { Terms } from '../leases/terms';
import type { Client } from '../redis/client';
import type { Keys, ShardKeys } from '../redis/keys';
import { fenceOf, numberOf } from '../leases/parts';
import type { LaneCache } from './cache';
import { loadScript } from '../redis/scripts';

const restore = loadScript(__dirname, 'restore-held');
export const heldScripts = [restore];

/** settlements per script call: the script runs alone, others wait that long */
const pageCount = 50;

interface HeldOptions {
  readonly client: Client;
  readonly keys: Keys;
  readonly terms: Terms;
  readonly cache: Pick<LaneCache, 'clear'>;
}

export function makeHeld({ client, keys, terms, cache }: HeldOptions): HeldStore {
  /** ms of Redis' clock, so long ago; never below 0 */
  async function timeAgo(ageMs: number): Promise<number> {
    const [seconds, micros] = await client.ask((redis) => redis.time());
    return Math.max(0, Math.floor(Number(seconds) * 1_000 + Number(micros) / 1_000 - ageMs));
  }

  /** Newest page first; resolves with how many envelopes of this shard are back, and notes their lanes. */
  async function restoreShard(shard: ShardKeys, until: number, lanes: Set<LaneKey>): Promise<number> {
    let count = 0;
    for (;;) {
      const page = await client.ask((redis) => redis.xrevrange(shard.held, `${until}`, '-', 'COUNT', pageCount));
      if (page.length === 0) return count;
      const [fenceKey, term] = fenceOf(terms, shard, 'stream');
      const names = page.map(([, fields]) => fields[1] ?? '');
      const answer = await client.run(
        restore,
        [fenceKey, shard.lanes, shard.total, shard.held, ...names.map((name) => shard.lane + name)],
        [term, shard.nameAt, ...page.map(([id]) => id)],
      );
      cache.clear(); // lanes have grown at their fence
      count += numberOf(terms, 'stream', term, answer);
      for (const name of names) lanes.add(name as LaneKey); // written by a settlement from its own lane
      if (page.length < pageCount) return count;
    }
  }

  return {
    async restoreHeld(ageMs) {
      const until = await timeAgo(ageMs);
      const lanes = new Set<LaneKey>();
      let count = 0;
      for (const shard of keys.shards) count += await restoreShard(shard, until, lanes);
      return { lanes: [...lanes], count };
    },
    async dropHeld(ageMs) {
      const oldest = await timeAgo(ageMs);
      const left = await client.ask((redis) =>
        Promise.all(
          keys.shards.map(async ({ held }) => {
            await redis.xtrim(held, 'MINID', '=', oldest);
            return redis.xlen(held);
          }),
        ),
      );
      return left.reduce((sum, count) => sum + count, 0);
    },
  };
}
