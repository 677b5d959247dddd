/**
 * What presence is: many Jabber resources folded into one, how long a ghost keeps its presence without a session, and when two presences are the
 * same, so that only changes are sent. It never invents a presence: what is not known is offline.
 */
import type { FarPresence, ResourcePresence, Show } from './model';
import { excerpt } from './text';

/** A presence as both sides can show it. */
export type Presence = Pick<ResourcePresence, 'show' | 'status'>;

export const offline: Presence = { show: 'offline', status: null };

/** Longest status that is remembered and passed on, in characters: people write a line, and many are kept. */
const statusCount = 1_024;

/** A status as it is remembered; null for none. */
export function shortStatus(text: string | null): string | null {
  return text === null || text === '' ? null : excerpt(text, statusCount);
}

/** Best first. dnd stands above away: it was chosen by a person who is there, away is mostly chosen by a timer. */
const best: readonly Show[] = ['chat', 'online', 'dnd', 'away', 'xa', 'offline'];

/** A total order, so that the fold cannot depend on the order of its input. Negative: `a` speaks for the user before `b`. */
function compare(a: ResourcePresence, b: ResourcePresence): number {
  return (
    b.priority - a.priority ||
    best.indexOf(a.show) - best.indexOf(b.show) ||
    Number(!a.status) - Number(!b.status) ||
    order(a.resource, b.resource) ||
    order(a.status ?? '', b.status ?? '')
  );
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * All resources of a user as one presence: of those that are online with the highest priority the best show, with the
 * status of that resource. A negative priority wants no messages (RFC 6121 section 4.7.2.3) and does not count.
 */
export function foldPresence(resources: Iterable<ResourcePresence>): Presence {
  const [first] = [...resources].filter(({ show, priority }) => show !== 'offline' && priority >= 0).sort(compare);
  return first === undefined ? offline : { show: first.show, status: first.status || null };
}

/** Resources are chosen by clients and their going is not always told, so they may pile up: the oldest are forgotten. */
const resourceLimitCount = 32;

/** The resources of a user after one of them has spoken; unavailable removes it. The argument is not changed. */
export function withResource(
  resources: ReadonlyMap<string, ResourcePresence>,
  spoke: ResourcePresence,
): ReadonlyMap<string, ResourcePresence> {
  const next = new Map(resources);
  next.delete(spoke.resource);
  if (spoke.show === 'offline') return next;
  next.set(spoke.resource, spoke);
  for (const oldest of next.keys()) {
    if (next.size <= resourceLimitCount) break;
    next.delete(oldest);
  }
  return next;
}

const said = (text: string | null): string => text ?? '';

/** Would a contact see no difference? An empty status is none. Avatars count where both presences can carry one. */
export function isSamePresence(a: Presence | FarPresence, b: Presence | FarPresence): boolean {
  if (a.show !== b.show || said(a.status) !== said(b.status)) return false;
  if (!('avatarHash' in a) || !('avatarHash' in b) || a.show === 'offline') return true;
  return a.avatarHash === b.avatarHash;
}

/** How long a ghost stays what it was after its far session has gone, ms. */
export const leaseMs = 90_000;
