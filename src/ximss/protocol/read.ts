/**
 * Asynchronous XIMSS documents -> the model, pure (docs/XIMSS.md 2.6, 4.2-4.5, 5, 6.2). One document can
 * say several things or nothing. What is not understood is named and dropped, never guessed: a peer that is no address,
 * an unknown element, an empty message. Every assumption used here is one option of the dialect.
 */
import { parseAccount, type Account } from '../../core/address';
import { farRefusal } from '../../core/fault';
import { isUniqueId, liveIdentity } from '../../core/identity';
import type { ChatState, Contact, Event, FarPresence, Message, Show, SubscriptionVerb } from '../../core/model';
import { shortStatus } from '../../core/presence';
import { excerpt, parseBasicTime } from '../../core/text';
import type { Dialect } from './dialect';
import { attr, childOf, childrenOf, childText, textOf, type Element } from '../wire/element';

export type Reading =
  | { readonly kind: 'event'; readonly peer: Account; readonly event: Event; readonly identity: string | null }
  /** null: the contact was removed */
  | { readonly kind: 'contact'; readonly account: Account; readonly contact: Contact | null }
  | { readonly kind: 'notice'; readonly text: string }
  /** a message from somebody whose address no JID can stand for; `peer` as it came, '' when there was none */
  | { readonly kind: 'unaddressable'; readonly peer: string }
  /** a question of a peer, to be answered with an error; its answer is not ours to give */
  | { readonly kind: 'iq-question'; readonly peer: string; readonly iqid: string }
  | { readonly kind: 'iq-answer'; readonly peer: Account; readonly document: Element }
  | { readonly kind: 'bye' }
  | { readonly kind: 'nothing'; readonly why: Unread };

/** Why a document says nothing to us; a small fixed set, used as a label. */
export type Unread = 'unknown-element' | 'bad-peer' | 'empty' | 'switched-off';

const nothing = (why: Unread): Reading => ({ kind: 'nothing', why });

/** What an asynchronous document says. Never throws. */
export function readDocument(document: Element, dialect: Dialect): Reading {
  switch (document.name) {
    case 'readIM':
      return readMessage(document, dialect);
    case 'presence':
      return readPresence(document, dialect);
    case 'rosterItem':
      return readItem(document, dialect);
    case 'iqRead':
      return readIq(document, dialect);
    case 'alert': {
      const text = textOf(document).trim();
      return text === '' ? nothing('empty') : { kind: 'notice', text };
    }
    case 'bye':
      return { kind: 'bye' };
    default:
      return nothing('unknown-element');
  }
}

/** `user@domain` of a peer attribute; a resource, never seen in XIMSS, is cut off. Null when it is no address. */
export function peerOf(document: Element): Account | null {
  const text = attr(document, 'peer')?.trim() ?? '';
  const slash = text.indexOf('/', Math.max(0, text.lastIndexOf('@')));
  return parseAccount(slash < 0 ? text : text.slice(0, slash));
}

// ---- messages (4.2-4.5)

const states: readonly ChatState['state'][] = ['composing', 'paused', 'gone'];

function readMessage(document: Element, dialect: Dialect): Reading {
  const peer = peerOf(document);
  const type = attr(document, 'type');
  const body = bodyOf(document, dialect);
  if (peer === null) {
    const isMessage = type !== 'error' && type !== 'groupchat' && body !== '';
    return isMessage ? { kind: 'unaddressable', peer: attr(document, 'peer')?.trim() ?? '' } : nothing('bad-peer');
  }
  if (type === 'error') return readReport(document, peer, body, dialect);
  if (type === 'groupchat' && dialect.rooms === 'off') return nothing('switched-off');
  const subject = childText(document, 'subject');
  if (body === '' && (subject ?? '') === '') {
    const state = states.find((name) => childOf(document, name) !== null);
    if (state === undefined) return nothing('empty');
    return { kind: 'event', peer, event: { kind: 'chatState', state }, identity: null };
  }
  const event: Message = {
    kind: 'message',
    id: attr(document, 'iqid'),
    resource: null,
    type: 'chat', // other types are dropped by XMPP servers when nobody is there (RFC 6121 section 8.5.2.2.1)
    body,
    subject: subject === '' ? null : subject,
    sentAt: dialect.storedTime === 'gmtTime' ? parseBasicTime(attr(document, 'gmtTime') ?? '') : null,
    wantsReceipt: false,
    nick: (type === 'groupchat' ? attr(document, 'clientID') : null) ?? nonEmpty(attr(document, 'peerName')),
  };
  return { kind: 'event', peer, event, identity: identityOf(document, peer, event, dialect) };
}

