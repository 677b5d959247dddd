/**
 * One contact in a far roster, in a server's roster and in our own memory, for tests of `core/contacts/reconcile`: what the world
 * looks like after what was decided is done, and what is wrong with a world in which nothing is left to do.
 */
import type { Labels } from '../../../src/core/contacts/labels';
import { isSameLabels } from '../../../src/core/contacts/labels';
import type { Contact, SubscriptionVerb } from '../../../src/core/model';
import {
  reconcileContact,
  type Action,
  type Known,
  type ServerEntry,
  type View,
} from '../../../src/core/contacts/reconcile';
import { halvesOf, isSuperseded, newPair, type Pair } from '../../../src/core/contacts/subscription';
import { mustAccount } from '../arbitraries';

const account = mustAccount('romeo@example.net');
export type Access = 'none' | 'get' | 'both';
export type Subscription = Contact['subscription'];
export const subscriptions: readonly Subscription[] = ['none', 'to', 'from', 'both'];

export interface World {
  far: Contact | null;
  server: ServerEntry | null;
  known: Known;
  readonly access: Access;
}

export const romeoLabels: Labels = { name: 'Romeo', groups: ['Friends'] };
export const marriedLabels: Labels = { name: 'Romeo M.', groups: [] };
export const groupedLabels: Labels = { name: null, groups: ['Verona', 'Friends'] };
export const farOf = (subscription: Subscription, isPending = false, labels = romeoLabels): Contact => ({
  account,
  ...labels,
  hiddenGroups: ['~x'],
  subscription,
  isPending,
});
export const entryOf = (subscription: Subscription, ask = false, labels = romeoLabels): ServerEntry => ({
  account,
  ...labels,
  subscription,
  ask,
});

export const viewOf = ({ far, server, known, access }: World): View => ({
  account,
  far,
  server: access === 'none' ? 'unknown' : server,
  ...known,
  mayWrite: access === 'both',
});

const has = (subscription: Subscription, word: 'to' | 'from'): boolean =>
  subscription === word || subscription === 'both';
export function change(subscription: Subscription, word: 'to' | 'from', isSet: boolean): Subscription {
  const to = word === 'to' ? isSet : has(subscription, 'to');
  const from = word === 'from' ? isSet : has(subscription, 'from');
  return to && from ? 'both' : to ? 'to' : from ? 'from' : 'none';
}

function tellFar(far: Contact | null, verb: SubscriptionVerb): Contact | null {
  const base = far ?? farOf('none', false, { name: null, groups: [] });
  switch (verb) {
    case 'subscribe':
      return { ...base, isPending: true };
    case 'unsubscribe':
      return far && { ...far, isPending: false, subscription: change(far.subscription, 'to', false) };
    case 'subscribed':
      return { ...base, subscription: change(base.subscription, 'from', true) };
    case 'unsubscribed':
      return far && { ...far, subscription: change(far.subscription, 'from', false) };
  }
}

function tellServer(entry: ServerEntry | null, verb: SubscriptionVerb): ServerEntry | null {
  if (entry === null) return null;
  switch (verb) {
    case 'subscribe':
      return entry; // a request that the user has not answered does not show
    case 'subscribed':
      return entry.ask ? { ...entry, ask: false, subscription: change(entry.subscription, 'to', true) } : entry;
    case 'unsubscribe':
      return { ...entry, subscription: change(entry.subscription, 'from', false) };
    case 'unsubscribed':
      return { ...entry, ask: false, subscription: change(entry.subscription, 'to', false) };
  }
}

/** What the world looks like when all of that has been done. */
function apply(world: World, actions: readonly Action[]): World {
  let { far, server, known } = world;
  for (const action of actions) {
    switch (action.do) {
      case 'writeServer':
        server = action.entry;
        break;
      case 'removeServer':
        server = null;
        break;
      case 'writeFar':
        far = { ...(far ?? farOf('none')), ...action.contact };
        break;
      case 'removeFar':
        far = null;
        break;
      case 'toFar':
        far = tellFar(far, action.verb);
        break;
      case 'toJabber':
        server = tellServer(server, action.verb);
        break;
      case 'save':
        known = { pair: action.pair, synced: action.synced };
        break;
      case 'show':
      case 'hide':
        break;
    }
  }
  return { far, server, known, access: world.access };
}

