/**
 * Calls of scripts that write to several shards. A call has a part for each shard and right: on one Redis, and behind
 * Sentinel, all parts go in one call, since each further one costs more than the work of a small part; in a Redis Cluster
 * each goes to the node that has it. Every key that a script touches is declared in its part. Each part begins with the
 * term that the caller writes under (lib/parts.lua); when the term is another's now, nothing of the part is done.
 */
import { Fault, toFault } from '../../core/fault';
import type { Terms } from './terms';
import type { LeaseName } from '../types';
import type { Client, How } from '../redis/client';
import type { ShardKeys } from '../redis/keys';
import type { Script } from '../redis/scripts';

type Argument = string | number;

export interface Part {
  readonly shard: ShardKeys;
  /** the lease under which it writes */
  readonly under: LeaseName;
  readonly keys: readonly string[];
  readonly args: readonly Argument[];
}

/** How a script begins that has one part: its first key and argument. Throws Fault `store-away` when the lease is not held. */
export function fenceOf(terms: Terms, shard: ShardKeys, under: LeaseName): readonly [key: string, term: string] {
  return [under === 'stream' ? shard.streamTerm : shard.term, terms.of(under)];
}

/** The lease that a lane's drains are made under: lanes to the Jabber side are drained where the stream is. */
export const drainedUnder = (lane: string, shard: ShardKeys): LeaseName =>
  lane.startsWith('toJabber ') ? 'stream' : shard.number;

/**
 * Runs a script for these parts; resolves with what it answers to each, a Fault where it was not done (`isUndone`) or may
 * not have been. Never rejects.
 */
export async function runParts(
  { client, terms }: { readonly client: Client; readonly terms: Terms },
  script: Script,
  common: readonly Argument[],
  parts: readonly Part[],
  how?: How,
): Promise<readonly unknown[]> {
  const answers: unknown[] = [];
  const calls: { place: number; part: Part; term: string }[] = [];
  for (const [place, part] of parts.entries()) {
    try {
      calls.push({ place, part, term: terms.of(part.under) });
    } catch (thrown) {
      answers[place] = toFault(thrown);
    }
  }
  const bundles = client.isCluster ? calls.map((call) => [call]) : calls.length > 0 ? [calls] : [];
  await Promise.all(
    bundles.map(async (bundle) => {
      const keys: string[] = [];
      const args: Argument[] = [...common, bundle.length];
      for (const { part, term } of bundle) {
        keys.push(part.under === 'stream' ? part.shard.streamTerm : part.shard.term);
        args.push(term, part.keys.length, part.args.length);
        for (const key of part.keys) keys.push(key); // thousands: more than a call takes as arguments
        for (const arg of part.args) args.push(arg);
      }
      const answer = await client.run(script, keys, args, how).catch(toFault);
      for (const [i, { place, part, term }] of bundle.entries()) {
        const own: unknown = Array.isArray(answer) ? answer[i] : answer;
        answers[place] = own === 'STALE' ? terms.lost(part.under, term) : own;
      }
    }),
  );
  return answers;
}

/** The number that a script with one part answers. Throws Fault `store-away` when the term was another's. */
export function numberOf(terms: Terms, under: LeaseName, term: string, answer: unknown): number {
  if (answer === 'STALE') throw terms.lost(under, term);
  if (typeof answer !== 'number') throw new Fault('internal', { cause: 'a script without an answer' });
  return answer;
}
