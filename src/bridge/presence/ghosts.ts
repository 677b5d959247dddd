/**
 * The presence of ghosts, from facts only: what the far side said, while its session confirms it or the lease of the lost
 * session runs (RFC 6121 section 4). A probe gets the current presence, one of a stranger `unsubscribed` (section 4.3.2).
 * It never invents a presence and never shows one to a user who may not see it; the publisher sends.
 */
import type { Account, BareJid } from '../../core/address';
import { Fault, faultText } from '../../core/fault';
import { textsFor } from '../../core/i18n';
import { gatewayPeer } from '../../core/model';
import type { FarPresence, LinkStatus, Verb } from '../../core/model';
import { isSamePresence, leaseMs, shortStatus } from '../../core/presence';
import { halvesOf, maySee } from '../../core/contacts/pair';
import {
  available,
  unavailable,
  contactStateOf,
  sharedPresence,
  marks,
  forgetIfBlank,
  type ContactState,
  type UserState,
} from '../state/user-state';
import type { UserStates } from '../state/user-states';
import type { Log, Meter, LanguageMemory } from '../ports';
import { makeTimeouts } from '../pacing/timeouts';
import { makePublisher, type PublisherOptions } from './publisher';

export interface GhostsOptions extends Omit<PublisherOptions, 'presenceFor' | 'maySee'> {
  readonly userStates: Pick<UserStates, 'all'>;
  readonly isLinked: (user: BareJid) => boolean;
  readonly log: Log;
  readonly meter: Meter;
  /** how long ghosts stay what they were after the far session has gone */
  readonly leaseMs?: number;
  /** time for a new far session to say who is there; who was not named by then is unavailable */
  readonly settleMs?: number;
  /** a far session that is away for less is not worth a word of the gateway contact */
  readonly awayAfterMs?: number;
  /** of what the gateway contact says */
  readonly languages: Pick<LanguageMemory, 'of'>;
  /** contacts whose presence is remembered per user */
  readonly contactsMax?: number;
}

export interface Ghosts {
  /** The far side says the presence of a contact. */
  onFarPresence(userState: UserState, peer: Account, presence: FarPresence): void;
  /** The user's server asks for the presence of a contact. */
  onProbe(userState: UserState, peer: Account): void;
  /** What the user's far session does now, and why. */
  onSession(userState: UserState, status: LinkStatus, fault: Fault | null): void;
  /** `subscribed` is on its way to the user: presence that overtook it would be thrown away, so nothing is sent yet. */
  awaitSubscribed(userState: UserState, peer: Account): void;
  /** The `subscribed` has left its lane: it has arrived, or never will. */
  onSubscribedSent(userState: UserState, peer: Account): void;
  /** Sends the ghost's presence, even if nothing changed, to a user who may see it; after its `subscribed`, if one is on
   * its way. */
  show(userState: UserState, peer: Account): void;
  /** The user may not see the ghost any more: unavailable, before anything else is said. */
  hide(userState: UserState, peer: Account): void;
  onStreamUp(): void;
  /** After the states of all users are loaded: corrects what the last run left behind; the lease runs for who has no
   * session yet. */
  start(): void;
  /** Every contact of the user is shown as it is, if it is not yet. */
  showAll(userState: UserState): void;
  /** Unavailable for every contact of one user, now. */
  withdraw(userState: UserState): Promise<void>;
  /** Unavailable for every contact of everybody, as far as the signal leaves time; unless another process goes on with
   * them as they are. Never rejects. */
  stop(signal: AbortSignal, isHandedOver?: boolean): Promise<void>;
}

const unsubscribed: Verb = { kind: 'verb', verb: 'unsubscribed', status: null };

