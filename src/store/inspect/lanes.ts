/**
 * A look at lanes by whoever does not drain them: their heads, the pages an operator sees, counts. Reads only, and
 * without the fence (lanes/fence.ts): a look disturbs no drain, and no settlement is made from it.
 */
import type { Backlog, LaneReader, LaneSummary, Stored } from '../../bridge/ports';
import type { BareJid } from '../../core/address';
import { Fault } from '../../core/fault';
import type { Envelope, LaneKey } from '../../core/model';
import { decode } from '../lanes/envelope';
import type { Client } from '../redis/client';
import type { Keys } from '../redis/keys';
import { loadScript } from '../redis/scripts';

export interface LaneInspection extends LaneReader, Pick<Backlog, 'lanePage' | 'counts'> {
  /** Names of the lanes that hold something, of one user or of all, in pages. */
  names(user: BareJid | null): AsyncIterable<readonly LaneKey[]>;
}

const headsScript = loadScript(__dirname, 'read-heads');
export const laneInspectionScripts = [headsScript];

const pageCount = 500;
/** lanes per script call: the script runs alone, others wait that long */
const batchMax = 500;
/** no UTF-8 text holds this byte */
const last = Buffer.from([0xff]);

type Range = readonly [from: string | Buffer, to: string | Buffer];

/** Where a user's lanes stand in the index, in its order; all of it for null. */
function rangesOf(user: BareJid | null): readonly Range[] {
  if (user === null) return [['-', '+']];
  return ['toFar', 'toJabber'].map((direction) => {
    const prefix = `[${direction} ${user} `;
    return [prefix, Buffer.concat([Buffer.from(prefix), last])];
  });
}

export function makeLaneInspection({ client, keys }: { readonly client: Client; readonly keys: Keys }): LaneInspection {
  async function* names(
    user: BareJid | null,
    after: LaneKey | null = null,
    count = pageCount,
  ): AsyncGenerator<readonly LaneKey[]> {
    for (const [begin, to] of rangesOf(user)) {
      const isBehind = after !== null && (begin === '-' || after >= String(begin).slice(1));
      let from = isBehind ? `(${after}` : begin;
      for (;;) {
        const page = await client.ask((redis) => redis.zrangebylex(keys.lanes, from, to, 'LIMIT', 0, count));
        if (page.length > 0) yield page as LaneKey[]; // whatever is in the index
        if (page.length < count) break;
        from = `(${page.at(-1)}`;
      }
    }
  }

  const lanePage: LaneInspection['lanePage'] = async ({ user, after, count }) => {
    const wanted = Math.max(1, Math.min(count, pageCount));
    const lanes: LaneKey[] = [];
    for await (const page of names(user, after, wanted)) {
      lanes.push(...page);
      if (lanes.length >= wanted) break;
    }
    const shown = lanes.slice(0, wanted);
    const entries = await Promise.all(shown.map(summaryOf));
    return { entries: entries.filter((one) => one.length > 0), next: nextOf(shown, wanted) };
  };

  async function summaryOf(lane: LaneKey): Promise<LaneSummary> {
    const key = keys.lane + lane;
    const [length, first, end] = await client.ask((redis) =>
      Promise.all([redis.llen(key), redis.lindex(key, 0), redis.lindex(key, -1)]),
    );
    return { lane, length, oldest: envelopeOf(first), newest: envelopeOf(end) };
  }

  async function heads(lanes: readonly LaneKey[], count: number): Promise<ReadonlyMap<LaneKey, readonly Stored[]>> {
    const found = new Map<LaneKey, readonly Stored[]>();
    if (count <= 0) return found;
    for (let from = 0; from < lanes.length; from += batchMax) {
      const batch = lanes.slice(from, from + batchMax);
      const answer = await client.run(headsScript, [], [keys.lane, count, ...batch]);
      if (!Array.isArray(answer)) throw new Fault('internal', { cause: 'read-heads script' });
      const flat = answer as unknown[]; // any[] otherwise
      for (let i = 0; i < flat.length; i += 2) {
        const [place, texts] = [flat[i], flat[i + 1]];
        const lane = typeof place === 'number' ? batch[place] : undefined;
        if (lane === undefined || !Array.isArray(texts)) throw new Fault('internal', { cause: 'read-heads script' });
        found.set(lane, texts.map(String).map(decode));
      }
    }
    return found;
  }

  const counts: LaneInspection['counts'] = async () => {
    const [total, lanes, dead] = await client.ask((redis) =>
      Promise.all([redis.get(keys.total), redis.zcard(keys.lanes), redis.xlen(keys.dead)]),
    );
    return { envelopes: Number(total ?? 0), lanes, dead };
  };

  return { names, lanePage, heads, counts };
}

function nextOf(shown: readonly LaneKey[], wanted: number): LaneKey | null {
  return shown.length < wanted ? null : (shown.at(-1) ?? null);
}

function envelopeOf(raw: string | null): Envelope | null {
  const stored = raw === null ? null : decode(raw);
  return stored !== null && 'envelope' in stored ? stored.envelope : null;
}
