/**
 * The model -> XIMSS operations, pure (docs/XIMSS.md 2.7, 4.1, 4.4, 5, 6.1). Null means that XIMSS has no
 * word for it and nothing is to be sent. Every assumption used here is one option of the dialect.
 */
import type { Account } from '../../core/address';
import { lateMs, type ChatState, type Contact, type Durable, type Envelope } from '../../core/model';
import type { Message, ResourcePresence, Show, SubscriptionVerb } from '../../core/model';
import { formatMinute } from '../../core/text';
import type { Dialect } from './dialect';
import { el, type Element } from '../wire/element';
import { iqSend, presenceSet, rosterSet, sendIm, signalBind } from './operations';
import type { Operation } from './request';

/** The operation that carries an envelope; its id names it on the wire where the dialect wants ids. `now`: ms since the epoch. */
export function writeEnvelope(
  peer: Account,
  { id, event, acceptedAt }: Pick<Envelope, 'id' | 'event' | 'acceptedAt'>,
  dialect: Dialect,
  now: number,
): Operation<void> | null {
  if (event.kind !== 'message') return writeEvent(peer, event, id, dialect);
  const writtenAt = event.sentAt ?? acceptedAt;
  const late = now - writtenAt > lateMs ? `[${formatMinute(writtenAt)} UTC] ` : '';
  return writeEvent(
    peer,
    late === '' ? event : { ...event, subject: null, body: late + textOfMessage(event) },
    id,
    dialect,
  );
}

/** The operation that carries a durable event under this id. */
export function writeEvent(peer: Account, event: Durable, id: string, dialect: Dialect): Operation<void> | null {
  switch (event.kind) {
    case 'message':
      return sendIm(im(peer, textOfMessage(event), id, dialect), 'once');
    case 'verb':
      return writeVerb(peer, event.verb, event.status, dialect);
    case 'receipt':
    case 'bounce':
      return null; // XIMSS has neither; what a person is told comes as a message
  }
}

/** What a sender is told whose address cannot be used here; `peer` is as the server gave it. Nobody waits for a report. */
export function writeUnaddressable(peer: string, dialect: Dialect): Operation<void> {
  const text = 'Your message could not be delivered: your address cannot be used on the other network.';
  return sendIm(im(peer, text, null, dialect), 'once');
}

function im(peer: string, text: string, id: string | null, dialect: Dialect): Element {
  const attrs = {
    peer,
    type: dialect.messageType === 'chat' ? 'chat' : undefined,
    iqid: dialect.errorReports === 'with-ids' && id !== null ? id : undefined,
  };
  return el('sendIM', attrs, dialect.messageContent === 'text' ? text : el('body', {}, text));
}

/** A subject has no sure place in sendIM: it is the first line. */
function textOfMessage({ subject, body }: Message): string {
  if (subject === null || subject === '') return body;
  return body === '' ? subject : `${subject}\n${body}`;
}

/** What `rosterSet what=` calls the four verbs, for servers that take subscriptions there (A19). */
function writeVerb(peer: Account, verb: SubscriptionVerb, status: string | null, dialect: Dialect): Operation<void> {
  if (dialect.subscriptionForm === 'rosterSet') return rosterSet(el('rosterSet', { what: verb, peer }));
  const said = status === null || status === '' ? [] : [el('status', {}, status)];
  return presenceSet(el('presenceSet', { peer, type: verb }, ...said));
}

/** A chat state, null when XIMSS has no counterpart (4.4, A12). */
export function writeChatState(peer: Account, { state }: ChatState, dialect: Dialect): Operation<void> | null {
  if (dialect.chatStates === 'off' || state === 'active') return null;
  if (state === 'inactive' && dialect.chatStates !== 'inactive-as-paused') return null;
  const type = dialect.messageType === 'chat' ? 'chat' : undefined;
  return sendIm(el('sendIM', { peer, type }, el(state === 'inactive' ? 'paused' : state)), 'repeatable');
}

const words: Readonly<Record<Show, string>> = {
  online: 'online',
  chat: 'online',
  away: 'away',
  xa: 'away',
  dnd: 'busy',
  offline: 'offline',
};

/** Own presence (6.1, 6.4, A20). An empty status is said too: it takes the old one back. */
export function writePresence({ show, status }: Pick<ResourcePresence, 'show' | 'status'>): Operation<void> {
  return presenceSet(el('presenceSet', {}, el('presence', {}, words[show]), el('status', {}, status ?? '')));
}

/** Adds or changes a contact: groups are replaced, the hidden ones written back (A17, A18). */
export function writeContact(
  contact: Pick<Contact, 'account' | 'name' | 'groups' | 'hiddenGroups'>,
  dialect: Dialect,
): Operation<void> {
  const what = dialect.rosterSetForm === 'what' ? 'update' : undefined;
  const groups = [...contact.groups.filter((group) => !group.startsWith('~')), ...contact.hiddenGroups];
  const attrs = { what, peer: contact.account, name: contact.name ?? undefined };
  return rosterSet(el('rosterSet', attrs, ...groups.map((group) => el('group', {}, group))));
}

/** Deletes a contact (A18). */
export function writeRemoval(peer: Account, dialect: Dialect): Operation<void> {
  const attrs = dialect.rosterSetForm === 'what' ? { what: 'remove', peer } : { peer, subscription: 'remove' };
  return rosterSet(el('rosterSet', attrs));
}

/** The bind of a session (2.7, A6). */
export function writeBind(clientId: string, dialect: Dialect): Operation<void> {
  return signalBind(dialect.bind === 'bare' ? {} : { clientID: clientId, presence: 'yes', readIM: '1' });
}

/** The answer to a peer's question: nobody serves that here (A16). */
export function writeIqRefusal(peer: string, iqid: string): Operation<void> {
  const condition = el('service-unavailable', { xmlns: 'urn:ietf:params:xml:ns:xmpp-stanzas' });
  return iqSend({ type: 'error', peer, iqid, payload: el('error', { type: 'cancel' }, condition) });
}
