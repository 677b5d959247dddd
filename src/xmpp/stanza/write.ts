/**
 * Events to stanzas. Pure: time, ids and caps are arguments. A ghost has one resource: presence, messages, chat states and receipts come
 * from its full JID, as from any client (clients compute a contact's state from its resources); subscriptions, probes and errors come
 * from the bare one (RFC 6121 section 3). The gateway itself has no resource. `to` is the user (their resource only for what answers it).
 * A text that one stanza cannot hold goes out as several, in
 * order, with ids that a repeat makes again.
 */
import type { Account, AddressBook, BareJid } from '../../core/address';
import { gatewayPeer, lateMs } from '../../core/model';
import type { Language } from '../../core/i18n';
import type { Bounce, ChatState, Durable, Envelope, FarPresence, Message, Receipt, Verb } from '../../core/model';
import { excerpt, formatDateTime } from '../../core/text';
import { ns } from './ns';
import { el, payload, textEl, type Element } from './element';
import { errorEl } from './error';
import { splitText } from './split';

export interface WriteContext {
  readonly book: AddressBook;
  readonly stanzaBytes: number;
  /** XEP-0115 of the gateway or of a ghost */
  readonly caps: (peer: Account) => Element;
  /** the avatar hash that is told for a contact's; '' when its photo is not handed out */
  readonly shownAvatar: (avatarHash: string | null) => string | null;
  /** what a user reads */
  readonly languageOf: (user: BareJid) => Language;
}

/** Longest status and nickname that goes out, in characters. */
const shortTextCount = 1024;

const short = (text: string | null): string | null => (text === null ? null : excerpt(text, shortTextCount));

/** The only resource of a ghost. */
export const ghostResource = 'ximss';

/** Who writes to whom, under which id; times in ms since the epoch. */
interface Frame extends Sender {
  readonly user: BareJid;
  readonly id: string;
  readonly acceptedAt: number;
  readonly now: number;
}

/** The two addresses of who writes; the gateway has but one. */
interface Sender {
  readonly bare: BareJid;
  readonly full: string;
}

function senderOf(book: AddressBook, peer: Account): Sender {
  const bare = book.ghostOf(peer);
  return { bare, full: peer === gatewayPeer ? bare : `${bare}/${ghostResource}` };
}

/** The stanzas of a queued event. `now` in ms since the epoch. Throws Fault too-large when not even the frame fits. */
export function writeEnvelope(
  context: WriteContext,
  user: BareJid,
  peer: Account,
  envelope: Envelope,
  now: number,
): Element[] {
  const { id, acceptedAt } = envelope;
  const { bare, full } = senderOf(context.book, peer);
  return writeDurable(context, { bare, full, user, id, acceptedAt, now }, envelope.event);
}

/** The stanzas of what goes out at once, without a queue. `id` is used where an id is wanted. */
export function writeEvent(
  context: WriteContext,
  user: BareJid,
  peer: Account,
  event: Durable | ChatState | FarPresence,
  id: string,
  now: number,
): Element[] {
  const sender = senderOf(context.book, peer);
  switch (event.kind) {
    case 'presence':
      return [writePresence(sender, user, event, context.caps(peer), context.shownAvatar(event.avatarHash))];
    case 'chatState':
      return [writeChatState(sender, user, event)];
    default:
      return writeDurable(context, { bare: sender.bare, full: sender.full, user, id, acceptedAt: now, now }, event);
  }
}

/** Asks for the user's presence; RFC 6121 section 4.3. */
export function writeProbe(book: AddressBook, user: BareJid, peer: Account): Element {
  return el('presence', { from: book.ghostOf(peer), to: user, type: 'probe' });
}

function writeDurable(context: WriteContext, frame: Frame, event: Durable): Element[] {
  switch (event.kind) {
    case 'message':
      return writeMessage(context, frame, event);
    case 'receipt':
      return [writeReceipt(frame, event)];
    case 'verb':
      return [writeVerb(frame, event)];
    case 'bounce':
      return [writeBounce(frame, event, context.languageOf(frame.user))];
  }
}

