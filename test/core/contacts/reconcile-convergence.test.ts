import fc from 'fast-check';
import { isSameLabels, type Labels } from '../../../src/core/contacts/labels';
import type { Contact, SubscriptionVerb } from '../../../src/core/model';
import type { ServerEntry } from '../../../src/core/contacts/reconcile';
import {
  applyVerb,
  halvesOf,
  newPair,
  pairStates,
  type Pair,
  type Side,
} from '../../../src/core/contacts/subscription';
import {
  type Access,
  change,
  entryOf,
  farOf,
  groupedLabels,
  known,
  marriedLabels,
  problemOf,
  romeoLabels,
  settle,
  type Subscription,
  subscriptions,
  type World,
} from './roster-world';
import { UserServer } from '../../support/fakes/user-server';

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

describe('convergence', () => {
  test.each<Access>(['none', 'get', 'both'])(
    'from every combination of states, with access %s, there is an end to it and nothing is wrong then',
    (access) => {
      let count = 0;
      for (const far of farStates) {
        for (const labels of [romeoLabels, marriedLabels]) {
          for (const server of serverStates(labels)) {
            for (const pair of labels === romeoLabels ? allPairs : pairStates.map((state) => ({ ...newPair, state }))) {
              for (const synced of [null, romeoLabels, groupedLabels]) {
                const start: World = { far, server, known: { pair, synced }, access };
                const problem = problemOf(settle(start));
                if (problem !== null)
                  throw new Error(`${problem}: ${JSON.stringify(start)} -> ${JSON.stringify(settle(start))}`);
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
        const end = settle(start);
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
        const end = settle({
          far: farOf(sub(sees === 'yes' || pair.approved, seen === 'yes'), sees === 'pending'),
          server: entryOf(sub(server.to === 'yes', server.from === 'yes'), server.to === 'pending'),
          known: { pair, synced: romeoLabels },
          access: 'get',
        });
        expect(problemOf(end)).toBeNull();
      }),
      { numRuns: 500 },
    );
  });
});
