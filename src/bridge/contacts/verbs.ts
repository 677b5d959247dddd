/**
 * Subscription verbs on their way in: from the user's server, from the far side, and what became of those that were sent.
 * A request that cannot be stored is refused at once; other verbs are facts and wait for the store. What a verb does is
 * decided in core/contacts/subscription and by the gateway contact.
 */
import type { Account, BareJid } from '../../core/address';
import { Fault, toFault } from '../../core/fault';
import { gatewayPeer } from '../../core/model';
import type { Durable, Lane, Verb } from '../../core/model';
import type { Ghosts } from '../presence/ghosts';
import type { Clock, JabberPort, Log, Meter } from '../ports';
import type { UserState } from '../state/user-state';
import type { UserStates } from '../state/user-states';
import type { GatewayContact } from './gateway-contact';
import type { RosterSyncSchedule } from './roster-sync-schedule';
import type { Subscriptions } from './subscriptions';

export interface VerbsOptions {
  readonly jabber: Pick<JabberPort, 'sendNow'>;
  readonly userStates: Pick<UserStates, 'get' | 'load'>;
  readonly subscriptions: Pick<Subscriptions, 'onVerb'>;
  readonly gatewayContact: Pick<GatewayContact, 'onVerb'>;
  readonly rosterSync: Pick<RosterSyncSchedule, 'onVerb'>;
  readonly ghosts: Pick<Ghosts, 'onSubscribedSent'>;
  readonly isLinked: (user: BareJid) => boolean;
  /** False: it was not and will not be done. */
  readonly use: (user: BareJid, act: (userState: UserState) => void) => boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

export interface Verbs {
  /** A verb of the Jabber user, to a ghost or to the gateway itself. */
  onJabberVerb(user: BareJid, peer: Account, verb: Verb): void;
  /** The same, when the user's state is at hand. Never rejects. */
  fromJabber(userState: UserState, peer: Account, verb: Verb): Promise<void>;
  /** Resolves when the verb is stored. */
  onFarVerb(user: BareJid, peer: Account, verb: Verb): Promise<void>;
  /** A durable event has left its lane: the other side has it, or it was refused for good. */
  onEnded(lane: Lane, event: Durable, end: 'delivered' | 'bounced'): void;
  stop(): void;
}

/** Contacts of one user, in all. */
const contactsMax = 20_000;
const retryMs = 1_000;

export function makeVerbs(options: VerbsOptions): Verbs {
  const { jabber, userStates, subscriptions, gatewayContact, rosterSync, ghosts, isLinked, use } = options;
  const { clock, log, meter } = options;
  const stopping = new AbortController();

  /** A user who asks to see everybody, or whom everybody asks, must not fill the store. */
  function isTooMany(userState: UserState, peer: Account, verb: Verb): boolean {
    return verb.verb === 'subscribe' && userState.contacts.size >= contactsMax && !userState.contacts.has(peer);
  }

  function onJabberVerb(user: BareJid, peer: Account, verb: Verb): void {
    const isTaken = use(user, (userState) => void fromJabber(userState, peer, verb));
    if (!isTaken) refuse(user, peer, verb, new Fault(isLinked(user) ? 'lane-full' : 'not-linked'));
  }

  /** A subscribe that cannot be stored is refused at once; other verbs are facts and wait for the store. */
  async function fromJabber(userState: UserState, peer: Account, verb: Verb): Promise<void> {
    if (isTooMany(userState, peer, verb)) return refuse(userState.user, peer, verb, new Fault('lane-full'));
    rosterSync.onVerb(userState, peer);
    while (!stopping.signal.aborted) {
      try {
        if (peer === gatewayPeer) await gatewayContact.onVerb(userState, verb);
        else await subscriptions.onVerb(userState, peer, 'inbound', verb);
        return;
      } catch (thrown) {
        const fault = toFault(thrown);
        if (verb.verb === 'subscribe' || fault.code !== 'store-away') return refuse(userState.user, peer, verb, fault);
        await clock.sleep(retryMs, stopping.signal).catch(() => undefined); // stop ends it
      }
    }
  }

  function refuse(user: BareJid, peer: Account, verb: Verb, fault: Fault): void {
    meter.count('envelopes_refused_total', { dir: 'toFar', fault: fault.code });
    log.warn({ dir: 'toFar', peer, kind: verb.verb, fault: fault.code }, 'a subscription request was refused');
    if (verb.verb !== 'subscribe') return;
    const bounce = { kind: 'bounce', of: null, what: 'verb', resource: null, excerpt: null } as const;
    jabber.sendNow(user, peer, { ...bounce, fault: fault.toData() });
  }

  async function onFarVerb(user: BareJid, peer: Account, verb: Verb): Promise<void> {
    if (!isLinked(user)) return;
    const userState = await userStates.load(user);
    if (isTooMany(userState, peer, verb)) return meter.count('faults_total', { part: 'bridge', code: 'too-large' });
    rosterSync.onVerb(userState, peer);
    await subscriptions.onVerb(userState, peer, 'outbound', verb);
  }

  function onEnded({ direction, user, peer }: Lane, event: Durable, end: 'delivered' | 'bounced'): void {
    if (event.kind !== 'verb' || !isLinked(user)) return;
    if (direction === 'toJabber') {
      const userState = userStates.get(user);
      if (event.verb === 'subscribed' && userState) ghosts.onSubscribedSent(userState, peer);
      return;
    }
    // nobody there who could answer: the request ends here, or the user's server would show it for ever
    if (end === 'bounced' && event.verb === 'subscribe') {
      onFarVerb(user, peer, { kind: 'verb', verb: 'unsubscribed', status: null }).catch((thrown: unknown) =>
        log.warn({ peer, fault: toFault(thrown).code }, 'a refused request could not be ended'),
      );
    }
  }

  return { onJabberVerb, fromJabber, onFarVerb, onEnded, stop: () => stopping.abort() };
}