/** Actions as words. */
export const words = (actions: readonly Action[]): string[] =>
  actions.map((action) => {
    if ('verb' in action) return `${action.do} ${action.verb}`;
    if (action.do === 'writeServer') {
      const { name, groups, subscription, ask } = action.entry;
      return `writeServer ${name} [${groups.join()}] ${subscription}${ask ? ' ask' : ''}`;
    }
    if (action.do === 'writeFar') return `writeFar ${action.contact.name} [${action.contact.groups.join()}]`;
    if (action.do !== 'save') return action.do;
    const { state, approved, denied, refused, left } = action.pair;
    const flags = Object.entries({ approved, denied, refused, left }).flatMap(([flag, isSet]) => (isSet ? [flag] : []));
    return ['save', state, ...flags, action.synced === null ? 'unsynced' : `${action.synced.name}`].join(' ');
  });

export const known = (state: Pair['state'], synced: Labels | null = null, flags: Partial<Pair> = {}): Known => ({
  pair: { ...newPair, state, ...flags },
  synced,
});

const waits = ({ known: { pair } }: World): boolean => halvesOf(pair.state).sees === 'pending';

/** Reconciles until nothing is left to do; fails when that takes more than three rounds. */
export function settle(start: World): World {
  let world = start;
  for (let round = 0; round < 3; round++) {
    const actions = reconcileContact(viewOf(world));
    if (actions.length === 0) return world;
    const pair = actions.map((one) => (one.do === 'save' ? one.pair : null)).find((one) => one !== null);
    for (const one of actions) {
      const isAsking = world.server?.ask === true || (world.access === 'none' && waits(world));
      if (one.do === 'toJabber' && one.verb === 'subscribed' && !isAsking) throw new Error('an unsolicited subscribed');
      if (one.do === 'toJabber' && isSuperseded(pair ?? world.known.pair, one.verb))
        throw new Error(`superseded: ${one.verb}`);
    }
    world = apply(world, actions);
  }
  const left = words(reconcileContact(viewOf(world)));
  if (left.length > 0) throw new Error(`still busy: ${left.join('; ')} from ${JSON.stringify(start)}`);
  return world;
}

/** What is wrong with a world in which there is nothing left to do; null = nothing. */
export function problemOf({ far, server, known: { pair }, access }: World): string | null {
  if (pair.denied && halvesOf(pair.state).seen !== 'no') return 'a denial beside a request or an approval';
  if ((pair.approved || pair.refused) && halvesOf(pair.state).sees !== 'no')
    return 'an answer kept beside a subscription';
  if (access === 'none')
    return far && has(far.subscription, 'to') !== (halvesOf(pair.state).sees === 'yes' || pair.approved)
      ? 'grant'
      : null;
  const { sees, seen } = halvesOf(pair.state);
  const isSeeing = server !== null && has(server.subscription, 'to');
  const isGranted = far !== null && has(far.subscription, 'to');
  if (isSeeing && !isGranted) return 'the user sees what the far side does not grant';
  if (isSeeing !== (sees === 'yes')) return 'the pair and the server disagree on what the user sees';
  if (server?.ask === true && sees !== 'pending') return 'an open request that nobody knows';
  if (server?.ask === true && far?.isPending !== true && !isSeeing && far === null)
    if (sees === 'pending' && server?.ask !== true) return 'a request that nobody made';
  if ((server !== null && has(server.subscription, 'from')) !== (seen === 'yes')) return 'who sees the user';
  if (far !== null && has(far.subscription, 'from') && seen === 'no')
    return 'the far side shows the user to somebody denied';
  if (access === 'get') return null;
  if (isGranted !== isSeeing) return 'a grant that does not reach the user';
  if (far !== null && server === null && !pair.denied) return 'a far contact that is not on the server roster';
  if (far !== null && server !== null && !isSameLabels(far, server)) return 'names or groups differ';
  return null;
}
