/**
 * What this process last read at the head of each lane: the ids behind the fence of a settlement. A process that was
 * suspended (or lost its lock) while another drained the lane then settles nothing instead of the wrong envelopes.
 * Bounded: the longest unused lanes are forgotten, and a settlement of such a lane is not fenced.
 */
import type { LaneKey } from '../../core/model';

/** Envelope ids in order; null = could not be read. */
type Ids = readonly (string | null)[];

export interface Fence {
  /** A head was read. */
  note(lane: LaneKey, ids: Ids): void;
  /** The last readable envelope among the first `taken`: its place and id; null when nothing is known. */
  lastOf(lane: LaneKey, taken: number): { readonly index: number; readonly id: string } | null;
  /** Places, among the first `taken`, of what could not be read. */
  poisoned(lane: LaneKey, taken: number): readonly number[];
  /** A settlement was applied: so many were taken, these ids stand in their place. */
  settled(lane: LaneKey, taken: number, kept: readonly string[]): void;
  /** Nothing is known of this lane any more. */
  forget(lane: LaneKey): void;
}

export function makeFence(lanesMax = 4_096): Fence {
  const heads = new Map<LaneKey, Ids>();

  function note(lane: LaneKey, ids: Ids): void {
    heads.delete(lane);
    if (ids.length === 0) return;
    heads.set(lane, ids);
    if (heads.size <= lanesMax) return;
    const oldest = heads.keys().next();
    if (!oldest.done) heads.delete(oldest.value);
  }

  return {
    note,
    lastOf(lane, taken) {
      const ids = heads.get(lane)?.slice(0, taken) ?? [];
      const index = ids.findLastIndex((id) => id !== null);
      const id = ids[index];
      return id === null || id === undefined ? null : { index, id };
    },
    poisoned: (lane, taken) =>
      (heads.get(lane) ?? []).slice(0, taken).flatMap((id, index) => (id === null ? [index] : [])),
    settled: (lane, taken, kept) => note(lane, [...kept, ...(heads.get(lane) ?? []).slice(taken)]),
    forget: (lane) => void heads.delete(lane),
  };
}
