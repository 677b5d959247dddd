/** What the suites of this folder are run on, and what they look at it with. */
import type { LaneKey } from '../../src/core/model';
import type { Store } from '../../src/store/types';
import { lane } from '../support/envelopes';

export interface Bounds {
  readonly dedupeWindowMs?: number;
  readonly liveWindowMs?: number;
  readonly laneMax?: number;
  readonly totalMax?: number;
  readonly deadMax?: number;
  readonly deadAgeMs?: number;
}

export interface Subject {
  /** An empty store. */
  open(bounds?: Bounds): Promise<Store>;
  /** Another process on the same data as that store. */
  sibling(store: Store): Promise<Store>;
  /** Puts a text that is no envelope at the end of a lane. */
  poison(store: Store, where: LaneKey, raw: string): Promise<void>;
}

export const nothing = { keep: [], append: [], dead: [] } as const;
export const a = lane('juliet@x.org', 'romeo@y.net');
export const b = lane('juliet@x.org', 'nurse@y.net');
export const back = lane('juliet@x.org', 'romeo@y.net', 'toJabber');
export const other = lane('juliet@x.organic', 'romeo@y.net');

export async function ids(store: Store, where: LaneKey, count = 1_000): Promise<string[]> {
  const stored = await store.lanes.head(where, count);
  return stored.map((item) => ('envelope' in item ? item.envelope.id : `poisoned ${item.poisoned}`));
}

export async function allLanes(store: Store): Promise<LaneKey[]> {
  const found: LaneKey[] = [];
  for await (const page of store.lanes.nonEmpty()) found.push(...page);
  return found.sort();
}

export async function letters(store: Store, count = 2): Promise<string[]> {
  const found: string[] = [];
  let before: string | null = null;
  do {
    const page: Awaited<ReturnType<Store['lanes']['deadLetters']>> = await store.lanes.deadLetters({ before, count });
    found.push(
      ...page.entries.map(({ content }) =>
        'envelope' in content ? content.envelope.id : `poisoned ${content.poisoned}`,
      ),
    );
    before = page.next;
  } while (before !== null);
  return found;
}
