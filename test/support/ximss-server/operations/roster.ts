/**
 * rosterList, rosterSet, rosterItem, and the way of a subscription verb between two local accounts.
 * docs/XIMSS.md 5, assumptions A17-A19. Every change is pushed to all sessions that take part in presence.
 */
import { peerOf, type Address } from '../address';
import type { Call } from './exchange';
import { presenceMessage, showPresence } from './presence';
import { refusals } from '../refusal';
import type { Account, RosterItem, Session } from '../accounts/store';
import { inbound, newItem, outbound, type Verb } from '../accounts/subscription';
import type { World } from '../world';
import { el, elements, textOf, type El } from '../xml';

const maxItems = 5000;
const maxGroups = 100;

export function rosterList(session: Session, call: Call): void {
  for (const item of session.account.roster.values()) if (item.isListed) call.data(rosterItem(call.world, item));
}

function rosterItem(world: World, item: RosterItem): El {
  const ask = item.isAsking && world.settings.dialect.askAttribute ? 'subscribe' : undefined;
  return el(
    'rosterItem',
    { peer: item.peer, name: item.name, subscription: item.subscription, ask },
    ...item.groups.map((group) => el('group', {}, group)),
  );
}

/** Sends to every session of the account that takes part in presence (2.7). */
function tell(account: Account, message: El): void {
  for (const session of account.sessions) if (session.bind?.presence === true) session.sink.push(message);
}

/** rosterSet (A18): add, change (name and groups replaced), or delete. */
export function rosterSet(session: Session, call: Call): void {
  const { world, request } = call;
  const { account } = session;
  const peer = peerOf(request.attrs['peer']);
  const wanted = request.attrs[world.settings.dialect.rosterRemove];
  if (wanted === 'remove') return removeItem(world, account, peer);
  if (wanted !== undefined) throw refusals.badParameter(world.settings.dialect.rosterRemove);
  const old = account.roster.get(peer.full);
  if (old === undefined && account.roster.size >= maxItems) throw refusals.badParameter('too many contacts');
  const groups = elements(request).flatMap((child) => (child.name === 'group' ? [textOf(child)] : []));
  if (groups.includes('') || groups.length > maxGroups) throw refusals.badParameter('group');
  const name = request.attrs['name'] === '' ? undefined : request.attrs['name'];
  put(world, account, { ...(old ?? newItem(peer.full)), name, groups: [...new Set(groups)], isListed: true });
  if (old === undefined && world.settings.dialect.rosterSetSubscribes) speak(world, account, peer, 'subscribe');
}

function put(world: World, account: Account, item: RosterItem): void {
  account.roster.set(item.peer, item);
  tell(account, rosterItem(world, item));
}

function removeItem(world: World, account: Account, peer: Address): void {
  const item = account.roster.get(peer.full);
  if (item === undefined || !item.isListed) throw refusals.noContact();
  for (const verb of ['unsubscribe', 'unsubscribed'] as const) {
    const current = account.roster.get(peer.full) ?? item;
    const { item: next, forward } = outbound(current, verb);
    account.roster.set(peer.full, next);
    if (forward) hear(world, account, peer.full, verb);
  }
  account.roster.delete(peer.full);
  tell(account, el('rosterItem', { peer: peer.full, subscription: 'remove' }));
}

/** A user says a verb to a peer (A19). Throws Refusal when there is no such peer. */
export function speak(world: World, account: Account, peer: Address, verb: Verb): void {
  const isLocal = world.accounts.isLocal(peer.domain);
  if (!isLocal && world.settings.remoteDomains === 'refuse') throw refusals.remoteDomain();
  // One may always let go of a contact whose account is gone.
  if (isLocal && verb === 'subscribe' && world.accounts.get(peer.full) === undefined) throw refusals.unknownAccount();
  const old = account.roster.get(peer.full) ?? newItem(peer.full);
  const { item, forward } = outbound(old, verb);
  settle(world, account, old, item);
  if (!forward) return;
  hear(world, account, peer.full, verb);
  if (verb === 'subscribed' && world.settings.dialect.confirmIsMutual && item.subscription === 'from') {
    makeMutual(world, account, item, peer.full);
  }
}

/** Stores a changed item: shown ones are pushed, bare requests are only remembered, empty unlisted ones forgotten. */
function settle(world: World, account: Account, old: RosterItem, item: RosterItem): void {
  if (item === old) return;
  if (!item.isListed) {
    if (item.isAsked) account.roster.set(item.peer, item);
    else account.roster.delete(item.peer);
    return;
  }
  const isVisible = old.subscription !== item.subscription || old.isAsking !== item.isAsking || !old.isListed;
  if (isVisible) put(world, account, item);
  else account.roster.set(item.peer, item);
}

/** The other side of a verb: state, message, presence that begins or ends to be seen. */
function hear(world: World, from: Account, to: string, verb: Verb): void {
  const account = world.accounts.get(to);
  if (account === undefined) return;
  const old = account.roster.get(from.address) ?? newItem(from.address);
  const { item, tell: mustTell, answer } = inbound(old, verb);
  // stored before it is told: who answers at once must find the request; what they made of it is newer than ours
  if (item !== old) account.roster.set(item.peer, item);
  if (mustTell) tell(account, el('presence', { peer: from.address, type: verb }));
  if (account.roster.get(item.peer) === item) settle(world, account, old, item);
  if (answer !== null) return hear(world, account, from.address, answer);
  if (!mustTell) return;
  if (verb === 'subscribed') showPresence(world, from, account);
  if (verb === 'unsubscribed') tell(account, presenceMessage(world, from, true));
  if (verb === 'unsubscribe') tell(from, presenceMessage(world, account, true));
}

/** IMP, the other reading: one confirmation makes both see each other. */
function makeMutual(world: World, account: Account, item: RosterItem, peer: string): void {
  const other = world.accounts.get(peer);
  const theirs = other?.roster.get(account.address);
  put(world, account, { ...item, subscription: 'both', isAsking: false });
  if (other === undefined || theirs === undefined) return;
  put(world, other, { ...theirs, subscription: 'both', isAsked: false });
  showPresence(world, other, account);
}

/** Requests that wait for an answer are shown at every bind. */
export function showRequests(session: Session): void {
  for (const item of session.account.roster.values()) {
    if (item.isAsked) session.sink.push(el('presence', { peer: item.peer, type: 'subscribe' }));
  }
}
