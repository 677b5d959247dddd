/** The lanes that wait out a pause, found by whom they wait for. Pure; it holds each lane that holds something at most once. */
import type { LaneKey } from '../../core/model';
import type { WaitedFor } from '../../bridge/ports';

export interface PausedLanes {
  add(lane: LaneKey): void;
  remove(lane: LaneKey): void;
  has(lane: LaneKey): boolean;
  waitingFor(back: WaitedFor): readonly LaneKey[];
  isAnyFor(back: WaitedFor): boolean;
}

/** Whom a lane waits for, as a text: a lane's key is `direction user peer`. A damaged key gives a name that nobody asks for. */
export function waitedForBy(lane: LaneKey): string {
  return lane.startsWith('toJabber ') ? 'jabber' : lane.slice(0, lane.lastIndexOf(' '));
}

/** The same text for those who are back. */
export const nameOf = (back: WaitedFor): string => (back === 'jabber' ? back : `toFar ${back.user}`);

export function makePausedLanes(): PausedLanes {
  const groups = new Map<string, Set<LaneKey>>();

  return {
    add(lane) {
      const name = waitedForBy(lane);
      const group = groups.get(name);
      if (group === undefined) groups.set(name, new Set([lane]));
      else group.add(lane);
    },
    remove(lane) {
      const name = waitedForBy(lane);
      const group = groups.get(name);
      if (group?.delete(lane) && group.size === 0) groups.delete(name);
    },
    has: (lane) => groups.get(waitedForBy(lane))?.has(lane) === true,
    isAnyFor: (back) => groups.has(nameOf(back)),
    waitingFor: (back) => [...(groups.get(nameOf(back)) ?? [])],
  };
}
