/**
 * How many envelopes wait in all shards together, as far as this process knows from the answers to its own writes and from
 * a look now and then; the bound of all lanes is kept with it. Other processes may have added some meanwhile: it is a bound
 * against a full memory, not an exact one. Bounded by the number of shards.
 */
import type { Client } from '../redis/client';
import type { Keys, ShardKeys } from '../redis/keys';

export interface Totals {
  /** A write told the sum of a shard. */
  note(shard: ShardKeys, sum: unknown): void;
  /** How many this shard may hold when all together may hold `max`; infinite while that is far away. */
  roomOf(shard: ShardKeys, max: number): number;
  /** Asks Redis. Rejects `store-away`. */
  look(): Promise<void>;
}

/** The bound is far away: more can be stored than any other process may have added since the last look. */
const farCount = 10_000;
const farShare = 0.1;

export function makeTotals({ client, keys }: { readonly client: Client; readonly keys: Keys }): Totals {
  const sums: number[] = keys.shards.map(() => 0);
  let all = 0;

  function note(shard: ShardKeys, sum: unknown): void {
    if (typeof sum !== 'number') return;
    all += sum - (sums[shard.number] ?? 0);
    sums[shard.number] = sum;
  }

  return {
    note,
    roomOf(shard, max) {
      const left = max - all;
      // then the script need not read the sum
      if (left > farCount && left > max * farShare) return Infinity;
      return left + (sums[shard.number] ?? 0);
    },
    async look() {
      const found = await client.ask((redis) => Promise.all(keys.shards.map((shard) => redis.get(shard.total))));
      keys.shards.forEach((shard, i) => note(shard, Number(found[i] ?? 0)));
    },
  };
}
