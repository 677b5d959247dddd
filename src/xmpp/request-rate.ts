/**
 * How much one Jabber user may ask of the gateway: a token bucket each (`limits.requestsPerMinute`). Every iq counts, and each new presence
 * to ghosts; what a server sends by itself for a linked user (the same presence to every contact, probes, subscriptions, going
 * offline) does not, because a long roster makes hundreds of those at once. Bounded: a user who is forgotten has a full bucket.
 */
import { takeTokens, type Bucket } from '../core/access';
import type { BareJid } from '../core/address';
import type { Event } from '../core/model';
import { makeRecentMap } from '../core/recent-map';
import type { Clock } from '../bridge/ports';

export interface RequestRate {
  /** Takes one token; false when there is none. */
  take(user: BareJid): boolean;
  /** The same for presence: only what is new costs a token. `isLinked`: the user has an account here. */
  takeFor(user: BareJid, event: Event, isLinked: boolean): boolean;
}

export function makeRequestRate(requestsPerMinute: () => number, clock: Clock): RequestRate {
  const buckets = makeRecentMap<BareJid, Bucket>();
  const presences = makeRecentMap<string, string>();

  const take = (user: BareJid): boolean => {
    const perMinute = requestsPerMinute();
    const { bucket, takenCount } = takeTokens(buckets.get(user) ?? null, clock.monotonic(), perMinute, perMinute);
    buckets.set(user, bucket);
    return takenCount === 1;
  };

  return {
    take,
    takeFor(user, event, isLinked) {
      if (event.kind === 'probe') return isLinked || take(user);
      if (event.kind !== 'resource' || event.show === 'offline') return true;
      const jid = `${user}/${event.resource}`;
      const shown = `${event.show} ${event.priority} ${event.status ?? ''}`;
      if (isLinked && presences.get(jid) === shown) return true;
      presences.set(jid, shown);
      return take(user);
    },
  };
}
