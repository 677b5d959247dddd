/** Presence: filled in by the next commit. */
import type { Session } from './sessions';
import type { World } from './world';

export function presenceBound(_world: World, _session: Session): void {
  return;
}

export function presenceUnbound(_world: World, _session: Session): void {
  return;
}
