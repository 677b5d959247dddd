/**
 * Dead letters: what expired, was refused or could not be read, one stream in each shard, newest first over all. Lists
 * them, puts one back at the end of its lane, drops some. The id of a dead letter names its place in the stream and the
 * shard, `MS-N-SHARD`. Nothing here is on the path of a message; how many are kept and for how long is the business of the
 * settlement that sets them aside (lanes/settle.lua).
 */
import type { Backlog, Clock, DeadLetter } from '../../bridge/ports';
import type { BareJid } from '../../core/address';
import type { Envelope, LaneKey } from '../../core/model';
import { parseLaneKey } from '../../core/model';
import { resultOf } from '../lanes/groups';
import type { LaneCache } from '../lanes/cache';
import { decode, encode } from '../lanes/envelope';
import type { Totals } from '../lanes/totals';
import type { Client } from '../redis/client';
import type { Keys, ShardKeys } from '../redis/keys';
import { loadScript } from '../redis/scripts';
import type { Lanes } from '../types';

export interface DeadLetterOptions {
  readonly client: Client;
  readonly keys: Keys;
  readonly cache: Pick<LaneCache, 'forget'>;
  readonly totals: Pick<Totals, 'roomOf'>;
  readonly laneMax: number;
  readonly totalMax: number;
  readonly clock: Clock;
}

export interface DeadLetters
  extends Pick<Backlog, 'deadLetters' | 'deadLetter' | 'deadLettersOf' | 'dropDeadLetters'>, Pick<Lanes, 'resend'> {
  /** Newest first in each shard, of one user or of all; `isCandidate` sees the stored text before it is parsed. */
  eachDeadLetter(user: BareJid | null, isCandidate: (raw: string) => boolean): AsyncIterable<DeadLetter>;
}

const resendScript = loadScript(__dirname, 'resend');
export const deadLetterScripts = [resendScript];

const pageMax = 500;

/** Where a dead letter lies. */
interface Place {
  readonly ms: number;
  readonly sequence: number;
  readonly shard: number;
}

