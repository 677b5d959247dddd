/**
 * The bridge's own small language. Each network has one reader (wire -> model) and one writer (model -> wire);
 * everything between them speaks only what stands here. No protocol is named: "Jabber" is the side of the component
 * stream, "far" the network behind the FarPort.
 */
import type { Account, BareJid } from './address';
import type { FaultCode, FaultData } from './fault';
import type { Language } from './i18n';

/** Which way an event travels. */
export type Direction = 'toFar' | 'toJabber';

export { gatewayPeer } from './address';

/** The ordered path of one conversation in one direction. `user` is the linked Jabber user, `peer` the far contact. */
export interface Lane {
  readonly direction: Direction;
  readonly user: BareJid;
  readonly peer: Account;
}

declare const laneBrand: unique symbol;
/** A lane as one string: `direction user peer`, separated by single spaces (none of the three can contain one). */
export type LaneKey = string & { readonly [laneBrand]: 'LaneKey' };

/** The key of a lane. Never throws. */
export function laneKey(lane: Lane): LaneKey {
  return `${lane.direction} ${lane.user} ${lane.peer}` as LaneKey; // the only maker of lane keys
}

/** The lane of a key, null when the text is not a lane key (an older or damaged store). */
export function parseLaneKey(text: string): Lane | null {
  const parts = text.split(' ');
  const [direction, user, peer] = parts;
  if (parts.length !== 3 || !user || peer === undefined) return null;
  if (direction !== 'toFar' && direction !== 'toJabber') return null;
  return { direction, user: user as BareJid, peer: peer as Account }; // written by laneKey, so both were parsed once
}

/** The lane on which an answer to something on this lane travels. */
export function opposite(lane: Lane): Lane {
  return { ...lane, direction: lane.direction === 'toFar' ? 'toJabber' : 'toFar' };
}

/** A text message. `resource` is the sending Jabber resource (errors and receipts go back there), null from the far side. */
export interface Message {
  readonly kind: 'message';
  /** the sender's own id: stanza id on the Jabber side; null when it gave none */
  readonly id: string | null;
  readonly resource: string | null;
  readonly type: 'chat' | 'normal' | 'headline';
  readonly body: string;
  readonly subject: string | null;
  /** when it was written, ms since the epoch, if the network said so (stored messages); null = now */
  readonly sentAt: number | null;
  readonly wantsReceipt: boolean;
  /** its sender would like to see it marked (XEP-0333); absent: not asked for */
  readonly isMarkable?: true;
  /** display name the far network gave with the message */
  readonly nick: string | null;
  /** the language it says it is in, when it is one of ours; absent: it does not say */
  readonly language?: Language;
}

/** A chat message with a body, and with what else is given. */
export function chatMessage(body: string, more: Partial<Omit<Message, 'kind'>> = {}): Message {
  return {
    kind: 'message',
    id: null,
    resource: null,
    type: 'chat',
    body,
    subject: null,
    sentAt: null,
    wantsReceipt: false,
    nick: null,
    ...more,
  };
}

/** The far server accepted message `of` (XEP-0184, 0333). */
export interface Receipt {
  readonly kind: 'receipt';
  readonly of: string;
  readonly resource: string | null;
  /** what its sender asked for; absent: a receipt */
  readonly form?: 'marker' | 'both';
}

/** Delivered later than this after it was written, a message says when that was; ms. */
export const lateMs = 60_000;

export type SubscriptionVerb = 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed';

/** A subscription request or answer (RFC 6121 section 3). */
export interface Verb {
  readonly kind: 'verb';
  readonly verb: SubscriptionVerb;
  readonly status: string | null;
  /** name of who asks (XEP-0172), when it is known */
  readonly nick?: string;
}

/** Something durable was refused for good or expired. Never answered with another bounce. */
export interface Bounce {
  readonly kind: 'bounce';
  /** id the sender gave to what failed; null when it had none */
  readonly of: string | null;
  /** what failed: an error to a message is a message error, to a verb a presence error */
  readonly what: 'message' | 'verb';
  readonly resource: string | null;
  readonly fault: FaultData;
  /** first characters of the text, so that a far user, who sees no ids, knows which message is meant; never logged */
  readonly excerpt: string | null;
  /** when what failed was accepted, ms since the epoch; absent: just now */
  readonly sentAt?: number;
  /** what its sender reads; absent: not known */
  readonly language?: Language;
}