export function makeGhosts(options: GhostsOptions): Ghosts {
  const { jabber, userStates, isLinked, clock, log, meter, languages, settleMs = 30_000 } = options;
  const { contactsMax = 20_000 } = options;
  const publisher = makePublisher({
    ...options,
    presenceFor,
    maySee: (contact) => maySee(contact.pair) && !isAwaiting(contact),
  });
  const lease = makeTimeouts<UserState>({ afterMs: options.leaseMs ?? leaseMs, due: expire, clock });
  const away = makeTimeouts<UserState>({ afterMs: options.awayAfterMs ?? 3_000, due: showAway, clock });
  const settling = makeTimeouts<UserState>({ afterMs: settleMs, due: endUnnamed, clock });

  /** RFC 6121 section 3.1.6: presence follows its `subscribed`; a server throws away what comes before. */
  const isAwaiting = (contact: ContactState): boolean => (contact.marks & marks.awaitsSubscribed) !== 0;

  function presenceFor(userState: UserState, contact: ContactState): FarPresence {
    if (isAwaiting(contact)) return contact.sentPresence;
    if (!maySee(contact.pair) || !isLinked(userState.user)) return unavailable;
    return contact.peer === gatewayPeer ? userState.gatewayPresence : contact.farPresence;
  }

  function setFarPresence(userState: UserState, contact: ContactState, truth: FarPresence): void {
    if (!isSamePresence(truth, contact.farPresence)) contact.farPresence = sharedPresence(truth);
    publisher.update(userState, contact);
  }

  function onFarPresence(userState: UserState, peer: Account, presence: FarPresence): void {
    if (!userState.contacts.has(peer)) {
      if (presence.show === 'offline') return;
      if (userState.contacts.size >= contactsMax) {
        return meter.count('faults_total', { part: 'bridge', code: 'too-large' });
      }
    }
    const contact = contactStateOf(userState, peer);
    contact.saidInSession = userState.sessionCount;
    const { avatarHash } = contact.farPresence; // what is not said has not changed
    const isSilent = presence.avatarHash === null && avatarHash !== null;
    setFarPresence(userState, contact, isSilent ? { ...presence, avatarHash } : presence);
  }

  /** XEP-0100 sections 4.4 and 4.7: the gateway contact shows whether the far side can be used. */
  function showLink(userState: UserState, presence: FarPresence): void {
    userState.gatewayPresence = presence;
    const contact = userState.contacts.get(gatewayPeer);
    if (contact) publisher.update(userState, contact);
  }

  function showAway(userState: UserState): void {
    showLink(userState, {
      ...available,
      show: 'away',
      status: textsFor(languages.of(userState.user)).notices.connecting,
    });
  }

  function onLinkStatus(userState: UserState, status: LinkStatus, fault: Fault | null): void {
    if (status === 'connecting' || status === 'waiting') {
      if (userState.gatewayPresence === available) away.begin(userState);
      return;
    }
    away.cancel(userState);
    if (status === 'online') return showLink(userState, available);
    const why = faultText((fault ?? new Fault('not-authorized')).toData(), languages.of(userState.user)).text;
    showLink(userState, status === 'refused' ? { ...unavailable, status: shortStatus(why) } : unavailable);
  }

  function onSession(userState: UserState, status: LinkStatus, fault: Fault | null): void {
    onLinkStatus(userState, status, fault);
    userState.hasFarSession = status === 'online';
    if (status === 'online') {
      lease.cancel(userState);
      settling.begin(userState);
      return;
    }
    // a session may name contacts before it is said to be online: what is said from here on counts for the next one
    if (status === 'connecting') userState.sessionCount += 1;
    settling.cancel(userState);
    lease.begin(userState);
  }

  function expire(userState: UserState): void {
    log.info(
      { peer: userState.user, count: userState.contacts.size },
      'no far session for long: its contacts are unavailable',
    );
    for (const contact of userState.contacts.values()) setFarPresence(userState, contact, unavailable);
  }

  function endUnnamed(userState: UserState): void {
    for (const contact of userState.contacts.values())
      if (contact.saidInSession !== userState.sessionCount) setFarPresence(userState, contact, unavailable);
  }

  function onProbe(userState: UserState, peer: Account): void {
    const contact = userState.contacts.get(peer);
    if (contact && maySee(contact.pair)) return publisher.update(userState, contact, true);
    // `unsubscribed` would end a request that waits for its answer
    if (contact && halvesOf(contact.pair.state).sees === 'pending') return;
    jabber.sendNow(userState.user, peer, unsubscribed);
  }

  function show(userState: UserState, peer: Account): void {
    const contact = userState.contacts.get(peer);
    if (contact) publisher.update(userState, contact, maySee(contact.pair));
  }

  function onSubscribedSent(userState: UserState, peer: Account): void {
    const contact = userState.contacts.get(peer);
    if (!contact || !isAwaiting(contact)) return;
    contact.marks &= ~marks.awaitsSubscribed;
    show(userState, peer);
  }

  function hide(userState: UserState, peer: Account): void {
    const contact = userState.contacts.get(peer);
    if (!contact) return;
    contact.marks &= ~marks.awaitsSubscribed;
    void publisher.hide(userState, [contact]);
    forgetIfBlank(userState, contact);
  }

  return {
    onFarPresence: onFarPresence,
    onProbe: onProbe,
    onSession: onSession,
    awaitSubscribed: (userState, peer) => void (contactStateOf(userState, peer).marks |= marks.awaitsSubscribed),
    onSubscribedSent: onSubscribedSent,
    show,
    hide,
    onStreamUp: () => publisher.onStreamUp(),
    start() {
      for (const userState of userStates.all()) {
        if (!userState.hasFarSession) {
          lease.begin(userState);
          away.begin(userState);
        }
        for (const contact of userState.contacts.values()) publisher.update(userState, contact);
      }
    },
    showAll(userState) {
      for (const contact of userState.contacts.values()) publisher.update(userState, contact);
    },
    async withdraw(userState) {
      lease.cancel(userState);
      settling.cancel(userState);
      away.cancel(userState);
      await publisher.hide(userState, userState.contacts.values());
      publisher.drop(userState);
    },
    async stop(signal, isHandedOver = false) {
      lease.stop();
      settling.stop();
      away.stop();
      await publisher.stop(isHandedOver ? [] : userStates.all(), signal);
    },
  };
}