export function makeDeadLetters(options: DeadLetterOptions): DeadLetters {
  const { client, keys, cache, totals, laneMax, totalMax, clock } = options;

  async function read(
    shard: ShardKeys,
    from: string,
    count: number,
  ): Promise<readonly (readonly [string, string[]])[]> {
    return client.ask((redis) => redis.xrevrange(shard.dead, from, '-', 'COUNT', count));
  }

  /** So many of each shard, and of those the newest. */
  const page: DeadLetters['deadLetters'] = async ({ before, count }) => {
    const wanted = Math.max(1, Math.min(count, pageMax));
    const end = before === null ? null : placeOf(before);
    if (before !== null && end === null) return { entries: [], next: null };
    const found = await Promise.all(
      keys.shards.map(async (shard) => {
        const lines = await read(shard, beginOf(shard, end), wanted);
        return lines.map(([id, fields]) => letterOf(shard, id, fields));
      }),
    );
    const entries = found.flat().sort(newestFirst).slice(0, wanted);
    return { entries, next: entries.length < wanted ? null : (entries.at(-1)?.id ?? null) };
  };

  async function* each(user: BareJid | null, isCandidate: (raw: string) => boolean): AsyncGenerator<DeadLetter> {
    for (const shard of user === null ? keys.shards : [keys.shardOfUser(user)]) {
      for (let from = '+'; ;) {
        const found = await read(shard, from, pageMax);
        for (const [id, fields] of found) {
          const [, lane = '', , raw = ''] = fields;
          if ((user === null || lane.split(' ')[1] === user) && isCandidate(raw)) yield letterOf(shard, id, fields);
        }
        const end = found.at(-1);
        if (end === undefined || found.length < pageMax) break;
        from = `(${end[0]}`;
      }
    }
  }

  async function find(id: string): Promise<{ readonly letter: DeadLetter; readonly shard: ShardKeys } | null> {
    const place = placeOf(id);
    const shard = place && keys.shards[place.shard];
    if (!place || !shard) return null;
    const at = `${place.ms}-${place.sequence}`;
    const [found] = await client.ask((redis) => redis.xrange(shard.dead, at, at));
    return found === undefined ? null : { letter: letterOf(shard, ...found), shard };
  }

  const ofUser: DeadLetters['deadLettersOf'] = async (user, since, count) => {
    const found: DeadLetter[] = [];
    for await (const letter of each(user, () => true)) {
      if (letter.at < since || found.length >= count) break;
      found.push(letter);
    }
    return found;
  };

  const resend: DeadLetters['resend'] = async (id) => {
    const found = await find(id);
    if (found?.letter.lane == null || !('envelope' in found.letter.content)) return null;
    const { letter, shard } = found;
    const { lane } = found.letter;
    const fresh = encode(renewed(found.letter.content.envelope, clock.now()));
    const answer = await client.run(
      resendScript,
      [shard.lanes, shard.total, shard.dead, shard.lane + lane],
      [lane, streamIdOf(letter.id), fresh, laneMax, totals.roomOf(shard, totalMax)],
    );
    cache.forget(lane);
    return answer === null ? null : { lane, result: resultOf(answer) };
  };

  const drop: DeadLetters['dropDeadLetters'] = async (ids) => {
    const places = ids.map(placeOf).filter((place) => place !== null);
    const counts = await Promise.all(
      keys.shards.map(async ({ number, dead }) => {
        const here = places.filter((place) => place.shard === number).map(({ ms, sequence }) => `${ms}-${sequence}`);
        return here.length === 0 ? 0 : client.ask((redis) => redis.xdel(dead, ...here));
      }),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  };

  return {
    deadLetters: page,
    deadLetter: async (id) => (await find(id))?.letter ?? null,
    deadLettersOf: ofUser,
    dropDeadLetters: drop,
    resend,
    eachDeadLetter: each,
  };
}

/** Null: no dead letter goes by it. Never throws. */
function placeOf(id: string): Place | null {
  const [, ms, sequence, shard] = /^(\d{1,15})-(\d{1,15})-(\d{1,4})$/.exec(id) ?? [];
  if (ms === undefined) return null;
  return { ms: Number(ms), sequence: Number(sequence), shard: Number(shard) };
}

const streamIdOf = (id: string): string => id.slice(0, id.lastIndexOf('-'));

/** Newest first; those of one millisecond by number, then by shard. */
function compare(one: Place, other: Place): number {
  return other.ms - one.ms || other.sequence - one.sequence || other.shard - one.shard;
}

function newestFirst(one: DeadLetter, other: DeadLetter): number {
  const [a, b] = [placeOf(one.id), placeOf(other.id)];
  return a === null || b === null ? 0 : compare(a, b);
}

/** Where a shard's stream is read from, backwards, so that all that comes is behind `end` in the order of all. */
function beginOf({ number }: ShardKeys, end: Place | null): string {
  if (end === null) return '+';
  const id = `${end.ms}-${end.sequence}`;
  return number < end.shard ? id : `(${id}`;
}

/** As new: it must not expire at once, its delay stamp stays true, and its past stays known. */
function renewed(envelope: Envelope, now: number): Envelope {
  const { event } = envelope;
  const dated = event.kind === 'message' ? { ...event, sentAt: event.sentAt ?? envelope.acceptedAt } : event;
  return { ...envelope, event: dated, acceptedAt: now, attempts: 0, lastFault: null };
}

/** A dead letter as it lies in the stream. Never throws. */
function letterOf({ number }: ShardKeys, id: string, fields: readonly string[]): DeadLetter {
  const value = (name: string): string => fields[fields.indexOf(name) + 1] ?? '';
  const lane = value('lane');
  return {
    id: `${id}-${number}`,
    at: Number(id.split('-')[0]),
    lane: parseLaneKey(lane) === null ? null : (lane as LaneKey), // parsed: it is one
    content: decode(value('raw')),
  };
}
