/**
 * What an operator asks about the lanes: dead letters, where a message is, counts. Reads, and two small changes
 * (revive, discard). Nothing here is on the path of a message.
 */
import type { Clock } from '../../bridge/ports';
import type { Envelope, LaneKey } from '../../core/model';
import { parseLaneKey } from '../../core/model';
import type { Client } from '../redis/client';
import { makeScript } from '../redis/client';
import { decode, encode } from '../lanes/envelope';
import { identityPrefix, resultOf, windowField } from '../lanes/append';
import type { Keys } from '../redis/keys';
import { reviveScript } from '../lanes/scripts';
import { findScript } from './scripts';
import type { Mirror } from '../lanes/cache';
import type { DeadLetter, LaneCounts, Lanes, Trace } from '../types';

export interface OperatorOptions {
  readonly client: Client;
  readonly keys: Keys;
  readonly mirror: Pick<Mirror, 'forget'>;
  readonly dedupeWindowMs: number;
  readonly laneMax: number;
  readonly totalMax: number;
  readonly clock: Clock;
}

const find = makeScript(findScript);
const revive = makeScript(reviveScript);
export const operatorScripts = [find, revive];

const pageMax = 500;
export const streamId = /^\d+-\d+$/;

type Operator = Pick<Lanes, 'deadLetters' | 'revive' | 'discard' | 'trace' | 'length' | 'counts'>;

export function makeOperator(options: OperatorOptions): Operator {
  const { client, keys, mirror, dedupeWindowMs, laneMax, totalMax, clock } = options;

  const deadLetters: Operator['deadLetters'] = async ({ before, count }) => {
    const wanted = Math.max(1, Math.min(count, pageMax));
    if (before !== null && !streamId.test(before)) return { entries: [], next: null };
    const from = before === null ? '+' : `(${before}`;
    const found = await client.ask((redis) => redis.xrevrange(keys.dead, from, '-', 'COUNT', wanted));
    const entries = found.map(([id, fields]) => letterOf(id, fields));
    return { entries, next: entries.length < wanted ? null : (entries.at(-1)?.id ?? null) };
  };

  const reviveOne: Operator['revive'] = async (id) => {
    if (!streamId.test(id)) return null;
    const [found] = await client.ask((redis) => redis.xrange(keys.dead, id, id));
    if (found === undefined) return null;
    const { lane, content } = letterOf(...found);
    if (lane === null || !('envelope' in content)) return null;
    const fresh = encode(renewed(content.envelope, clock.now()));
    const answer = await client.run(
      revive,
      [keys.lanes, keys.total, keys.dead],
      [keys.lane, lane, id, fresh, laneMax, totalMax],
    );
    mirror.forget(lane);
    return answer === null ? null : { lane, result: resultOf(answer) };
  };

  const discard: Operator['discard'] = async (ids) => {
    const good = ids.filter((id) => streamId.test(id));
    return good.length === 0 ? 0 : client.ask((redis) => redis.xdel(keys.dead, ...good));
  };

  /** The envelope id behind an identity, or the id itself, when the window knows it. */
  async function envelopeIdOf(lane: LaneKey, id: string): Promise<string | null> {
    const [seconds, micros] = await client.ask((redis) => redis.time());
    const bucket = Math.floor((Number(seconds) * 1000 + Math.floor(Number(micros) / 1000)) / dedupeWindowMs);
    for (const number of [bucket, bucket - 1]) {
      const key = `${keys.seen}${number}:${lane}`;
      const [byIdentity, own] = await client.ask((redis) =>
        redis.hmget(key, windowField(id, ''), windowField(null, id)),
      );
      if (byIdentity) return byIdentity;
      if (own !== null && own !== undefined) return id;
      const found = await scan(key, id);
      if (found !== null) return found;
    }
    return null;
  }

  /** Its own id among the values, or an identity among the fields that also carry a sender's id. */
  async function scan(key: string, id: string): Promise<string | null> {
    const named = identityPrefix(id);
    let cursor = '0';
    do {
      const [next, flat] = await client.ask((redis) => redis.hscan(key, cursor, 'COUNT', pageMax));
      for (let i = 0; i + 1 < flat.length; i += 2) {
        const [field = '', value = ''] = [flat[i], flat[i + 1]];
        if (value === id || field.startsWith(named)) return value;
      }
      cursor = next;
    } while (cursor !== '0');
    return null;
  }

  async function deadEnvelope(lane: LaneKey, id: string): Promise<Envelope | null> {
    let before: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof deadLetters>> = await deadLetters({ before, count: pageMax });
      for (const letter of page.entries) {
        if (letter.lane === lane && 'envelope' in letter.content && letter.content.envelope.id === id) {
          return letter.content.envelope;
        }
      }
      before = page.next;
    } while (before !== null);
    return null;
  }

  const trace: Operator['trace'] = async (lane, id) => {
    const envelopeId = await envelopeIdOf(lane, id);
    const answer = await client.run(find, [keys.lane + lane], [envelopeId ?? id]);
    if (Array.isArray(answer)) {
      const [index, raw] = answer as unknown[]; // any[] otherwise
      const stored = decode(String(raw));
      return told(lane, envelopeId ?? id, 'waiting', 'envelope' in stored ? stored.envelope : null, Number(index));
    }
    const dead = await deadEnvelope(lane, envelopeId ?? id);
    if (dead !== null) return told(lane, dead.id, 'dead', dead, null);
    return envelopeId === null ? null : told(lane, envelopeId, 'gone', null, null);
  };

  async function counts(): Promise<LaneCounts> {
    const [total, lanes, dead] = await client.ask((redis) =>
      Promise.all([redis.get(keys.total), redis.zcard(keys.lanes), redis.xlen(keys.dead)]),
    );
    return { envelopes: Number(total ?? 0), lanes, dead };
  }

  const length: Operator['length'] = (lane) => client.ask((redis) => redis.llen(keys.lane + lane));
  return { deadLetters, revive: reviveOne, discard, trace, length, counts };
}

/** As new: it must not expire at once, its delay stamp stays true, and its past stays known. */
function renewed(envelope: Envelope, now: number): Envelope {
  const { event } = envelope;
  const dated = event.kind === 'message' ? { ...event, sentAt: event.sentAt ?? envelope.acceptedAt } : event;
  return { ...envelope, event: dated, acceptedAt: now, attempts: 0, lastFault: null };
}

/** A dead letter as it lies in the stream. Never throws. */
export function letterOf(id: string, fields: readonly string[]): DeadLetter {
  const value = (name: string): string => fields[fields.indexOf(name) + 1] ?? '';
  const lane = value('lane');
  return {
    id,
    at: Number(id.split('-')[0]),
    lane: parseLaneKey(lane) === null ? null : (lane as LaneKey), // parsed: it is one
    content: decode(value('raw')),
  };
}

function told(
  lane: LaneKey,
  envelopeId: string,
  place: Trace['place'],
  envelope: Envelope | null,
  ahead: number | null,
): Trace {
  return {
    ...{ lane, envelopeId, place, ahead },
    acceptedAt: envelope?.acceptedAt ?? null,
    attempts: envelope?.attempts ?? null,
    lastFault: envelope?.lastFault ?? null,
  };
}
