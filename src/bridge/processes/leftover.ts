/**
 * What a process leaves for the next one when it gives the component stream away: events that are not kept in lanes, and
 * stanzas that were not written. As text for the store, and back; what cannot be read is left out. Pure.
 */
import type { Account, BareJid } from '../../core/address';
import type { Event } from '../../core/model';

export interface Rest {
  /** stanzas */
  readonly unwritten: readonly string[];
  /** oldest first */
  readonly events: readonly { readonly user: BareJid; readonly peer: Account; readonly event: Event }[];
}

const none: Rest = { unwritten: [], events: [] };
/** Those of a Jabber user that another process can still act on. */
const kinds: ReadonlySet<unknown> = new Set<Event['kind']>(['verb', 'resource', 'probe', 'unreachable']);

export const leftoverOf = ({ unwritten, events }: Rest): string =>
  JSON.stringify({ unwritten, events: events.filter(({ event }) => kinds.has(event.kind)) });

/** Never throws. */
export function parseLeftover(text: string): Rest {
  try {
    const read: unknown = JSON.parse(text);
    if (typeof read !== 'object' || read === null || !('unwritten' in read) || !('events' in read)) return none;
    const { unwritten, events } = read;
    return {
      unwritten: Array.isArray(unwritten) ? unwritten.filter((stanza) => typeof stanza === 'string') : [],
      events: Array.isArray(events) ? events.filter(isEntry) : [],
    };
  } catch {
    return none;
  }
}

/** Written by this program, under this version or the one before: the shape is looked at, not each value. */
function isEntry(value: unknown): value is Rest['events'][number] {
  if (typeof value !== 'object' || value === null) return false;
  if (!('user' in value) || !('peer' in value) || !('event' in value)) return false;
  const { user, peer, event } = value;
  if (typeof user !== 'string' || typeof peer !== 'string' || typeof event !== 'object' || event === null) return false;
  return 'kind' in event && kinds.has(event.kind);
}
