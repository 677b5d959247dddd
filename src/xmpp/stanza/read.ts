/**
 * Stanzas to events: what a message or presence of a Jabber user means, or why it means nothing. Pure; who may do what is decided
 * elsewhere. iq is read in iq.ts. Anything of type error becomes a bounce or nothing, never an answer (RFC 6120 section 8.3.1).
 */
import type { Jid } from '../../core/address';
import { Fault, faultOfStanza } from '../../core/fault';
import type { ChatState, Event, Message, ResourcePresence, Show, SubscriptionVerb } from '../../core/model';
import { shortStatus } from '../../core/presence';
import { parseDateTime } from '../../core/text';
import { bodyOf, textOf } from './body';
import { encryptionOf } from './encryption';
import type { Addresses } from './addresses';
import { ns } from './ns';
import type { Language } from '../../core/i18n';
import { attr, childOf, childText, elements, ownText, type Element } from './element';
import { readError } from './error';
import { languageOfTag, textsFor } from '../../core/i18n';

/** Why a stanza is dropped without a word; label values of a counter. */
export type DropReason = 'unknown-type' | 'nothing-to-relay' | 'malformed-address';

export type Reading = { readonly event: Event } | { readonly refuse: Fault } | { readonly drop: DropReason };

/** What a message or presence says. `language` is the sender's. */
export function readStanza(stanza: Element, addresses: Addresses, language: Language): Reading {
  const isMessage = stanza.getName() === 'message';
  if (addresses.peer === null)
    return mayBeAnswered(stanza) ? { refuse: new Fault('jid-malformed') } : drop('malformed-address');
  return isMessage ? readMessage(stanza, addresses.from, language) : readPresence(stanza, addresses.from);
}

/** An error to a stanza that nobody waits for would only be noise. */
function mayBeAnswered(stanza: Element): boolean {
  const type = attr(stanza, 'type');
  if (stanza.getName() === 'message') return type !== 'error';
  return type === null || type === 'subscribe' || type === 'probe';
}

const drop = (reason: DropReason): Reading => ({ drop: reason });

// ---------------------------------------------------------------- messages

function readMessage(stanza: Element, from: Jid, language: Language): Reading {
  const type = attr(stanza, 'type');
  if (type === 'error') return { event: readBounce(stanza, from) };
  if (type === 'groupchat') return { refuse: new Fault('not-implemented') };
  const encryption = encryptionOf(stanza);
  if (encryption === 'text') return { refuse: new Fault('not-encrypted-here') };
  const said = languageOfTag(attr(stanza, 'xml:lang'));
  const words = textsFor(language).gateway;
  const subject = textOf(stanza, 'subject');
  const body = encryption === 'keys' ? null : (bodyOf(stanza, words) ?? subject);
  if (body === null) return readChatState(stanza);
  const id = attr(stanza, 'id');
  const message: Message = {
    kind: 'message',
    id,
    resource: from.resource,
    type: type === 'chat' || type === 'headline' ? type : 'normal',
    body,
    subject: subject === body ? null : subject,
    sentAt: sentAt(stanza),
    wantsReceipt: id !== null && childOf(stanza, 'request', ns.receipts) !== null,
    nick: childText(stanza, 'nick', ns.nick),
    ...(id !== null && childOf(stanza, 'markable', ns.markers) ? { isMarkable: true } : {}),
    ...(said === null ? {} : { language: said }),
  };
  return { event: message };
}

/** The server had our stanza and gave it back: final, with the id under which we sent it. */
function readBounce(stanza: Element, from: Jid): Event {
  const fault = faultOfStanza(readError(stanza)).toData();
  return { kind: 'bounce', of: attr(stanza, 'id'), what: 'message', resource: from.resource, fault, excerpt: null };
}

const chatStates: readonly ChatState['state'][] = ['active', 'composing', 'paused', 'inactive', 'gone'];

function readChatState(stanza: Element): Reading {
  const child = elements(stanza).find((one) => one.getNS() === ns.chatStates);
  const state = chatStates.find((name) => name === child?.getName());
  return state ? { event: { kind: 'chatState', state } } : drop('nothing-to-relay');
}

/** XEP-0203; null when the message was not delayed. */
function sentAt(stanza: Element): number | null {
  const delay = childOf(stanza, 'delay', ns.delay);
  return delay && parseDateTime(attr(delay, 'stamp') ?? '');
}

// ---------------------------------------------------------------- presence

const verbs: readonly SubscriptionVerb[] = ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'];

function readPresence(stanza: Element, from: Jid): Reading {
  const type = attr(stanza, 'type');
  const status = ownText(shortStatus(childText(stanza, 'status'))); // presence is remembered, messages are not
  const verb = verbs.find((one) => one === type);
  if (verb) return { event: { kind: 'verb', verb, status } };
  switch (type) {
    case null:
      if (childOf(stanza, 'x', ns.muc)) return { refuse: new Fault('not-implemented') }; // no rooms: XEP-0045 section 7.2
      return { event: resourcePresence(stanza, from, readShow(childText(stanza, 'show')), status) };
    case 'unavailable':
      return { event: resourcePresence(stanza, from, 'offline', status) };
    case 'probe':
      return { event: { kind: 'probe', resource: from.resource } };
    case 'error':
      return {
        event: { kind: 'unreachable', resource: from.resource, fault: faultOfStanza(readError(stanza)).toData() },
      };
    default:
      return drop('unknown-type');
  }
}

/** A sender without a resource has the resource ''. */
function resourcePresence(stanza: Element, from: Jid, show: Show, status: string | null): ResourcePresence {
  const said = Number(childText(stanza, 'priority') ?? 0);
  const priority = Number.isInteger(said) && said >= -128 && said <= 127 ? said : 0;
  return { kind: 'resource', resource: from.resource ?? '', show, status, priority };
}

function readShow(text: string | null): Show {
  return text === 'chat' || text === 'away' || text === 'xa' || text === 'dnd' ? text : 'online';
}
