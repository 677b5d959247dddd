/**
 * How ghosts are, from facts only: what the far side said, while its session confirms it or the lease of the lost session
 * runs (RFC 6121 section 4). A probe gets the truth, one of a stranger `unsubscribed` (section 4.3.2). It never invents a
 * presence and never shows one to a user who may not see it; the sending is the teller's.
 */
import type { Account, BareJid } from '../../core/address';
import { GATEWAY } from '../../core/model';
import type { FarPresence, LinkStatus, Verb } from '../../core/model';
import { isSamePresence, leaseMs } from '../../core/presence';
import { halvesOf, maySee } from '../../core/pair';
import { away, buddyOf, compact, marks, prune, type Buddy, type Circle, type Circles } from '../state/user-state';
import type { Log, Meter } from '../ports';
import { makeTimeouts } from '../pacing/timeouts';
import { makeTeller, type TellerOptions } from './publisher';

export interface AnnounceOptions extends Omit<TellerOptions, 'wanted' | 'mayTell'> {
  readonly circles: Pick<Circles, 'all'>;
  readonly isLinked: (user: BareJid) => boolean;
  readonly log: Log;
  readonly meter: Meter;
  /** how long ghosts stay what they were after the far session has gone */
  readonly leaseMs?: number;
  /** time for a new far session to say who is there; who was not named by then is offline */
  readonly settleMs?: number;
  /** contacts whose presence is remembered per user */
  readonly buddiesMax?: number;
}

export interface Announce {
  /** The far side says how a contact is. */
  farPresence(circle: Circle, peer: Account, presence: FarPresence): void;
  /** The user's server asks how a contact is. */
  probe(circle: Circle, peer: Account): void;
  /** What the user's far session does now. */
  session(circle: Circle, status: LinkStatus): void;
  /** `subscribed` is on its way to the user: presence that overtook it would be thrown away, so nothing is shown yet. */
  hold(circle: Circle, peer: Account): void;
  /** The `subscribed` has arrived, or never will. */
  release(circle: Circle, peer: Account): void;
  /** Shows the ghost as it is now, even if nothing changed, to a user who may see it. */
  show(circle: Circle, peer: Account): void;
  /** The user may not see the ghost any more: unavailable, before anything else is said. */
  hide(circle: Circle, peer: Account): void;
  streamUp(): void;
  /** After the circles of all users are loaded: corrects what the last run left behind; the lease runs for who has no
   * session yet. */
  begin(): void;
  /** Unavailable for everything announced to one user, now. */
  withdraw(circle: Circle): Promise<void>;
  /** Unavailable for everything announced to anybody, as far as the signal leaves time. Never rejects. */
  stop(signal: AbortSignal): Promise<void>;
  /** contacts whose difference is not told yet */
  waitingCount(): number;
}

const here: FarPresence = compact({ kind: 'presence', show: 'online', status: null, avatarHash: null });
const denial: Verb = { kind: 'verb', verb: 'unsubscribed', status: null };

export function makeAnnounce(options: AnnounceOptions): Announce {
  const { jabber, circles, isLinked, clock, log, meter, settleMs = 30_000, buddiesMax = 20_000 } = options;
  const teller = makeTeller({ ...options, wanted, mayTell: (buddy) => maySee(buddy.pair) });
  const lease = makeTimeouts<Circle>({ afterMs: options.leaseMs ?? leaseMs, due: expire, clock });
  const settling = makeTimeouts<Circle>({ afterMs: settleMs, due: settle, clock });

  function wanted(circle: Circle, buddy: Buddy): FarPresence {
    if (!maySee(buddy.pair) || !isLinked(circle.user)) return away;
    return buddy.peer === GATEWAY ? here : buddy.truth;
  }

  function learn(circle: Circle, buddy: Buddy, truth: FarPresence): void {
    if (!isSamePresence(truth, buddy.truth)) buddy.truth = compact(truth);
    teller.mark(circle, buddy);
  }

  function farPresence(circle: Circle, peer: Account, presence: FarPresence): void {
    if (!circle.buddies.has(peer)) {
      if (presence.show === 'offline') return;
      if (circle.buddies.size >= buddiesMax) {
        return meter.count('faults_total', { part: 'bridge', code: 'too-large' });
      }
    }
    const buddy = buddyOf(circle, peer);
    buddy.epoch = circle.epoch;
    const { avatarHash } = buddy.truth; // what is not said has not changed
    const isSilent = presence.avatarHash === null && avatarHash !== null;
    learn(circle, buddy, isSilent ? { ...presence, avatarHash } : presence);
  }

  function session(circle: Circle, status: LinkStatus): void {
    circle.isOnline = status === 'online';
    if (status === 'online') {
      lease.cancel(circle);
      settling.begin(circle);
      return;
    }
    // a session may name contacts before it is said to be online: what is said from here on counts for the next one
    if (status === 'connecting') circle.epoch += 1;
    settling.cancel(circle);
    lease.begin(circle);
  }

  function expire(circle: Circle): void {
    log.info({ peer: circle.user, count: circle.buddies.size }, 'no far session for long: its contacts are offline');
    for (const buddy of circle.buddies.values()) learn(circle, buddy, away);
  }

  function settle(circle: Circle): void {
    for (const buddy of circle.buddies.values()) if (buddy.epoch !== circle.epoch) learn(circle, buddy, away);
  }

  function probe(circle: Circle, peer: Account): void {
    const buddy = circle.buddies.get(peer);
    if (buddy && maySee(buddy.pair)) return teller.mark(circle, buddy, true);
    // `unsubscribed` would end a request that waits for its answer
    if (buddy && halvesOf(buddy.pair.state).sees === 'pending') return;
    jabber.sendNow(circle.user, peer, denial);
  }

  function show(circle: Circle, peer: Account): void {
    const buddy = circle.buddies.get(peer);
    if (buddy) teller.mark(circle, buddy, maySee(buddy.pair));
  }

  function release(circle: Circle, peer: Account): void {
    const buddy = circle.buddies.get(peer);
    if (!buddy || !(buddy.marks & marks.held)) return;
    buddy.marks &= ~marks.held;
    show(circle, peer);
  }

  function hide(circle: Circle, peer: Account): void {
    const buddy = circle.buddies.get(peer);
    if (!buddy) return;
    void teller.hide(circle, [buddy]);
    prune(circle, buddy);
  }

  return {
    farPresence,
    probe,
    session,
    hold: (circle, peer) => void (buddyOf(circle, peer).marks |= marks.held),
    release,
    show,
    hide,
    streamUp: () => teller.wake(),
    begin() {
      for (const circle of circles.all()) {
        if (!circle.isOnline) lease.begin(circle);
        for (const buddy of circle.buddies.values()) teller.mark(circle, buddy);
      }
    },
    async withdraw(circle) {
      lease.cancel(circle);
      settling.cancel(circle);
      await teller.hide(circle, circle.buddies.values());
      teller.drop(circle);
    },
    async stop(signal) {
      lease.stop();
      settling.stop();
      await teller.stop(circles.all(), signal);
    },
    waitingCount: () => teller.waitingCount(),
  };
}
