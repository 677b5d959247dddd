/**
 * The only way in: every event of either network passes here once, is allowed or refused, and goes where its class
 * belongs: durable events to the intake, presence and subscriptions to the contacts, chat states straight across.
 * It runs on the stream readers: it returns at once, never throws, and keeps nothing but the rate buckets.
 */
import type { Account, BareJid } from '../core/address';
import { Fault } from '../core/fault';
import { gatewayPeer, opposite } from '../core/model';
import type { Bounce, ChatState, Durable, Event, Lane, Link, Message } from '../core/model';
import type { ContactEvents } from './contacts/types';
import { jabberIdentity } from './delivery/intake';
import type { Intake } from './delivery/intake';
import type { Clock, FarPort, JabberPort, Log, Meter } from './ports';
import type { Provision } from './accounts/provision';
import { bounceOf } from './delivery/outcome';
import type { Recent } from './delivery/recent';
import type { Senders } from './delivery/senders';
import type { UserSettings } from './state/settings';
import type { Chat } from './chat/chat';
import type { MessageRate } from './pacing/message-rate';

export interface RouterOptions {
  readonly intake: Pick<Intake, 'accept'>;
  readonly jabber: Pick<JabberPort, 'sendNow'>;
  readonly far: Pick<FarPort, 'sendChatState'>;
  readonly contacts: ContactEvents;
  readonly isAllowed: (user: BareJid) => boolean;
  readonly linkOf: (user: BareJid) => Link | undefined;
  /** makes accounts for users who have none, if that is switched on */
  readonly provision?: Pick<Provision, 'isOn' | 'afterwards'>;
  /** of what Jabber users write; what comes from the far side waits in its lane instead */
  readonly rate: MessageRate;
  readonly recent: Recent;
  readonly senders: Pick<Senders, 'tell'>;
  readonly userSettings: Pick<UserSettings, 'of'>;
  /** answers who writes to the gateway itself */
  readonly chat: Chat;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

export interface Router {
  fromJabber(user: BareJid, peer: Account, event: Event): void;
  /** Resolves when a durable event is stored, or was refused and its sender told. */
  fromFar(user: BareJid, peer: Account, event: Event, identity: string | null): Promise<void>;
}

/** Writing to somebody, or asking for their presence, is what an account is made for. */
const wantsAccount = (event: Event): boolean =>
  event.kind === 'message' || (event.kind === 'verb' && event.verb === 'subscribe');

export function makeRouter(options: RouterOptions): Router {
  const {
    intake,
    jabber,
    far,
    contacts,
    isAllowed,
    linkOf,
    provision,
    rate,
    recent,
    senders,
    userSettings,
    chat,
    clock,
    log,
    meter,
  } = options;

  function fromJabber(user: BareJid, peer: Account, event: Event): void {
    const lane: Lane = { direction: 'toFar', user, peer };
    const link = linkOf(user);
    const refusal = !isAllowed(user) ? new Fault('forbidden') : link ? null : new Fault('not-linked');
    if (refusal?.code !== 'forbidden' && event.kind === 'message' && peer === gatewayPeer)
      return toGateway(lane, event);
    if (refusal?.code === 'not-linked' && provision?.isOn && wantsAccount(event)) {
      return provision.afterwards(user, (fault) =>
        fault ? turnAway(lane, event, fault) : fromJabber(user, peer, event),
      );
    }
    if (refusal) return turnAway(lane, event, refusal);
    switch (event.kind) {
      case 'message':
        return message(lane, event);
      case 'verb':
        return contacts.onJabberVerb(user, peer, event);
      case 'bounce':
        if (event.resource !== null) contacts.onUndelivered(user, peer, event.resource, event.fault);
        return undelivered(lane, event);
      case 'chatState':
        return sendChatState(user, peer, event);
      case 'resource':
        return contacts.onResource(user, peer, event);
      case 'probe':
        return contacts.onProbe(user, peer, event);
      case 'unreachable':
        return contacts.onUndelivered(user, peer, event.resource, event.fault);
      case 'receipt': // a Jabber client's receipt: the far network has no place for it
      case 'presence': // made by the far side only
        return;
    }
  }

  /** Something that we delivered came back: its far sender is told, once. Anything else that says error is not ours. */
  function undelivered(lane: Lane, event: Bounce): void {
    if (lane.peer === gatewayPeer) return;
    const bounce = recent.complete(opposite(lane), event);
    if (bounce === null) {
      meter.count('bounces_stray_total', { dir: lane.direction });
      return log.debug({ dir: lane.direction, peer: lane.peer }, 'an error for nothing that was delivered');
    }
    intake.accept(lane, bounce, null, (fault) => fault && refuse(lane, bounce, fault));
  }

  function message(lane: Lane, event: Message): void {
    if (rate.take(lane.user, 1).takenCount === 0) return refuse(lane, event, new Fault('rate-limited'));
    intake.accept(lane, event, jabberIdentity(lane, event), (fault) => fault && refuse(lane, event, fault));
  }

  /** Linked or not: who asks how to begin has no link yet. */
  function toGateway(lane: Lane, event: Message): void {
    const isTooMuch = rate.take(lane.user, 1).takenCount === 0;
    const fault = isTooMuch ? new Fault('rate-limited') : chat.onMessage(lane.user, event);
    if (fault) refuse(lane, event, fault);
  }

  function sendChatState(user: BareJid, peer: Account, event: ChatState): void {
    if (peer !== gatewayPeer && userSettings.of(user).typingOut) far.sendChatState(user, peer, event);
  }

  /** Presence of strangers is answered as RFC 6121 section 4.3.2 says; what needs a link says so once per request. */
  function turnAway(lane: Lane, event: Event, fault: Fault): void {
    if (event.kind === 'message' || (event.kind === 'verb' && event.verb === 'subscribe'))
      return refuse(lane, event, fault);
    if (event.kind === 'probe') {
      jabber.sendNow(lane.user, lane.peer, { kind: 'verb', verb: 'unsubscribed', status: null });
    }
  }

  async function fromFar(user: BareJid, peer: Account, event: Event, identity: string | null): Promise<void> {
    const lane: Lane = { direction: 'toJabber', user, peer };
    if (!linkOf(user)) return; // the session is being closed
    switch (event.kind) {
      case 'message':
        return store(lane, event, identity);
      case 'bounce': {
        const report = recent.complete(opposite(lane), event);
        if (report === null && event.of !== null) return; // of a notice of ours, or of what is forgotten
        return store(lane, report ?? event, identity);
      }
      case 'verb':
        return contacts.onFarVerb(user, peer, event);
      case 'chatState':
        // XEP-0085 section 5.1: not to those who are not there; servers might keep it for them
        if (contacts.isPresent(user) && userSettings.of(user).typingIn) jabber.sendNow(user, peer, event);
        return;
      case 'presence':
        return contacts.onFarPresence(user, peer, event);
      case 'receipt':
      case 'resource':
      case 'probe':
      case 'unreachable':
        return;
    }
  }

  function store(lane: Lane, event: Durable, identity: string | null): Promise<void> {
    return new Promise((resolve) =>
      intake.accept(lane, event, identity, (fault) => {
        if (fault) refuse(lane, event, fault);
        resolve();
      }),
    );
  }

  /** Tells the sender at once, without the queue: for what was never accepted. */
  function refuse(lane: Lane, event: Durable, fault: Fault): void {
    meter.count('envelopes_refused_total', { dir: lane.direction, fault: fault.code });
    log.info(
      { dir: lane.direction, peer: lane.peer, kind: event.kind, fault: fault.code },
      'not accepted, its sender is told',
    );
    const bounce = bounceOf(event, clock.now(), fault.toData());
    if (bounce) senders.tell(lane, bounce);
  }

  return { fromJabber, fromFar };
}