/** XEP-0085. Never queued: spoken once or dropped. */
export interface ChatState {
  readonly kind: 'chatState';
  readonly state: 'active' | 'composing' | 'paused' | 'inactive' | 'gone';
}

export type Show = 'online' | 'chat' | 'away' | 'xa' | 'dnd' | 'offline';

/** The presence of a far contact, as one: there are no resources on that side. */
export interface FarPresence {
  readonly kind: 'presence';
  readonly show: Show;
  readonly status: string | null;
  /** SHA-1 in hex of the avatar; null = not said, '' = none */
  readonly avatarHash: string | null;
}

/** The presence of one Jabber resource, sent to the gateway or to a ghost. */
export interface ResourcePresence {
  readonly kind: 'resource';
  readonly resource: string;
  readonly show: Show;
  readonly status: string | null;
  /** RFC 6121 section 4.7.2.3: -128..127 */
  readonly priority: number;
}

/** "What is the presence now?", asked by the Jabber server for its user. */
export interface Probe {
  readonly kind: 'probe';
  readonly resource: string | null;
}

/** A presence of ours came back: a resource, or the whole account (null), could not be reached (RFC 6121 section 4.3.3). */
export interface Unreachable {
  readonly kind: 'unreachable';
  readonly resource: string | null;
  readonly fault: FaultData;
}

/** Durable events wait in a lane until the other side has them; state is recomputed and re-sent; fleeting is now or never. */
export type Durable = Message | Receipt | Verb | Bounce;
export type State = FarPresence | ResourcePresence | Probe | Unreachable;
export type Fleeting = ChatState;
export type Event = Durable | State | Fleeting;

export type EventClass = 'durable' | 'state' | 'fleeting';
const classes: Readonly<Record<Event['kind'], EventClass>> = {
  message: 'durable',
  receipt: 'durable',
  verb: 'durable',
  bounce: 'durable',
  presence: 'state',
  resource: 'state',
  probe: 'state',
  unreachable: 'state',
  chatState: 'fleeting',
};

/** True when the event must be stored before anything else happens to it. */
export function isDurable(event: Event): event is Durable {
  return classes[event.kind] === 'durable';
}

/** A try that failed: when (ms since the epoch) and why. */
export interface Attempt {
  readonly at: number;
  readonly code: FaultCode;
}

/** One queued event on a lane. The id is the stanza id on the Jabber side, so a repeat carries the same id. */
export interface Envelope {
  readonly id: string;
  readonly event: Durable;
  /** ms since the epoch */
  readonly acceptedAt: number;
  readonly attempts: number;
  readonly lastFault: FaultData | null;
  /** the last tries that failed, oldest first; absent when none has */
  readonly history?: readonly Attempt[];
}

/** A far roster entry. Groups that the far network keeps for itself are in `hiddenGroups` and survive a rewrite. */
export interface Contact {
  readonly account: Account;
  readonly name: string | null;
  readonly groups: readonly string[];
  readonly hiddenGroups: readonly string[];
  readonly subscription: 'none' | 'to' | 'from' | 'both';
  /** our request is not answered yet */
  readonly isPending: boolean;
}

/** A Jabber user tied to the account they use on the far side. The password is sealed (opaque) everywhere but in the far layer. */
export interface Link {
  readonly user: BareJid;
  readonly account: Account;
  readonly password: string;
  readonly origin: 'configured' | 'registered' | 'provisioned';
  /** The operator has suspended it: it is kept, without a session. */
  readonly isSuspended?: boolean;
}

/**
 * What a link's far session does now. `waiting`: it ended or the server is away, and comes back by itself. `deferred`: the
 * server refuses this login for now, it is tried again with growing pauses. `refused`: nothing is tried until the link
 * changes or the operator wants it.
 */
export type LinkStatus = 'connecting' | 'online' | 'waiting' | 'deferred' | 'refused' | 'closed';

/** Somebody in the far network's directory. */
export interface DirectoryEntry {
  readonly account: Account;
  readonly name: string | null;
  readonly email: string | null;
}

/** What the far network tells about a contact; null: it does not say. */
export interface Profile {
  readonly fullName: string | null;
  readonly nick: string | null;
  readonly email: string | null;
  readonly phone: string | null;
  readonly organisation: string | null;
  readonly title: string | null;
  readonly url: string | null;
  readonly about: string | null;
  /** `type`: a media type; `base64` without white space */
  readonly photo: { readonly type: string; readonly base64: string } | null;
}
