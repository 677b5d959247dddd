/**
 * Settlements: those of many lanes go out together, in one call of the script for all shards (leases/parts.ts). Each is
 * fenced twice: by the term of the lease under which its lane is drained, and by the head that the drain has read
 * (fence.ts); one made from an outdated head rejects `store-away` and changes nothing. What they append is not bounded,
 * since each entry answers something that was taken, and belongs to the same user, so to the same shard.
 */
import type { Settlement } from '../../bridge/ports';
import { makeBatcher } from '../../core/async';
import { Fault } from '../../core/fault';
import type { LaneKey } from '../../core/model';
import type { ShardKeys } from '../redis/keys';
import { drainedUnder, runParts, type Part } from '../leases/parts';
import { loadScript } from '../redis/scripts';
import type { LeaseName } from '../types';
import type { Spans } from './append';
import { encode } from './envelope';
import type { Fence } from './fence';
import { groupAppends } from './groups';
import type { LaneOptions } from './options';

const script = loadScript(__dirname, 'settle');
export const settleScripts = [script];

const settleMax = 2_000;
/** envelopes that the settlements of one script call deal with */
const settleWeight = 1_000;
/** settlements held at most, for each envelope that may wait in all: only a bound, age keeps it far below */
const heldShare = 0.1;
/** how often a call is repeated because a span of time has ended meanwhile */
const spanTries = 5;

export type SettleOptions = Pick<
  LaneOptions,
  'client' | 'keys' | 'terms' | 'cache' | 'totals' | 'totalMax' | 'deadMax' | 'deadAgeMs'
> & {
  readonly fence: Fence;
  readonly spans: Spans;
  readonly windows: readonly [number, number];
};

interface Step {
  readonly settlement: Settlement;
  readonly shard: ShardKeys;
  readonly under: LeaseName;
  /** all but what it appends */
  readonly args: readonly (string | number)[];
}

type Settled = { readonly left: number; readonly wake: readonly LaneKey[] };

export function makeSettle(options: SettleOptions): (settlement: Settlement) => Promise<Settled> {
  const { keys, cache, totals, fence, spans, windows, totalMax, deadMax, deadAgeMs } = options;
  const heldMax = Math.ceil(totalMax * heldShare);

  /** Throws Fault `internal` when it cannot be stored. */
  function stepOf(settlement: Settlement): Step {
    const { lane, taken, keep, dead, hold = [], append } = settlement;
    const shard = keys.shardOfLane(lane);
    if (keep.length > taken || taken > settleMax) throw new Fault('internal', { cause: 'settlement out of bounds' });
    if (append.some((entry) => keys.shardOfLane(entry.lane) !== shard))
      throw new Fault('internal', { cause: 'a settlement appends to another shard' });
    const last = fence.lastOf(lane, taken);
    const isAllPoisoned = taken > 0 && settlement.poisoned === taken;
    const poisoned = isAllPoisoned ? Array.from({ length: taken }, (_, i) => i) : fence.poisoned(lane, taken);
    const args = [taken, last?.index ?? -1, last?.id ?? ''];
    pushBlock(args, keep.map(encode).reverse());
    pushBlock(args, dead.map(encode));
    pushBlock(args, poisoned);
    args.push(hold.length);
    for (const { id } of hold) args.push(id);
    return { settlement, shard, under: drainedUnder(lane, shard), args };
  }

  function partOf(steps: readonly Step[], { shard, under }: Step): Part {
    const partKeys = [shard.lanes, shard.total, shard.dead, shard.held];
    const args: (string | number)[] = [shard.nameAt, spans.now(), steps.length];
    for (const { settlement, args: own } of steps) {
      const { lane, append } = settlement;
      partKeys.push(shard.lane + lane);
      for (const arg of own) args.push(arg);
      if (append.length === 0) {
        args.push(0);
        continue;
      }
      const groups = groupAppends(append, [...append.keys()], shard, spans.now());
      for (const key of groups.keys) partKeys.push(key);
      for (const arg of groups.args) args.push(arg);
    }
    return { shard, under, keys: partKeys, args };
  }

  /**
   * Answers of the script to these steps, in order; a Fault where it was not done or is not known. What they say of a lane
   * is noted at once, as append.ts does: one step later, and what was appended behind a settlement would be noted before
   * it, and the lane be known no more. Never rejects.
   */
  async function call(steps: readonly Step[]): Promise<readonly unknown[]> {
    const answers = new Map<Step, unknown>();
    let wanted = byPart(steps);
    for (let tries = 0; wanted.length > 0 && tries < spanTries; tries += 1) {
      const parts = wanted.flatMap((some) => (some[0] ? [partOf(some, some[0])] : []));
      const told = await runParts(options, script, [...windows, deadMax, deadAgeMs, heldMax], parts, {
        isReplicated: true,
      });
      const again: (readonly Step[])[] = [];
      for (const [i, some] of wanted.entries()) {
        const answer = told[i];
        if (spans.told(answer) !== null) {
          again.push(some);
          continue;
        }
        const list: readonly unknown[] = Array.isArray(answer) ? answer : [];
        some.forEach((step, place) => {
          const own = answer instanceof Fault ? answer : list[place];
          answers.set(step, own);
          if (Array.isArray(own)) settled(step.settlement, own[0]);
          else cache.forget(step.settlement.lane); // who knows whether it was done
        });
        if (some[0]) totals.note(some[0].shard, list[some.length]);
      }
      wanted = again;
    }
    return steps.map((step) => answers.get(step));
  }

  const settleSoon = makeBatcher<Step, Fault | readonly unknown[]>({
    async send(steps) {
      const answers = await call(steps);
      return answers.map((answer) => {
        if (Array.isArray(answer)) return answer as unknown[]; // any[] otherwise
        return answer instanceof Fault ? answer : new Fault('internal', { cause: 'settle script' });
      });
    },
    weigh: ({ settlement }) => 1 + settlement.taken + settlement.append.length,
    batchWeight: settleWeight,
  });

  /** What this process knows of the lane now. */
  function settled({ lane, taken, keep, append }: Settlement, left: unknown): void {
    if (typeof left !== 'number' || left < 0) return (fence.forget(lane), cache.forget(lane));
    fence.settled(
      lane,
      taken,
      keep.map((envelope) => envelope.id),
    );
    if (keep.length > 0) cache.forget(lane);
    else cache.taken(lane, taken, left);
    for (const entry of append) cache.forget(entry.lane);
  }

  return async (settlement) => {
    const answer = await settleSoon(stepOf(settlement));
    if (answer instanceof Fault) throw answer;
    const [left, ...wake] = answer;
    if (typeof left !== 'number') throw new Fault('internal', { cause: 'settle script' });
    if (left < 0) throw new Fault('store-away', { cause: 'the lane was settled by another drain' });
    const { lane } = settlement;
    return { left, wake: wake.filter((key): key is LaneKey => typeof key === 'string' && key !== lane) };
  };
}

/** The steps of each shard and lease, in order. */
function byPart(steps: readonly Step[]): readonly (readonly Step[])[] {
  const parts = new Map<string, Step[]>();
  for (const step of steps) {
    const name = `${step.shard.number} ${step.under}`;
    const known = parts.get(name);
    if (known) known.push(step);
    else parts.set(name, [step]);
  }
  return [...parts.values()];
}

function pushBlock(args: (string | number)[], values: readonly (string | number)[]): void {
  args.push(values.length);
  for (const value of values) args.push(value);
}
