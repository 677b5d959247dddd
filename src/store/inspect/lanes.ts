/**
 * What an operator looks at: the lanes that hold something, and dead letters one by one or of one user. Reads only, and
 * without the fence of lanes.ts: a look disturbs no drain.
 */
import type { Backlog, DeadLetter, LaneGlance } from '../../bridge/ports';
import type { BareJid } from '../../core/address';
import type { Envelope, LaneKey } from '../../core/model';
import type { Client } from '../redis/client';
import { decode } from '../lanes/envelope';
import type { Keys } from '../redis/keys';
import { letterOf, streamId } from './dead-letters';

export interface View extends Pick<Backlog, 'glance' | 'deadLetter' | 'deadOf'> {
  /** Names of the lanes that hold something, of one user or of all, in pages. */
  names(user: BareJid | null): AsyncIterable<readonly LaneKey[]>;
  /** Dead letters, newest first, of one user or of all; `isCandidate` sees the stored text before it is parsed. */
  graves(user: BareJid | null, isCandidate: (raw: string) => boolean): AsyncIterable<DeadLetter>;
}

const pageCount = 500;
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

export function makeView({ client, keys }: { readonly client: Client; readonly keys: Keys }): View {
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

  const glance: View['glance'] = async ({ user, after, count }) => {
    const wanted = Math.max(1, Math.min(count, pageCount));
    const lanes: LaneKey[] = [];
    for await (const page of names(user, after, wanted)) {
      lanes.push(...page);
      if (lanes.length >= wanted) break;
    }
    const shown = lanes.slice(0, wanted);
    const entries = await Promise.all(shown.map(look));
    return { entries: entries.filter((one) => one.length > 0), next: nextOf(shown, wanted) };
  };

  async function look(lane: LaneKey): Promise<LaneGlance> {
    const key = keys.lane + lane;
    const [length, first, end] = await client.ask((redis) =>
      Promise.all([redis.llen(key), redis.lindex(key, 0), redis.lindex(key, -1)]),
    );
    return { lane, length, oldest: envelopeOf(first), newest: envelopeOf(end) };
  }

  async function* graves(user: BareJid | null, isCandidate: (raw: string) => boolean): AsyncGenerator<DeadLetter> {
    let from = '+';
    for (;;) {
      const page = await client.ask((redis) => redis.xrevrange(keys.dead, from, '-', 'COUNT', pageCount));
      for (const [id, fields] of page) {
        const [, lane = '', , raw = ''] = fields;
        if ((user === null || lane.split(' ')[1] === user) && isCandidate(raw)) yield letterOf(id, fields);
      }
      const end = page.at(-1);
      if (end === undefined || page.length < pageCount) return;
      from = `(${end[0]}`;
    }
  }

  const deadOf: View['deadOf'] = async (user, since, count) => {
    const found: DeadLetter[] = [];
    for await (const letter of graves(user, () => true)) {
      if (letter.at < since || found.length >= count) break;
      found.push(letter);
    }
    return found;
  };

  const deadLetter: View['deadLetter'] = async (id) => {
    if (!streamId.test(id)) return null;
    const [found] = await client.ask((redis) => redis.xrange(keys.dead, id, id));
    return found === undefined ? null : letterOf(...found);
  };

  return { names, graves, glance, deadOf, deadLetter };
}

function nextOf(shown: readonly LaneKey[], wanted: number): LaneKey | null {
  return shown.length < wanted ? null : (shown.at(-1) ?? null);
}

function envelopeOf(raw: string | null): Envelope | null {
  const stored = raw === null ? null : decode(raw);
  return stored !== null && 'envelope' in stored ? stored.envelope : null;
}
