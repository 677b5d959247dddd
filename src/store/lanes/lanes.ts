/**
 * The lanes: LaneStore on Redis lists. Every change is one script (the .lua files beside this one), so a crash leaves a
 * lane before or after it: each is all or nothing for the other clients and for the append-only file, since Redis
 * replicates a script's effects as one transaction. Under memory pressure (`noeviction`) a step that only grows is
 * refused before its first write; a settlement shrinks first and is always allowed.
 *
 * **Dedupe window.** What is appended is noted in a hash per (span of time, lane); two spans are looked at, so an entry is
 * known for one to two windows and then expires with its hash. Hashes per lane stay small, which Redis stores compactly.
 * Identities are told apart per lane; those that a client made up while online (core/identity.ts) count for some minutes. The note holds the envelope id: the same envelope again (its first answer was lost)
 * is `stored`, another one with the same identity is `repeat`. An own envelope again answers `length` 1, whatever the lane
 * holds, so that a caller who schedules a drain at 1 does so: the first request may be lost with the first answer.
 *
 * **Settlements** are fenced (fence.ts): a settlement made from an outdated head rejects `store-away` and changes nothing.
 * What they append is not bounded, since each entry answers something that was taken. Those of many lanes go out together.
 *
 * **Heads** are not read when this process has just stored them itself (cache.ts).
 */
import type { Append, LaneStore, Settlement, Stored } from '../../bridge/ports';
import { Fault } from '../../core/fault';
import type { LaneKey } from '../../core/model';
import type { Client } from '../redis/client';
import { decode, encode } from './envelope';
import { groupAppends, resultOf } from './append';
import { makeBatcher } from '../../core/async';
import { makeFence } from './fence';
import type { Keys } from '../redis/keys';
import { loadScript } from '../redis/scripts';
import type { LaneCache } from './cache';

export interface LaneOptions {
  readonly client: Client;
  readonly keys: Keys;
  readonly cache: LaneCache;
  readonly dedupeWindowMs: number;
  /** how long a client's own id says that a message is the same; default 5 minutes */
  readonly liveWindowMs?: number;
  readonly laneMax: number;
  readonly totalMax: number;
  readonly deadMax: number;
  readonly deadAgeMs: number;
}

const append = loadScript(__dirname, 'append');
const settle = loadScript(__dirname, 'settle');
const forget = loadScript(__dirname, 'forget');
export const laneScripts = [append, settle, forget];

const pageCount = 500;
/** appends per script call: the script runs alone, others wait that long */
const batchMax = 1_000;
const settleMax = 2_000;
/** envelopes that the settlements of one script call deal with */
const settleWeight = 1_000;
/** settlements held at most, for each envelope that may wait in all: only a bound, age keeps it far below */
const heldShare = 0.1;

