import fc from 'fast-check';
import type { Contact, SubscriptionVerb } from '../../src/core/model';
import { isSameLabels, type Labels } from '../../src/core/labels';
import { reconcileContact, type Action, type Known, type ServerEntry, type View } from '../../src/core/reconcile';
import {
  halvesOf,
  isSuperseded,
  newPair,
  pairStates,
  applyVerb,
  type Pair,
  type Side,
} from '../../src/core/subscription';
import { mustAccount } from './arbitraries';
import { UserServer } from './user-server';

const account = mustAccount('romeo@example.net');
type Access = 'none' | 'get' | 'both';
type Subscription = Contact['subscription'];
const subscriptions: readonly Subscription[] = ['none', 'to', 'from', 'both'];

interface World {
  far: Contact | null;
  server: ServerEntry | null;
  known: Known;
  readonly access: Access;
}

const romeoLabels: Labels = { name: 'Romeo', groups: ['Friends'] };
const marriedLabels: Labels = { name: 'Romeo M.', groups: [] };
const groupedLabels: Labels = { name: null, groups: ['Verona', 'Friends'] };
const farOf = (subscription: Subscription, isPending = false, labels = romeoLabels): Contact => ({
  account,
  ...labels,
  hiddenGroups: ['~x'],
  subscription,
  isPending,
});
const entryOf = (subscription: Subscription, ask = false, labels = romeoLabels): ServerEntry => ({
  account,
  ...labels,
  subscription,
  ask,
});

const look = ({ far, server, known, access }: World): View => ({
  account,
  far,
  server: access === 'none' ? 'unknown' : server,
  ...known,
  mayWrite: access === 'both',
});

const has = (subscription: Subscription, word: 'to' | 'from'): boolean =>
  subscription === word || subscription === 'both';
