/**
 * A look at lanes by whoever does not drain them: their heads, the pages an operator sees, counts. Reads only, and
 * without the fence (lanes/fence.ts): a look disturbs no drain, and no settlement is made from it. What is asked about all
 * lanes is asked of every shard.
 */
import type { Backlog, LaneReader, LaneSummary, Stored } from '../../bridge/ports';
import type { BareJid } from '../../core/address';
import { Fault } from '../../core/fault';
import type { Envelope, LaneKey } from '../../core/model';
import { decode } from '../lanes/envelope';
import { firstOf, lanesOf, pagesOf, rangesOf } from '../lanes/index-pages';
import type { Client } from '../redis/client';
import type { Keys } from '../redis/keys';
import { loadScript } from '../redis/scripts';

export interface LaneInspection extends LaneReader, Pick<Backlog, 'lanePage' | 'counts'> {
  /** Names of the lanes that hold something, of one user or of all, in pages. */
  names(user: BareJid | null): AsyncIterable<readonly LaneKey[]>;
}

const headsScript = loadScript(__dirname, 'read-heads');
export const laneInspectionScripts = [headsScript];

const pageMax = 500;
/** lanes per script call: the script runs alone, others wait that long */
const batchMax = 500;

export function makeLaneInspection({ client, keys }: { readonly client: Client; readonly keys: Keys }): LaneInspection {
  async function* names(user: BareJid | null): AsyncGenerator<readonly LaneKey[]> {
    if (user !== null) yield* lanesOf(client, keys.shardOfUser(user), user);
    else for (const shard of keys.shards) yield* pagesOf(client, shard);
  }

  /** The first names after one, of one user or of all, by name: so many of each shard, and of those the first. */
  async function firstNames(user: BareJid | null, after: LaneKey | null, count: number): Promise<readonly LaneKey[]> {
    const shards = user === null ? keys.shards : [keys.shardOfUser(user)];
    const ranges = user === null ? [['-', '+'] as const] : rangesOf(user);
    const begin = after === null ? null : Buffer.from(after);
    const looks = shards.flatMap((shard) =>
      ranges.map(async ([from, to]) => {
        const isInside = begin !== null && (from === '-' || Buffer.compare(begin, Buffer.from(from).subarray(1)) >= 0);
        return firstOf(pagesOf(client, shard, [isInside ? `(${after}` : from, to], count));
      }),
    );
    return (await Promise.all(looks)).flat().sort(byBytes).slice(0, count);
  }

  const lanePage: LaneInspection['lanePage'] = async ({ user, after, count }) => {
    const wanted = Math.max(1, Math.min(count, pageMax));
    const shown = await firstNames(user, after, wanted);
    const entries = await Promise.all(shown.map(summaryOf));
    return { entries: entries.filter((one) => one.length > 0), next: nextOf(shown, wanted) };
  };

  async function summaryOf(lane: LaneKey): Promise<LaneSummary> {
    const key = keys.shardOfLane(lane).lane + lane;
    const [length, first, end] = await client.ask((redis) =>
      Promise.all([redis.llen(key), redis.lindex(key, 0), redis.lindex(key, -1)]),
    );
    return { lane, length, oldest: envelopeOf(first), newest: envelopeOf(end) };
  }

  async function headsOf(
    lanes: readonly LaneKey[],
    count: number,
    found: Map<LaneKey, readonly Stored[]>,
  ): Promise<void> {
    const answer = await client.run(
      headsScript,
      lanes.map((lane) => keys.shardOfLane(lane).lane + lane),
      [count],
    );
    if (!Array.isArray(answer)) throw new Fault('internal', { cause: 'read-heads script' });
    const flat = answer as unknown[]; // any[] otherwise
    for (let i = 0; i < flat.length; i += 2) {
      const [place, texts] = [flat[i], flat[i + 1]];
      const lane = typeof place === 'number' ? lanes[place] : undefined;
      if (lane === undefined || !Array.isArray(texts)) throw new Fault('internal', { cause: 'read-heads script' });
      found.set(lane, texts.map(String).map(decode));
    }
  }

  async function heads(lanes: readonly LaneKey[], count: number): Promise<ReadonlyMap<LaneKey, readonly Stored[]>> {
    const found = new Map<LaneKey, readonly Stored[]>();
    if (count <= 0) return found;
    for (const together of client.isCluster ? byShard(keys, lanes) : [lanes])
      for (let from = 0; from < together.length; from += batchMax)
        await headsOf(together.slice(from, from + batchMax), count, found);
    return found;
  }

  const counts: LaneInspection['counts'] = async () => {
    const all = await client.ask((redis) =>
      Promise.all(
        keys.shards.map(({ total, lanes, dead }) =>
          Promise.all([redis.get(total), redis.zcard(lanes), redis.xlen(dead)]),
        ),
      ),
    );
    const sum = (of: (one: (typeof all)[number]) => number): number => all.reduce((before, one) => before + of(one), 0);
    return { envelopes: sum(([total]) => Number(total ?? 0)), lanes: sum((one) => one[1]), dead: sum((one) => one[2]) };
  };

  return { names, lanePage, heads, counts };
}

/** As Redis sorts names. */
const byBytes = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other));

function byShard(keys: Keys, lanes: readonly LaneKey[]): readonly (readonly LaneKey[])[] {
  const groups = keys.shards.map((): LaneKey[] => []);
  for (const lane of lanes) groups[keys.shardOfLane(lane).number]?.push(lane);
  return groups.filter((group) => group.length > 0);
}

function nextOf(shown: readonly LaneKey[], wanted: number): LaneKey | null {
  return shown.length < wanted ? null : (shown.at(-1) ?? null);
}

function envelopeOf(raw: string | null): Envelope | null {
  const stored = raw === null ? null : decode(raw);
  return stored !== null && 'envelope' in stored ? stored.envelope : null;
}
