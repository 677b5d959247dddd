/**
 * Appends as the scripts take them: grouped by lane, each group in order and small enough for Lua's stack. Pure.
 * The dedupe window knows an entry by a digest of its identity (which may hold the text of the message), or by its envelope
 * id when there is none.
 */
import { createHash } from 'node:crypto';
import type { Append, AppendResult } from '../../bridge/ports';
import { isLiveIdentity } from '../../core/identity';
import type { LaneKey } from '../../core/model';
import type { ShardKeys } from '../redis/keys';
import { encode } from './envelope';

/** entries per group: below the limit of Lua's unpack with two values each */
export const groupMax = 1_000;

/** Entries of one shard, in the order of their lanes. */
export interface Groups {
  /** of each group: the lane, its dedupe window now and before */
  readonly keys: readonly string[];
  /** number of groups, then per group: count, count x (field, id, text) */
  readonly args: readonly (string | number)[];
  /** for each answer of the script, in its order: the place of the entry in the caller's list */
  readonly places: readonly number[];
  /** of each, in the same order: how long its text is */
  readonly sizes: readonly number[];
}

const digest = (text: string, length: number): string =>
  createHash('sha256').update(text).digest('base64url').slice(0, length);

const tagLength = 7;

/**
 * How a sender's id stands at the end of a field, so that search.ts finds it: 36 bits, cheap, since it is made for every
 * message and a chance hit only shows one finding too many.
 */
export function nameTag(name: string): string {
  let [low, high] = [0x811c9dc5, 0x9e3779b9];
  for (let i = 0; i < name.length; i += 1) {
    const unit = name.charCodeAt(i);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit, 0x85ebca6b);
  }
  high ^= high >>> 15;
  return (((high >>> 0) * 2 ** 20 + (low >>> 0)) % 36 ** tagLength).toString(36).padStart(tagLength, '0');
}

/**
 * The field of the dedupe window for an entry; `name` is the id that its sender gave it. Its first letter says the kind:
 * e an envelope id, h and m an identity for the whole window (m: with the sender's id), l and n one for some minutes (n:
 * with the sender's id). Never throws.
 */
export function windowField(identity: string | null, envelopeId: string, name?: string): string {
  if (identity === null) return `e${envelopeId}`;
  const [plain, named] = isLiveIdentity(identity) ? ['l', 'n'] : ['h', 'm'];
  if (name !== undefined) return named + digest(identity, 20) + nameTag(name);
  return plain + digest(identity, 16);
}

/**
 * Groups the entries at these places by lane, for a span of time of the dedupe window; all belong to the shard. Throws
 * Fault `internal` when an envelope cannot be stored (see envelope.ts).
 */
export function groupAppends(
  entries: readonly Append[],
  places: readonly number[],
  shard: ShardKeys,
  span: number,
): Groups {
  const byLane = new Map<LaneKey, number[]>();
  for (const place of places) {
    const lane = entries[place]?.lane;
    if (lane === undefined) continue; // places are of this very list
    const known = byLane.get(lane);
    if (known) known.push(place);
    else byLane.set(lane, [place]);
  }
  const keys: string[] = [];
  const args: (string | number)[] = [0];
  const order: number[] = [];
  const sizes: number[] = [];
  let groups = 0;
  for (const [lane, all] of byLane) {
    for (let from = 0; from < all.length; from += groupMax) {
      const part = all.slice(from, from + groupMax);
      groups += 1;
      keys.push(shard.lane + lane, `${shard.seen}${span}:${lane}`, `${shard.seen}${span - 1}:${lane}`);
      args.push(part.length);
      for (const place of part) {
        const entry = entries[place];
        if (entry === undefined) continue;
        const { identity, envelope, name } = entry;
        const text = encode(envelope);
        args.push(windowField(identity, envelope.id, name), envelope.id, text);
        order.push(place);
        sizes.push(text.length);
      }
    }
  }
  args[0] = groups;
  return { keys, args, places: order, sizes };
}

/** The script's number as a result. Never throws. */
export function resultOf(answer: unknown): AppendResult {
  if (answer === -1) return { outcome: 'full' };
  if (answer === -2) return { outcome: 'stored', length: 1 }; // so that a drain is scheduled: the first request may be lost too
  return typeof answer === 'number' && answer > 0 ? { outcome: 'stored', length: answer } : { outcome: 'repeat' };
}
