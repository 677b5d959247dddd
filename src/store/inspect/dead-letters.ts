/**
 * Dead letters: what expired, was refused or could not be read, as one stream, newest first. Lists them, puts one back at
 * the end of its lane, drops some. Nothing here is on the path of a message; how many are kept and for how long is the
 * business of the settlement that sets them aside (lanes/settle.lua).
 */
import type { Backlog, Clock, DeadLetter } from '../../bridge/ports';
import type { BareJid } from '../../core/address';
import type { Envelope, LaneKey } from '../../core/model';
import { parseLaneKey } from '../../core/model';
import { resultOf } from '../lanes/append';
import type { LaneCache } from '../lanes/cache';
import { decode, encode } from '../lanes/envelope';
import type { Client } from '../redis/client';
import type { Keys } from '../redis/keys';
import { loadScript } from '../redis/scripts';
import type { Lanes } from '../types';

export interface DeadLetterOptions {
  readonly client: Client;
  readonly keys: Keys;
  readonly cache: Pick<LaneCache, 'forget'>;
  readonly laneMax: number;
  readonly totalMax: number;
  readonly clock: Clock;
}

export interface DeadLetters
  extends Pick<Backlog, 'deadLetters' | 'deadLetter' | 'deadLettersOf' | 'dropDeadLetters'>, Pick<Lanes, 'resend'> {
  /** Newest first, of one user or of all; `isCandidate` sees the stored text before it is parsed. */
  eachDeadLetter(user: BareJid | null, isCandidate: (raw: string) => boolean): AsyncIterable<DeadLetter>;
}

const resendScript = loadScript(__dirname, 'resend');
export const deadLetterScripts = [resendScript];

const pageMax = 500;
const streamId = /^\d+-\d+$/;

export function makeDeadLetters(options: DeadLetterOptions): DeadLetters {
  const { client, keys, cache, laneMax, totalMax, clock } = options;

  const page: DeadLetters['deadLetters'] = async ({ before, count }) => {
    const wanted = Math.max(1, Math.min(count, pageMax));
    if (before !== null && !streamId.test(before)) return { entries: [], next: null };
    const from = before === null ? '+' : `(${before}`;
    const found = await client.ask((redis) => redis.xrevrange(keys.dead, from, '-', 'COUNT', wanted));
    const entries = found.map(([id, fields]) => letterOf(id, fields));
    return { entries, next: entries.length < wanted ? null : (entries.at(-1)?.id ?? null) };
  };

  async function* each(user: BareJid | null, isCandidate: (raw: string) => boolean): AsyncGenerator<DeadLetter> {
    let from = '+';
    for (;;) {
      const found = await client.ask((redis) => redis.xrevrange(keys.dead, from, '-', 'COUNT', pageMax));
      for (const [id, fields] of found) {
        const [, lane = '', , raw = ''] = fields;
        if ((user === null || lane.split(' ')[1] === user) && isCandidate(raw)) yield letterOf(id, fields);
      }
      const end = found.at(-1);
      if (end === undefined || found.length < pageMax) return;
      from = `(${end[0]}`;
    }
  }

  const one: DeadLetters['deadLetter'] = async (id) => {
    if (!streamId.test(id)) return null;
    const [found] = await client.ask((redis) => redis.xrange(keys.dead, id, id));
    return found === undefined ? null : letterOf(...found);
  };

  const ofUser: DeadLetters['deadLettersOf'] = async (user, since, count) => {
    const found: DeadLetter[] = [];
    for await (const letter of each(user, () => true)) {
      if (letter.at < since || found.length >= count) break;
      found.push(letter);
    }
    return found;
  };

  const resend: DeadLetters['resend'] = async (id) => {
    const letter = await one(id);
    if (letter?.lane == null || !('envelope' in letter.content)) return null;
    const { lane } = letter;
    const fresh = encode(renewed(letter.content.envelope, clock.now()));
    const answer = await client.run(
      resendScript,
      [keys.lanes, keys.total, keys.dead],
      [keys.lane, lane, id, fresh, laneMax, totalMax],
    );
    cache.forget(lane);
    return answer === null ? null : { lane, result: resultOf(answer) };
  };

  const drop: DeadLetters['dropDeadLetters'] = async (ids) => {
    const good = ids.filter((id) => streamId.test(id));
    return good.length === 0 ? 0 : client.ask((redis) => redis.xdel(keys.dead, ...good));
  };

  return {
    deadLetters: page,
    deadLetter: one,
    deadLettersOf: ofUser,
    dropDeadLetters: drop,
    resend,
    eachDeadLetter: each,
  };
}

/** As new: it must not expire at once, its delay stamp stays true, and its past stays known. */
function renewed(envelope: Envelope, now: number): Envelope {
  const { event } = envelope;
  const dated = event.kind === 'message' ? { ...event, sentAt: event.sentAt ?? envelope.acceptedAt } : event;
  return { ...envelope, event: dated, acceptedAt: now, attempts: 0, lastFault: null };
}

/** A dead letter as it lies in the stream. Never throws. */
function letterOf(id: string, fields: readonly string[]): DeadLetter {
  const value = (name: string): string => fields[fields.indexOf(name) + 1] ?? '';
  const lane = value('lane');
  return {
    id,
    at: Number(id.split('-')[0]),
    lane: parseLaneKey(lane) === null ? null : (lane as LaneKey), // parsed: it is one
    content: decode(value('raw')),
  };
}
