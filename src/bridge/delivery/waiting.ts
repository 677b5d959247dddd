/**
 * Which lanes are waiting out a pause, by the side they wait for, so that they can be woken when that side returns
 * instead of when the pause ends. Only a hint for this process: what it does not know, the doorbell's sweep finds.
 */
import type { BareJid } from '../../core/address';
import { parseLaneKey } from '../../core/model';
import type { LaneKey } from '../../core/model';
import type { DrainVerdict } from '../ports';

export interface Waiters {
  /** Remembers or forgets a lane after a drain. */
  note(key: LaneKey, verdict: DrainVerdict): void;
  /** Lanes of a user that wait for the far side. */
  forFar(user: BareJid): readonly LaneKey[];
  /** All lanes that wait for the Jabber side. */
  forJabber(): readonly LaneKey[];
  count(): number;
}

export function makeWaiters(): Waiters {
  const toFar = new Map<BareJid, Set<LaneKey>>();
  const toJabber = new Set<LaneKey>();

  function note(key: LaneKey, verdict: DrainVerdict): void {
    const lane = parseLaneKey(key);
    if (!lane) return;
    const isWaiting = verdict.again && verdict.inMs > 0;
    if (lane.direction === 'toJabber') return void (isWaiting ? toJabber.add(key) : toJabber.delete(key));
    const mine = toFar.get(lane.user) ?? new Set();
    if (isWaiting) mine.add(key);
    else mine.delete(key);
    if (mine.size > 0) toFar.set(lane.user, mine);
    else toFar.delete(lane.user);
  }

  return {
    note,
    forFar: (user) => [...(toFar.get(user) ?? [])],
    forJabber: () => [...toJabber],
    count: () => [...toFar.values()].reduce((sum, lanes) => sum + lanes.size, toJabber.size),
  };
}