function change(subscription: Subscription, word: 'to' | 'from', isSet: boolean): Subscription {
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
const words = (actions: readonly Action[]): string[] =>
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

const known = (state: Pair['state'], synced: Labels | null = null, flags: Partial<Pair> = {}): Known => ({
  pair: { ...newPair, state, ...flags },
  synced,
});

describe('one contact', () => {
  test.each<[string, World, string[]]>([
    [
      'all agree',
      { far: farOf('both'), server: entryOf('both'), known: known('both', romeoLabels), access: 'both' },
      [],
    ],
    [
      'the order of groups is no difference',
      {
        far: farOf('none', false, groupedLabels),
        server: entryOf('none', false, { name: '', groups: ['Friends', 'Verona'] }),
        known: known('none', groupedLabels),
        access: 'both',
      },
      [],
    ],
    [
      'a new far contact is written',
      { far: farOf('both'), server: null, known: known('none'), access: 'both' },
      ['writeServer Romeo [Friends] both', 'show', 'save both Romeo'],
    ],
    [
      'a new far contact that is only an address',
      { far: farOf('none'), server: null, known: known('none'), access: 'both' },
      ['writeServer Romeo [Friends] none', 'save none Romeo'],
    ],
    [
      'where nothing can be written: one request',
      { far: farOf('both'), server: null, known: known('none'), access: 'none' },
      ['toJabber subscribe', 'save none+out approved unsynced'],
    ],
    [
      'where it can only be read: the same',
      { far: farOf('to'), server: null, known: known('none'), access: 'get' },
      ['toJabber subscribe', 'save none+out approved unsynced'],
    ],
    [
      'and no second request',
      { far: farOf('both'), server: null, known: known('none+out', null, { approved: true }), access: 'none' },
      [],
    ],
    [
      'an address alone is no reason for a request',
      { far: farOf('none'), server: null, known: known('none'), access: 'none' },
      [],
    ],
    [
      'nor is a contact that the user has denied',
      { far: farOf('none'), server: null, known: known('none', null, { denied: true }), access: 'both' },
      [],
    ],
    [
      'a denied contact that the far side lists is told again',
      { far: farOf('from'), server: null, known: known('none', null, { denied: true }), access: 'none' },
      ['toFar unsubscribed'],
    ],
    [
      'a request lost while the component was down',
      { far: null, server: entryOf('none', true), known: known('none'), access: 'get' },
      ['toFar subscribe', 'save none+in unsynced'],
    ],
    [
      'a request the far side knows is not repeated',
      { far: farOf('none', true), server: entryOf('none', true), known: known('none', romeoLabels), access: 'get' },
      ['save none+in Romeo'],
    ],
    [
      'a request that waits',
      { far: farOf('none', true), server: entryOf('none', true), known: known('none+in', romeoLabels), access: 'both' },
      [],
    ],
    [
      'a request that the far side has granted',
      { far: farOf('to'), server: entryOf('none', true), known: known('none+in', romeoLabels), access: 'get' },
      ['toJabber subscribed', 'show', 'save from Romeo'],
    ],
    [
      'granted, roster not readable',
      { far: farOf('to'), server: null, known: known('none+in'), access: 'none' },
      ['toJabber subscribed', 'show', 'save from unsynced'],
    ],
    [
      'a denial that got lost',
      {
        far: farOf('none'),
        server: entryOf('none', true),
        known: known('none', romeoLabels, { refused: true }),
        access: 'get',
      },
      ['toJabber unsubscribed'],
    ],
    [
      'a request withdrawn while nobody listened',
      { far: farOf('none', true), server: entryOf('none'), known: known('none+in', romeoLabels), access: 'get' },
      ['toFar unsubscribe', 'save none Romeo'],
    ],
    [
      'the user has left while nobody listened',
      { far: farOf('both'), server: entryOf('from'), known: known('both', romeoLabels), access: 'both' },
      ['toFar unsubscribe', 'save to Romeo'],
    ],
    [
      'the far side has thrown the user out',
      { far: farOf('from'), server: entryOf('both'), known: known('both', romeoLabels), access: 'get' },
      ['hide', 'toJabber unsubscribed', 'save to Romeo'],
    ],
    [
      'the user has approved while nobody listened',
      { far: farOf('to'), server: entryOf('both'), known: known('from+out', romeoLabels), access: 'get' },
      ['toFar subscribed', 'save both Romeo'],
    ],
    [
      'the user has taken an approval back',
      { far: farOf('both'), server: entryOf('to'), known: known('both', romeoLabels), access: 'both' },
      ['toFar unsubscribed', 'save from Romeo'],
    ],
    [
      'a far roster that is late does not undo an approval',
      { far: farOf('to'), server: entryOf('both'), known: known('both', romeoLabels), access: 'both' },
      [],
    ],
    [
      'allowed elsewhere on the far side',
      { far: farOf('both'), server: entryOf('to'), known: known('from', romeoLabels), access: 'both' },
      ['writeServer Romeo [Friends] both', 'save both Romeo'],
    ],
    [
      'a stranger who waits for the user is left alone',
      { far: null, server: null, known: known('none+out'), access: 'get' },
      [],
    ],
    [
      'deleted on the far side',
      { far: null, server: entryOf('both'), known: known('both', romeoLabels), access: 'both' },
      ['hide', 'removeServer', 'save none unsynced'],
    ],
    [
      'the same where nothing can be written',
      { far: null, server: entryOf('both'), known: known('both', romeoLabels), access: 'get' },
      ['hide', 'toJabber unsubscribed', 'toJabber unsubscribe', 'save none unsynced'],
    ],
    [
      'deleted, but asked for again',
      { far: null, server: entryOf('none', true), known: known('none', romeoLabels), access: 'both' },
      ['toFar subscribe', 'save none+in Romeo'],
    ],
    [
      'deleted by the user',
      { far: farOf('both'), server: null, known: known('both', romeoLabels), access: 'both' },
      ['removeFar', 'save none unsynced'],
    ],
    [
      'a denial outlives the contact',
      { far: null, server: null, known: known('none', romeoLabels, { denied: true }), access: 'both' },
      ['save none denied unsynced'],
    ],
    [
      'renamed on the far side',
      {
        far: farOf('both', false, marriedLabels),
        server: entryOf('both'),
        known: known('both', romeoLabels),
        access: 'both',
      },
      ['writeServer Romeo M. [] both', 'save both Romeo M.'],
    ],
    [
      'renamed by the user',
      {
        far: farOf('both'),
        server: entryOf('both', false, marriedLabels),
        known: known('both', romeoLabels),
        access: 'both',
      },
      ['writeFar Romeo M. []', 'save both Romeo M.'],
    ],
    [
      'renamed by the user, read only',
      {
        far: farOf('both'),
        server: entryOf('both', false, marriedLabels),
        known: known('both', romeoLabels),
        access: 'get',
      },
      ['writeFar Romeo M. []', 'save both Romeo M.'],
    ],
    [
      'renamed on the far side, read only: nothing to be done',
      {
        far: farOf('both', false, marriedLabels),
        server: entryOf('both'),
        known: known('both', romeoLabels),
        access: 'get',
      },
      [],
    ],
    [
      'renamed by both: the user wins',
      {
        far: farOf('both', false, { name: 'Far', groups: ['Friends'] }),
        server: entryOf('both', false, { name: 'Near', groups: ['Friends'] }),
        known: known('both', romeoLabels),
        access: 'both',
      },
      ['writeFar Near [Friends]', 'save both Near'],
    ],
    [
      'a name here, groups there: both survive',
      {
        far: farOf('both', false, { name: 'Romeo', groups: ['Work'] }),
        server: entryOf('both', false, { name: 'Near', groups: ['Friends'] }),
        known: known('both', romeoLabels),
        access: 'both',
      },
      ['writeServer Near [Work] both', 'writeFar Near [Work]', 'save both Near'],
    ],
    [
      'a client that leaves the name out has not removed it',
      {
        far: farOf('both'),
        server: entryOf('both', false, { name: null, groups: ['Friends'] }),
        known: known('both', romeoLabels),
        access: 'both',
      },
      ['writeServer Romeo [Friends] both'],
    ],
    [
      'at first sight the far side names',
      { far: farOf('both'), server: entryOf('both', false, marriedLabels), known: known('both'), access: 'both' },
      ['writeServer Romeo [Friends] both', 'save both Romeo'],
    ],
    [
      'unless it has no name',
      {
        far: farOf('both', false, { name: null, groups: [] }),
        server: entryOf('both', false, romeoLabels),
        known: known('both'),
        access: 'both',
      },
      ['writeFar Romeo [Friends]', 'save both Romeo'],
    ],
  ])('%s', (_, world, expected) => {
    expect(words(reconcileContact(look(world)))).toEqual(expected);
  });

  test('a far rewrite keeps the hidden groups', () => {
    const world: World = {
      far: farOf('both'),
      server: entryOf('both', false, marriedLabels),
      known: known('both', romeoLabels),
      access: 'both',
    };
    expect(reconcileContact(look(world))[0]).toMatchObject({ do: 'writeFar', contact: { hiddenGroups: ['~x'] } });
  });
});

const farStates: readonly (Contact | null)[] = [
  null,
  ...subscriptions.flatMap((subscription) => [farOf(subscription), farOf(subscription, true)]),
];
const serverStates = (labels: Labels): readonly (ServerEntry | null)[] => [
  null,
  ...subscriptions.map((subscription) => entryOf(subscription, false, labels)),
  entryOf('none', true, labels),
  entryOf('from', true, labels),
];
const allPairs: readonly Pair[] = pairStates.flatMap((state) =>
  Array.from({ length: 16 }, (_, bits) => ({
    state,
    approved: (bits & 1) > 0,
    denied: (bits & 2) > 0,
    refused: (bits & 4) > 0,
    left: (bits & 8) > 0,
  })),
);

const waits = ({ known: { pair } }: World): boolean => halvesOf(pair.state).sees === 'pending';

/** Reconciles until nothing is left to do; fails when that takes more than three rounds. */
function calm(start: World): World {
  let world = start;
  for (let round = 0; round < 3; round++) {
    const actions = reconcileContact(look(world));
    if (actions.length === 0) return world;
    const pair = actions.map((one) => (one.do === 'save' ? one.pair : null)).find((one) => one !== null);
    for (const one of actions) {
      const isAsking = world.server?.ask === true || (world.access === 'none' && waits(world));
      if (one.do === 'toJabber' && one.verb === 'subscribed' && !isAsking) throw new Error('an unsolicited subscribed');
      if (one.do === 'toJabber' && isSuperseded(pair ?? world.known.pair, one.verb))
        throw new Error(`moot: ${one.verb}`);
    }
    world = apply(world, actions);
  }
  const left = words(reconcileContact(look(world)));
  if (left.length > 0) throw new Error(`still busy: ${left.join('; ')} from ${JSON.stringify(start)}`);
  return world;
}

/** What is wrong with a world in which there is nothing left to do; null = nothing. */
function complaint({ far, server, known: { pair }, access }: World): string | null {
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

describe('convergence', () => {
  test.each<Access>(['none', 'get', 'both'])(
    'from every combination of states, with access %s, calm comes and nothing is wrong then',
    (access) => {
      let count = 0;
      for (const far of farStates) {
        for (const labels of [romeoLabels, marriedLabels]) {
          for (const server of serverStates(labels)) {
            for (const pair of labels === romeoLabels ? allPairs : pairStates.map((state) => ({ ...newPair, state }))) {
              for (const synced of [null, romeoLabels, groupedLabels]) {
                const start: World = { far, server, known: { pair, synced }, access };
                const problem = complaint(calm(start));
                if (problem !== null)
                  throw new Error(`${problem}: ${JSON.stringify(start)} -> ${JSON.stringify(calm(start))}`);
                count += 1;
              }
            }
          }
        }
      }
      expect(count).toBe(9 * 7 * (144 + 9) * 3);
    },
  );

  const labels = fc.record<Labels>({
    name: fc.constantFrom(null, '', 'x', 'y', 'z'),
    groups: fc.subarray(['a', 'b', 'c']),
  });

  test('names and groups: both sides equal afterwards, and each field is what one of them had', () => {
    fc.assert(
      fc.property(labels, labels, fc.option(labels), (far, server, synced) => {
        const start: World = {
          far: farOf('both', false, far),
          server: entryOf('both', false, server),
          known: known('both', synced),
          access: 'both',
        };
        const end = calm(start);
        expect(end.far && end.server && isSameLabels(end.far, end.server)).toBe(true);
        expect([far.name || null, server.name || null]).toContain(end.server?.name || null);
        expect([far.groups, server.groups].map((groups) => [...groups].sort())).toContainEqual(
          [...(end.server?.groups ?? [])].sort(),
        );
      }),
    );
  });

  test('verbs that crossed each other on the way are put right by looking at the rosters', () => {
    const verb = fc.constantFrom<SubscriptionVerb>('subscribe', 'subscribed', 'unsubscribe', 'unsubscribed');
    const moves = fc.array(
      fc.oneof(
        fc.tuple(fc.constantFrom<Side>('inbound', 'outbound'), verb),
        fc.constantFrom('toUs' as const, 'toServer' as const),
      ),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(moves, (all) => {
        const server = new UserServer();
        const toUs: SubscriptionVerb[] = [];
        const toServer: SubscriptionVerb[] = [];
        let pair = newPair;
        const take = (side: Side, what: SubscriptionVerb): void => {
          const taken = applyVerb(pair, side, what);
          pair = taken.next;
          for (const effect of taken.effects) if (effect.do === 'toJabber') toServer.push(effect.verb);
        };
        const arrive = (what: SubscriptionVerb | undefined): void => {
          const reply = what === undefined ? null : server.inbound(what);
          if (reply !== null) toUs.push(reply);
        };
        const come = (what: SubscriptionVerb | undefined): void => {
          if (what !== undefined) take('inbound', what);
        };
        for (const move of all) {
          if (move === 'toUs') come(toUs.shift());
          else if (move === 'toServer') arrive(toServer.shift());
          else if (move[0] === 'outbound') take('outbound', move[1]);
          else if (server.outbound(move[1])) toUs.push(move[1]);
        }
        while (toUs.length + toServer.length > 0) {
          come(toUs.shift());
          arrive(toServer.shift());
        }

        const sub = (to: boolean, from: boolean): Subscription => change(change('none', 'to', to), 'from', from);
        const { sees, seen } = halvesOf(pair.state);
        const end = calm({
          far: farOf(sub(sees === 'yes' || pair.approved, seen === 'yes'), sees === 'pending'),
          server: entryOf(sub(server.to === 'yes', server.from === 'yes'), server.to === 'pending'),
          known: { pair, synced: romeoLabels },
          access: 'get',
        });
        expect(complaint(end)).toBeNull();
      }),
      { numRuns: 500 },
    );
  });
});
