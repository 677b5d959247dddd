/**
 * The names of the lanes that hold something, in pages, from the index of a shard. By name, so that lanes that come and go
 * meanwhile disturb nothing. Reads only. Names are given as they lie there: what is damaged is found by whoever reads it.
 */
import type { BareJid } from '../../core/address';
import type { LaneKey } from '../../core/model';
import type { Client } from '../redis/client';
import type { ShardKeys } from '../redis/keys';
import type { LeaseName } from '../types';

const pageCount = 500;

type Range = readonly [from: string | Buffer, to: string | Buffer];

/** All that begins with a text: no UTF-8 text holds the last byte. */
const beginningWith = (text: string): Range => [
  `[${text}`,
  Buffer.concat([Buffer.from(`[${text}`), Buffer.from([0xff])]),
];

/** Where a user's lanes stand in the index, in its order. */
export const rangesOf = (user: BareJid): readonly Range[] =>
  ['toFar', 'toJabber'].map((direction) => beginningWith(`${direction} ${user} `));

const toJabber = beginningWith('toJabber ');

/** Where the lanes of a shard stand that are drained under a lease (leases/parts.ts); all of them without one. */
export function drainedRanges(name?: LeaseName): readonly Range[] {
  if (name === undefined) return [['-', '+']];
  if (name === 'stream') return [toJabber];
  return [
    ['-', '(toJabber '],
    [toJabber[1], '+'],
  ];
}

/** Pages of names between two places of a shard's index; all of it without them. Rejects `store-away`. */
export async function* pagesOf(
  client: Client,
  { lanes }: ShardKeys,
  [begin, end]: Range = ['-', '+'],
  count: number = pageCount,
): AsyncGenerator<readonly LaneKey[], void> {
  let from = begin;
  for (;;) {
    const page = await client.ask((redis) => redis.zrangebylex(lanes, from, end, 'LIMIT', 0, count));
    if (page.length > 0) yield page as LaneKey[]; // whatever is in the index: a damaged key is drained to the dead letters
    if (page.length < count) return;
    from = `(${page.at(-1)}`;
  }
}

/** Pages of the names of a user's lanes. Rejects `store-away`. */
export async function* lanesOf(
  client: Client,
  shard: ShardKeys,
  user: BareJid,
): AsyncGenerator<readonly LaneKey[], void> {
  for (const range of rangesOf(user)) yield* pagesOf(client, shard, range);
}

/** The first page, or an empty one. Rejects as the pages do. */
export async function firstOf(pages: AsyncGenerator<readonly LaneKey[], void>): Promise<readonly LaneKey[]> {
  const first = await pages.next();
  return first.done === true ? [] : first.value;
}
