/**
 * What this process knows to lie in a lane from the answers to its own steps, so that a drain need not read what was
 * stored a moment ago. The store stays the truth: each answer tells how long the lane is, and a lane that is not as long
 * as it should be is known no more; neither is anything after an answer that did not come. Pure, bounded: the longest
 * known lanes go first, long lanes and long texts are not kept at all.
 */
import type { Stored } from '../../bridge/ports';
import type { LaneKey } from '../../core/model';

export interface LaneCache {
  /** `item` was stored at the end of the lane, which is so long with it; `size` is the length of its text. */
  stored(lane: LaneKey, item: Stored, size: number, length: number): void;
  /** So many were taken from the head and nothing was put back; so many are left. */
  taken(lane: LaneKey, count: number, left: number): void;
  /** The first of them; null when that is not known. */
  head(lane: LaneKey, count: number): readonly Stored[] | null;
  forget(lane: LaneKey): void;
  clear(): void;
}

const laneMax = 500;
const sizeMax = 4_096;

export function makeLaneCache(itemsMax = 10_000): LaneCache {
  const lanes = new Map<LaneKey, Stored[]>();
  let count = 0;

  function forget(lane: LaneKey): void {
    count -= lanes.get(lane)?.length ?? 0;
    lanes.delete(lane);
  }

  function makeRoom(): void {
    while (count >= itemsMax) {
      const oldest = lanes.keys().next();
      if (oldest.done) return;
      forget(oldest.value);
    }
  }

  return {
    stored(lane, item, size, length) {
      const known = lanes.get(lane);
      if (length !== (known?.length ?? 0) + 1 || length > laneMax || size > sizeMax) return forget(lane);
      if (itemsMax < 1) return;
      makeRoom();
      const items = lanes.get(lane);
      if (items) items.push(item);
      else if (length === 1) lanes.set(lane, [item]);
      else return;
      count += 1;
    },
    taken(lane, taken, left) {
      const items = lanes.get(lane);
      if (items === undefined) return;
      if (items.length - taken !== left || left === 0) return forget(lane);
      items.splice(0, taken);
      count -= taken;
    },
    head: (lane, wanted) => lanes.get(lane)?.slice(0, wanted) ?? null,
    forget,
    clear() {
      lanes.clear();
      count = 0;
    },
  };
}
