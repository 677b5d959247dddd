/**
 * The producing half of the doorbell: rings of one turn of the event loop become one pipelined addBulk, one at a time.
 * A lane that is rung again while its ring is on the way is rung again after it, since the drain may have begun.
 * It refuses nothing by size: it holds each lane at most once.
 */
import type { LaneKey } from '../../core/model';

export interface Ringer {
  /** Resolves when all of them are rung; rejects like `send`. */
  ring(lanes: readonly LaneKey[], hurry: boolean): Promise<void>;
}

const batchMax = 500;

interface Flight {
  readonly lanes: Map<LaneKey, boolean>;
  readonly done: Promise<void>;
}

/** `send` is one round trip for up to 500 lanes; it may reject. */
export function makeRinger(send: (batch: readonly (readonly [LaneKey, boolean])[]) => Promise<void>): Ringer {
  let next: Flight | null = null;
  let last: Promise<unknown> = Promise.resolve();

  /** Takes off when the flight before it has landed; until then lanes may join. */
  function takeOff(): Flight {
    const lanes = new Map<LaneKey, boolean>();
    const before = last;
    const done = before.then(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      next = null;
      const all = [...lanes];
      for (let from = 0; from < all.length; from += batchMax) await send(all.slice(from, from + batchMax));
    });
    last = done.catch(() => undefined);
    return { lanes, done };
  }

  return {
    ring(lanes, hurry) {
      if (lanes.length === 0) return Promise.resolve();
      next ??= takeOff();
      for (const lane of lanes) next.lanes.set(lane, hurry || (next.lanes.get(lane) ?? false));
      return next.done;
    },
  };
}