export function makeLanes(options: LaneOptions): LaneStore {
  const { client, keys, cache, dedupeWindowMs, liveWindowMs = 300_000 } = options;
  const { laneMax, totalMax, deadMax, deadAgeMs } = options;
  const heldMax = Math.ceil(totalMax * heldShare);
  const fence = makeFence();
  const common = [keys.lane, keys.seen, dedupeWindowMs, Math.min(liveWindowMs, dedupeWindowMs)] as const;

  /** One round trip; only more than 1000 entries are sent as several, one after the other. */
  async function appendAll(entries: readonly Append[]): ReturnType<LaneStore['append']> {
    const results: unknown[] = [];
    for (let from = 0; from < entries.length; from += batchMax) {
      const { args, places, sizes } = groupAppends(entries.slice(from, from + batchMax));
      const running = client.run(append, [keys.lanes, keys.total], [...common, laneMax, totalMax, ...args]);
      const answer = from === 0 ? await running : await running.catch(halfDone);
      const answers = numbers(answer, places.length);
      places.forEach((place, i) => {
        results[from + place] = answers[i];
        const entry = entries[from + place];
        if (entry !== undefined) remember(entry, sizes[i] ?? 0, answers[i]);
      });
    }
    return results.map(resultOf);
  }

  /** A repeat of our own says nothing about the lane, and neither does an append that was refused. */
  function remember({ lane, envelope }: Append, size: number, answer: unknown): void {
    if (typeof answer === 'number' && answer > 0) cache.stored(lane, { envelope }, size, answer);
  }

  async function head(lane: LaneKey, count: number): Promise<readonly Stored[]> {
    if (count <= 0) return [];
    const known = client.isUp() ? cache.head(lane, count) : null;
    const stored = known ?? (await client.ask((redis) => redis.lrange(keys.lane + lane, 0, count - 1))).map(decode);
    fence.note(
      lane,
      stored.map((item) => ('envelope' in item ? item.envelope.id : null)),
    );
    return stored;
  }

  interface Step {
    readonly settlement: Settlement;
    readonly args: readonly (string | number)[];
  }

  /** Throws Fault `internal` when it cannot be stored. */
  function stepOf(settlement: Settlement): Step {
    const { lane, taken, keep, dead, hold = [], append: appended } = settlement;
    if (keep.length > taken || taken > settleMax) throw new Fault('internal', { cause: 'settlement out of bounds' });
    const last = fence.lastOf(lane, taken);
    const isAllPoisoned = taken > 0 && settlement.poisoned === taken;
    const poisoned = isAllPoisoned ? Array.from({ length: taken }, (_, i) => i) : fence.poisoned(lane, taken);
    const args = [
      lane,
      taken,
      last?.index ?? -1,
      last?.id ?? '',
      ...block(keep.map(encode).reverse()),
      ...block(dead.map(encode)),
      ...block(poisoned),
      ...block(hold.map(({ id }) => id)),
      ...groupAppends(appended).args,
    ];
    return { settlement, args };
  }

  const settleSoon = makeBatcher<Step, readonly unknown[]>({
    async send(steps) {
      try {
        const answer = await client.run(
          settle,
          [keys.lanes, keys.total, keys.dead, keys.held],
          [...common, deadMax, deadAgeMs, heldMax, steps.length, ...steps.flatMap(({ args }) => args)],
        );
        const answers = lists(answer, steps.length);
        steps.forEach(({ settlement }, i) => settled(settlement, answers[i]?.[0]));
        return answers;
      } catch (thrown) {
        for (const { settlement } of steps) cache.forget(settlement.lane); // who knows whether it was done
        throw thrown;
      }
    },
    weigh: ({ settlement }) => 1 + settlement.taken + settlement.append.length,
    batchWeight: settleWeight,
  });

  /** What this process knows of the lane now. */
  function settled({ lane, taken, keep, append: appended }: Settlement, left: unknown): void {
    if (typeof left !== 'number' || left < 0) return (fence.forget(lane), cache.forget(lane));
    fence.settled(
      lane,
      taken,
      keep.map((envelope) => envelope.id),
    );
    if (keep.length > 0) cache.forget(lane);
    else cache.taken(lane, taken, left);
    for (const entry of appended) cache.forget(entry.lane);
  }

  async function settleOne(settlement: Settlement): ReturnType<LaneStore['settle']> {
    const [left, ...wake] = await settleSoon(stepOf(settlement));
    if (typeof left !== 'number') throw new Fault('internal', { cause: 'settle script' });
    if (left < 0) throw new Fault('store-away', { cause: 'the lane was settled by another drain' });
    const { lane } = settlement;
    return { left, wake: wake.filter((key): key is LaneKey => typeof key === 'string' && key !== lane) };
  }

  /** By name, so that lanes that come and go meanwhile disturb nothing. */
  async function* nonEmpty(): AsyncIterable<readonly LaneKey[]> {
    let from = '-';
    for (;;) {
      const page = await client.ask((redis) => redis.zrangebylex(keys.lanes, from, '+', 'LIMIT', 0, pageCount));
      if (page.length > 0) yield page as LaneKey[]; // whatever is in the index: a damaged key is drained to the dead letters
      if (page.length < pageCount) return;
      from = `(${page.at(-1)}`;
    }
  }

  async function forgetUser(user: string): Promise<number> {
    let count = 0;
    cache.clear();
    for (const direction of ['toFar', 'toJabber']) {
      const prefix = `[${direction} ${user} `;
      const end = Buffer.concat([Buffer.from(prefix), Buffer.from([0xff])]); // no UTF-8 text holds this byte
      for (;;) {
        const page = await client.ask((redis) => redis.zrangebylex(keys.lanes, prefix, end, 'LIMIT', 0, pageCount));
        if (page.length === 0) break;
        count += Number(await client.run(forget, [keys.lanes, keys.total], [keys.lane, ...page]));
        for (const lane of page) cache.forget(lane as LaneKey); // whatever is in the index
      }
    }
    return count;
  }

  return { append: appendAll, head, settle: settleOne, nonEmpty, forget: forgetUser };
}

/** The parts before it are stored. */
function halfDone(thrown: unknown): never {
  throw new Fault('store-away', { cause: thrown });
}

const block = (values: readonly (string | number)[]): readonly (string | number)[] => [values.length, ...values];

function numbers(answer: unknown, count: number): readonly unknown[] {
  if (!Array.isArray(answer) || answer.length !== count) throw new Fault('internal', { cause: 'append script' });
  return answer as unknown[]; // any[] otherwise
}

function lists(answer: unknown, count: number): readonly (readonly unknown[])[] {
  const isList = (one: unknown): one is readonly unknown[] => Array.isArray(one);
  if (!Array.isArray(answer) || answer.length !== count || !answer.every(isList))
    throw new Fault('internal', { cause: 'settle script' });
  return answer;
}