const nonEmpty = (text: string | null): string | null => (text === '' ? null : text);

/** Both content formats (4.3): a body child wins, else the direct text (A14: or the unknown children's text too). */
function bodyOf(document: Element, dialect: Dialect): string {
  const body = childText(document, 'body');
  if (body !== null) return body;
  const children = childrenOf(document);
  const direct = textOf(document);
  const known = new Set(['subject', ...states]);
  const unknown = children.filter((child) => !known.has(child.name));
  const extra = dialect.unknownChildren === 'as-text' ? unknown.map(textOf).filter((text) => text !== '') : [];
  // beside children, white space is only layout
  const own = children.length > 0 && direct.trim() === '' ? [] : [direct];
  return [...own, ...extra].join('\n');
}

/**
 * Names a message for the dedupe window: the peer's own id, for some minutes, unless it is a number that begins again; else
 * the time of a stored message, which stays with it. Both together with the content. Null when there is neither: two equal
 * texts may both be meant.
 */
function identityOf(document: Element, peer: Account, event: Message, dialect: Dialect): string | null {
  const iqid = nonEmpty(attr(document, 'iqid'));
  const gmtTime = nonEmpty(attr(document, 'gmtTime'));
  const instance = dialect.senderInstance === 'clientID' ? (attr(document, 'clientID') ?? '') : '';
  if (iqid !== null && isUniqueId(iqid)) return liveIdentity(peer, instance, iqid, event.subject ?? '', event.body);
  if (gmtTime === null || event.sentAt === null) return null;
  const number = iqid === null ? [] : [iqid]; // tells apart what was said in one second
  return JSON.stringify([peer, instance, gmtTime, event.subject, event.body, ...number]); // long: the store keeps a digest
}

/** A report that a message of ours was not delivered (A13). */
function readReport(document: Element, peer: Account, body: string, dialect: Dialect): Reading {
  if (dialect.errorReports === 'ignore') return nothing('switched-off');
  const digits = attr(document, 'errorNum') ?? '';
  const number = /^\d{1,9}$/.test(digits) ? Number(digits) : null;
  const said = nonEmpty(attr(document, 'errorText'));
  const event: Event = {
    kind: 'bounce',
    of: nonEmpty(attr(document, 'iqid')),
    what: 'message',
    resource: null,
    fault: farRefusal(number, said ?? nonEmpty(excerpt(body, 200))).toData(),
    excerpt: null,
  };
  return { kind: 'event', peer, event, identity: event.of === null ? null : `${peer} error ${event.of}` };
}

// ---- presence and subscription (6.2, A19, A20)

const verbs: readonly SubscriptionVerb[] = ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'];
const words: Readonly<Record<string, Show>> = {
  online: 'online',
  away: 'away',
  'be-back': 'away',
  'out-lunch': 'xa',
  busy: 'dnd',
  'in-meeting': 'dnd',
  'on-phone': 'dnd',
  offline: 'offline',
  '': 'offline',
};
const shows: Readonly<Record<string, Show>> = { chat: 'chat', away: 'away', xa: 'xa', dnd: 'dnd', online: 'online' };
const lookUp = <T>(table: Readonly<Record<string, T>>, key: string): T | null =>
  Object.hasOwn(table, key) ? (table[key] ?? null) : null;

function readPresence(document: Element, dialect: Dialect): Reading {
  const peer = peerOf(document);
  if (peer === null) return nothing('bad-peer');
  const type = attr(document, 'type') ?? '';
  const status = shortStatus(childText(document, 'status')?.trim() ?? null);
  const verb = verbs.find((name) => name === type);
  if (verb !== undefined) return { kind: 'event', peer, event: { kind: 'verb', verb, status }, identity: null };
  if (type !== '' && type !== 'unavailable' && type !== 'available') return nothing('unknown-element');
  const event = type === 'unavailable' ? offline : presenceOf(document, status, dialect);
  return { kind: 'event', peer, event, identity: null };
}

