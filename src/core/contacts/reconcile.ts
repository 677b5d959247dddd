/**
 * What must be done so that the far roster, the user's server roster and our own pair say the same of one contact again.
 * The pair and `synced` are what all agreed on last; a side that differs from them is the side that changed. Only
 * differences are acted on, so doing it again does nothing. It gives actions; it never acts. Whole rosters: roster-diff.ts.
 *
 * One direction per field:
 * - "the user sees the contact": granted by the far side alone; either side can take it back.
 * - "the contact sees the user": granted by the user, or by the same person elsewhere on the far side; taken back by the
 *   user alone (a contact that has lost interest says `unsubscribe`; a far roster that is late must not undo an approval).
 * - name, groups: from the side that changed, see labels.ts.
 * - existence: what both rosters had and one has no longer was deleted there; so was a contact whose subscriptions the
 *   user has ended, and who is not on their roster.
 */
import type { Account } from '../address';
import { isSameLabels, mergeLabels, type Labels } from './labels';
import type { Contact, SubscriptionVerb } from '../model';
import { halvesOf, newPair, serialisePair, stateOf, type Half, type Pair } from './pair';

/** A ghost in the user's server roster (RFC 6121 section 2). */
export interface ServerEntry extends Labels {
  readonly account: Account;
  readonly subscription: 'none' | 'to' | 'from' | 'both';
  readonly ask: boolean;
}

/** What is remembered of a contact. `synced`: what the server roster had last (and the far one, if both can be written). */
export interface Known {
  readonly pair: Pair;
  readonly synced: Labels | null;
}

/** One contact as everybody has it. */
export interface View extends Known {
  readonly account: Account;
  /** null: it is not on the far roster */
  readonly far: Contact | null;
  /** null: it is not on the server roster. unknown: that roster cannot be read */
  readonly server: ServerEntry | null | 'unknown';
  /** the server roster can be written (only if it can be read) */
  readonly mayWrite: boolean;
}

/** In order, and `save` last: all of it done again after a crash does no harm. */
export type Action = { readonly account: Account } & (
  | { readonly do: 'writeServer'; readonly entry: ServerEntry }
  | { readonly do: 'removeServer' | 'removeFar' | 'show' | 'hide' }
  | { readonly do: 'writeFar'; readonly contact: Pick<Contact, 'account' | 'name' | 'groups' | 'hiddenGroups'> }
  | { readonly do: 'toFar' | 'toJabber'; readonly verb: SubscriptionVerb; readonly nick?: string }
  /** a blank pair without labels: nothing needs to be stored any more */
  | ({ readonly do: 'save' } & Known)
);

/** The work sheet of one contact. `server` null: unknown. */
interface Draft {
  sees: Half;
  seen: Half;
  approved: boolean;
  denied: boolean;
  refused: boolean;
  server: { sees: boolean; seen: boolean; ask: boolean } | null;
  /** the server roster must be written to make it what `server` says; verbs alone do not get it there */
  mustWrite: boolean;
  readonly actions: Action[];
}

const allowsTo = (of: { readonly subscription: string } | null): boolean =>
  of !== null && (of.subscription === 'to' || of.subscription === 'both');
const allowsFrom = (of: { readonly subscription: string } | null): boolean =>
  of !== null && (of.subscription === 'from' || of.subscription === 'both');

/** Does the user see the contact? The far side has granted it. */
function decideGranted({ account, mayWrite }: View, draft: Draft): void {
  const { server, sees: was, actions } = draft;
  draft.refused = false;
  if (server === null ? was === 'yes' : server.sees) {
    if (was !== 'yes') actions.push({ account, do: 'show' });
    draft.sees = 'yes';
  } else if (server === null ? was === 'pending' : server.ask) {
    if (server !== null) Object.assign(server, { sees: true, ask: false });
    actions.push({ account, do: 'toJabber', verb: 'subscribed' }, { account, do: 'show' });
    draft.sees = 'yes';
  } else if (was !== 'no') {
    actions.push({ account, do: 'toFar', verb: 'unsubscribe' }); // the user left while nobody listened
    draft.sees = 'no';
  } else if (server !== null && mayWrite) {
    server.sees = true;
    draft.mustWrite = true;
    actions.push({ account, do: 'show' });
    draft.sees = 'yes';
  }
  draft.approved = draft.sees === 'no' && was === 'no'; // nobody may write it: the user has to ask, and is let in at once
}

/** Does the user see the contact? The far side has not granted it, or not yet. */
function decideUngranted({ account, far }: View, draft: Draft): void {
  const { server, sees: was, actions } = draft;
  draft.approved = false;
  if (server === null ? was === 'yes' : server.sees) {
    if (server !== null) Object.assign(server, { sees: false, ask: false });
    actions.push({ account, do: 'hide' }, { account, do: 'toJabber', verb: 'unsubscribed' });
    draft.sees = 'no';
  } else if (server === null || (server.ask && was === 'pending')) {
    return; // the user waits for an answer, or for nothing
  } else if (!server.ask) {
    if (was === 'pending') actions.push({ account, do: 'toFar', verb: 'unsubscribe' }); // withdrawn while nobody listened
    draft.sees = 'no';
  } else if (draft.refused) {
    server.ask = false;
    actions.push({ account, do: 'toJabber', verb: 'unsubscribed' }); // the answer was lost
    draft.sees = 'no';
  } else {
    if (far?.isPending !== true) actions.push({ account, do: 'toFar', verb: 'subscribe' }); // the request was lost
    draft.sees = 'pending';
  }
}