function writeMessage({ stanzaBytes }: WriteContext, frame: Frame, message: Message): Element[] {
  const { id } = frame;
  const make = (partId: string, body: string): Element =>
    el(
      'message',
      // always chat: servers drop a headline, and some a normal message, for a user who is away (RFC 6121 section 8.5.2.2.1)
      { from: frame.full, to: frame.user, type: 'chat', id: partId, 'xml:lang': message.language ?? null },
      textEl('subject', short(message.subject)),
      el('body', {}, body),
      frame.full === frame.bare ? null : payload('active', ns.chatStates), // the gateway does not type
      payload('origin-id', ns.stanzaIds, { id: partId }),
      delayEl(frame, message),
      message.nick === null ? null : payload('nick', ns.nick, {}, excerpt(message.nick, shortTextCount)),
    );
  const parts = splitText(
    message.body,
    stanzaBytes,
    () => stanzaBytes - Buffer.byteLength(make(`${id}/99999`, '').toString()),
  );
  return parts.map((part, index) => make(index === 0 ? id : `${id}/${index + 1}`, part));
}

/** XEP-0203 */
function delayEl(frame: Frame, { sentAt }: Message): Element | null {
  if (sentAt === null && frame.now - frame.acceptedAt <= lateMs) return null;
  const domain = frame.bare.slice(frame.bare.lastIndexOf('@') + 1);
  return payload('delay', ns.delay, { from: domain, stamp: formatDateTime(sentAt ?? frame.acceptedAt) });
}

/** XEP-0184, 0333; kept in archives (XEP-0334), because the user's other clients and later logins want it too. */
function writeReceipt({ full: from, user, id }: Frame, { of, resource, form }: Receipt): Element {
  return el(
    'message',
    { from, to: jidOf(user, resource), type: 'chat', id },
    form === 'marker' ? null : payload('received', ns.receipts, { id: of }),
    form === undefined ? null : payload('received', ns.markers, { id: of }),
    payload('store', ns.hints),
  );
}

/** RFC 6121 section 3; both addresses are bare. A request says who asks (XEP-0172 section 4.1). */
function writeVerb({ bare: from, user, id }: Frame, { verb, status, nick }: Verb): Element {
  return el(
    'presence',
    { from, to: user, type: verb, id },
    textEl('status', short(status)),
    verb !== 'subscribe' || !nick ? null : payload('nick', ns.nick, {}, excerpt(nick, shortTextCount)),
  );
}

/** The error goes to who sent what failed, under the id they gave it. */
function writeBounce({ bare: from, user }: Frame, bounce: Bounce, language: Language): Element {
  const { of, what, resource, fault } = bounce;
  const name = what === 'message' ? 'message' : 'presence';
  return el(name, { from, to: jidOf(user, resource), type: 'error', id: of }, errorEl(fault, language));
}

/** XEP-0085, not for archives and offline stores (XEP-0334) */
function writeChatState({ full: from }: Sender, user: BareJid, { state }: ChatState): Element {
  return el('message', { from, to: user, type: 'chat' }, payload(state, ns.chatStates), payload('no-store', ns.hints));
}

function writePresence(
  { full: from }: Sender,
  user: BareJid,
  presence: FarPresence,
  caps: Element,
  avatarHash: string | null,
): Element {
  const { show, status } = presence;
  const isOffline = show === 'offline';
  return el(
    'presence',
    { from, to: user, type: isOffline ? 'unavailable' : null },
    textEl('show', isOffline || show === 'online' ? null : show),
    textEl('status', short(status)),
    isOffline ? null : caps,
    isOffline || avatarHash === null ? null : avatarEl(avatarHash),
  );
}

/** XEP-0153: an empty photo says that there is none. */
function avatarEl(hash: string): Element {
  return payload('x', ns.vcardUpdate, {}, el('photo', {}, hash === '' ? null : hash));
}

function jidOf(user: BareJid, resource: string | null): string {
  return resource === null || resource === '' ? user : `${user}/${resource}`;
}