const offline: FarPresence = { kind: 'presence', show: 'offline', status: null, avatarHash: null };

function presenceOf(document: Element, status: string | null, dialect: Dialect): FarPresence {
  const avatarHash = avatarOf(document);
  const said = dialect.presenceFrom === 'show-first' ? childText(document, 'show')?.trim().toLowerCase() : undefined;
  const show = said === undefined ? null : lookUp(shows, said);
  if (show !== null) return { kind: 'presence', show, status, avatarHash };
  const word = childText(document, 'presence')?.trim() ?? '';
  const known = lookUp(words, word.toLowerCase());
  if (known === 'offline') return { kind: 'presence', show: 'offline', status, avatarHash };
  // a word of its own means: there, and this is what they say
  return {
    kind: 'presence',
    show: known ?? 'online',
    status: status ?? (known === null ? shortStatus(word) : null),
    avatarHash,
  };
}

/** Hash of the avatar in either form (6.2): null = not said, '' = none. */
function avatarOf(document: Element): string | null {
  const hashIn = (xmlns: string, name: string): string | null => {
    const x = childrenOf(document, 'x').find((child) => attr(child, 'xmlns') === xmlns);
    return x === undefined ? null : (childText(x, name)?.trim().toLowerCase() ?? null);
  };
  const hash = hashIn('jabber:iq:avatar', 'hash') ?? hashIn('vcard-temp:x:update', 'photo');
  return hash === null || hash === '' || /^[0-9a-f]{40}$/.test(hash) ? hash : null;
}

// ---- roster (5, A17)

const subscriptions: readonly Contact['subscription'][] = ['none', 'to', 'from', 'both'];
/** Groups that the vendor's clients keep for themselves. */
const isHidden = (group: string): boolean => group.startsWith('~');

function readItem(document: Element, dialect: Dialect): Reading {
  const account = peerOf(document);
  if (account === null) return nothing('bad-peer');
  const isGone = attr(document, 'subscription') === 'remove';
  return { kind: 'contact', account, contact: isGone ? null : contactOf(document, account, dialect) };
}

function contactOf(document: Element, account: Account, dialect: Dialect): Contact {
  const groups = [...new Set(childrenOf(document, 'group').map((group) => textOf(group).trim()))];
  const word = attr(document, 'subscription') ?? '';
  return {
    account,
    name: nonEmpty(attr(document, 'name')?.trim() ?? null),
    groups: groups.filter((group) => group !== '' && !isHidden(group)),
    hiddenGroups: groups.filter(isHidden),
    subscription: subscriptions.find((known) => known === word) ?? dialect.unknownSubscription,
    isPending: attr(document, 'ask') === 'subscribe',
  };
}

/** The contacts of a rosterList answer; `skippedCount` items had no usable address. The last item of an address counts. */
export function readRoster(
  items: readonly Element[],
  dialect: Dialect,
): { readonly contacts: readonly Contact[]; readonly skippedCount: number } {
  const contacts = new Map<Account, Contact>();
  let skippedCount = 0;
  for (const item of items) {
    const account = peerOf(item);
    if (account === null) skippedCount += 1;
    else if (attr(item, 'subscription') === 'remove') contacts.delete(account);
    else contacts.set(account, contactOf(item, account, dialect));
  }
  return { contacts: [...contacts.values()], skippedCount };
}

// ---- iq (4.6, A16)

function readIq(document: Element, dialect: Dialect): Reading {
  const peer = peerOf(document);
  if (peer === null) return nothing('bad-peer');
  const type = attr(document, 'type');
  const iqid = attr(document, 'iqid');
  if (type !== 'get' && type !== 'set') return { kind: 'iq-answer', peer, document };
  if (dialect.incomingIq === 'ignore' || iqid === null) return nothing('switched-off');
  return { kind: 'iq-question', peer: attr(document, 'peer') ?? peer, iqid };
}