/** Does the contact see the user? */
function decideSeen({ account, far, mayWrite }: View, draft: Draft): void {
  const { server, seen: was, actions } = draft;
  const isAllowed = allowsFrom(far);
  if (server?.seen === true) {
    if (was === 'pending' && !isAllowed) actions.push({ account, do: 'toFar', verb: 'subscribed' }); // it was lost
    draft.seen = 'yes';
  } else if (server !== null && was === 'yes') {
    if (isAllowed) actions.push({ account, do: 'toFar', verb: 'unsubscribed' }); // taken back while nobody listened
    draft.seen = 'no';
  } else if (!isAllowed || was === 'yes') {
    return;
  } else if (draft.denied) {
    actions.push({ account, do: 'toFar', verb: 'unsubscribed' });
  } else if (server !== null && mayWrite) {
    server.seen = true;
    draft.mustWrite = true;
    draft.seen = 'yes';
  } else {
    invite(account, far, draft);
  }
}

/** Where the roster cannot be written, the way into it is a request that the user may accept. Once. */
function invite(account: Account, far: Contact | null, draft: Draft): void {
  if (draft.seen !== 'no' || draft.denied) return;
  draft.seen = 'pending';
  draft.actions.push({ account, do: 'toJabber', verb: 'subscribe', ...(far?.name ? { nick: far.name } : {}) });
}

const subscriptionOf = ({ sees, seen }: { sees: boolean; seen: boolean }): ServerEntry['subscription'] =>
  sees && seen ? 'both' : sees ? 'to' : seen ? 'from' : 'none';

/** Names and groups, and with them the server's entry where it may be written. Gives what is synced afterwards. */
function decideLabels({ account, far, server, synced, mayWrite }: View, draft: Draft): Labels | null {
  if (far === null || server === 'unknown' || draft.server === null) return synced;
  const isNew = server === null;
  if (isNew && (!mayWrite || (draft.denied && draft.sees === 'no'))) return synced;

  const wanted = isNew ? pick(far) : mergeLabels(far, server, synced);
  if (!isSameLabels(far, wanted)) {
    draft.actions.unshift({ account, do: 'writeFar', contact: { account, ...wanted, hiddenGroups: far.hiddenGroups } });
  }
  if (!mayWrite) return server && pick(server);
  if (isNew || draft.mustWrite || !isSameLabels(server, wanted)) {
    const entry = { account, ...wanted, subscription: subscriptionOf(draft.server), ask: draft.server.ask };
    draft.actions.unshift({ account, do: 'writeServer', entry }); // before `show`: it makes state, not presence
  }
  return wanted;
}

const pick = ({ name, groups }: Labels): Labels => ({ name: name || null, groups });

/** The user, or the same person elsewhere, deleted the contact on one roster: it goes from the other. */
function decideDeleted({ account, far, server, pair, mayWrite }: View): readonly Action[] {
  if (far !== null) return [{ account, do: 'removeFar' }];
  const { sees, seen } = halvesOf(pair.state);
  const hide: readonly Action[] = sees === 'yes' ? [{ account, do: 'hide' }] : [];
  if (server === null) return [];
  if (mayWrite) return [...hide, { account, do: 'removeServer' }];
  const [isSeeing, isSeen] =
    server === 'unknown' ? [sees !== 'no', seen !== 'no'] : [allowsTo(server), allowsFrom(server)];
  return [
    ...hide,
    ...(isSeeing ? [{ account, do: 'toJabber', verb: 'unsubscribed' } as const] : []),
    ...(isSeen ? [{ account, do: 'toJabber', verb: 'unsubscribe' } as const] : []),
  ];
}

function isDeleted({ far, server, pair, synced }: View): boolean {
  if (synced === null) return far !== null && server === null && pair.left && pair.state === 'none';
  if (far === null) return server === null || server === 'unknown' || !server.ask; // asked for again: not deleted
  return server === null;
}

/** What to do about one contact; nothing when everybody agrees. Never throws. */
export function reconcileContact(view: View): readonly Action[] {
  const { account, pair, synced, far, server } = view;
  const save = (next: Known): readonly Action[] => {
    const isSameSynced =
      synced === null || next.synced === null ? synced === next.synced : isSameLabels(synced, next.synced);
    return isSameSynced && serialisePair(pair) === serialisePair(next.pair) ? [] : [{ account, do: 'save', ...next }];
  };
  if (isDeleted(view)) {
    return [...decideDeleted(view), ...save({ pair: { ...newPair, denied: pair.denied }, synced: null })];
  }
  const { state, approved, denied, refused, left } = pair;
  const draft: Draft = {
    ...halvesOf(state),
    approved,
    denied,
    refused,
    server:
      server === 'unknown' ? null : { sees: allowsTo(server), seen: allowsFrom(server), ask: server?.ask ?? false },
    mustWrite: false,
    actions: [],
  };
  if (allowsTo(far)) decideGranted(view, draft);
  else decideUngranted(view, draft);
  decideSeen(view, draft);
  if (draft.approved) invite(account, far, draft);
  const labels = decideLabels(view, draft);
  // what the state says itself needs no memory
  const next: Pair = {
    state: stateOf(draft),
    approved: draft.approved,
    denied: draft.denied && draft.seen === 'no',
    refused: draft.refused && draft.sees === 'no',
    left: left && server === 'unknown' && far !== null && draft.sees === 'no' && draft.seen === 'no',
  };
  return [...draft.actions, ...save({ pair: next, synced: labels })];
}
