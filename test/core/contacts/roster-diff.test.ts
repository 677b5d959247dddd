import fc from 'fast-check';
import type { Account } from '../../../src/core/address';
import { isSameLabels, parseLabels, serialiseLabels, type Labels } from '../../../src/core/contacts/labels';
import { gatewayPeer, type Contact } from '../../../src/core/model';
import { newPair } from '../../../src/core/contacts/pair';
import type { Known, ServerEntry } from '../../../src/core/contacts/reconcile';
import { reconcile, type Rosters } from '../../../src/core/contacts/roster-diff';
import { mustAccount } from '../arbitraries';

const accountOf = (i: number): Account => mustAccount(`c${i}@example.net`);
const range = (count: number, from = 0): Account[] => Array.from({ length: count }, (_, i) => accountOf(from + i));
const labels: Labels = { name: 'X', groups: [] };
const contact = (account: Account): Contact => ({
  account,
  ...labels,
  hiddenGroups: [],
  subscription: 'both',
  isPending: false,
});
const entry = (account: Account): ServerEntry => ({ account, ...labels, subscription: 'both', ask: false });
const known: Known = { pair: { ...newPair, state: 'both' }, synced: labels };

/** Ten contacts on both rosters, all agreed. */
const ten: Rosters = {
  far: range(10).map(contact),
  server: range(10).map(entry),
  mayWrite: true,
  known: new Map(range(10).map((account) => [account, known])),
  busy: new Set(),
};

const summary = (rosters: Rosters): { what: string[]; skipped: number } => {
  const { actions, skipped } = reconcile(rosters);
  return {
    what: actions.filter((one) => one.do !== 'save').map((one) => `${one.do} ${one.account.split('@')[0]}`),
    skipped: skipped.length,
  };
};

describe('whole rosters', () => {
  test.each<[string, Partial<Rosters>, { what: string[]; skipped: number }]>([
    ['all agree', {}, { what: [], skipped: 0 }],
    [
      'a contact deleted on the far side',
      { far: range(9).map(contact) },
      { what: ['hide c9', 'removeServer c9'], skipped: 0 },
    ],
    ['a contact deleted by the user', { server: range(9).map(entry) }, { what: ['removeFar c9'], skipped: 0 }],
    ['a far roster that is empty is unknown', { far: [] }, { what: [], skipped: 10 }],
    ['a far roster that is much shorter is unknown', { far: range(6).map(contact) }, { what: [], skipped: 4 }],
    ['a server roster that is empty is unknown', { server: [] }, { what: [], skipped: 10 }],
    ['a server roster that is much shorter is unknown', { server: range(6).map(entry) }, { what: [], skipped: 4 }],
    [
      'a far roster without any subscription is unknown',
      { far: ten.far.map((one) => ({ ...one, subscription: 'none' })) },
      { what: [], skipped: 10 },
    ],
    [
      'the limit can be set',
      { far: range(6).map(contact), mayDelete: 0, server: range(5).map(entry) },
      { what: [], skipped: 5 },
    ],
    [
      'what adds is done all the same',
      { far: [...range(4), accountOf(50)].map(contact) },
      { what: ['writeServer c50', 'show c50'], skipped: 6 },
    ],
    [
      'a busy contact is left for the next time',
      { far: range(8).map(contact), busy: new Set([accountOf(9)]) },
      { what: ['hide c8', 'removeServer c8'], skipped: 0 },
    ],
    ['a roster that cannot be read deletes nothing', { server: null }, { what: [], skipped: 0 }],
    [
      'without reading there is no writing',
      { server: null, far: [...range(10), accountOf(50)].map(contact) },
      { what: ['toJabber c50'], skipped: 0 },
    ],
    [
      'the gateway itself is no contact',
      { server: [...range(10).map(entry), entry(gatewayPeer)] },
      { what: [], skipped: 0 },
    ],
  ])('%s', (_, part, expected) => {
    expect(summary({ ...ten, ...part })).toEqual(expected);
  });

  test('the last contact goes when its going was told; an empty list alone says nothing, however short it was', () => {
    const one = { ...ten, server: range(1).map(entry), known: new Map([[accountOf(0), known]]) };
    const going = ['hide c0', 'removeServer c0'];
    expect(summary({ ...one, far: [] })).toEqual({ what: [], skipped: 1 });
    expect(summary({ ...one, far: [], gone: new Set(range(1)) })).toEqual({ what: going, skipped: 0 });
    expect(summary({ ...one, far: range(1).map(contact), gone: new Set(range(1)) })).toEqual({ what: [], skipped: 0 });
    expect(summary({ ...ten, far: [], gone: new Set(range(10)) })).toEqual({ what: [], skipped: 10 });
    expect(summary({ ...one, far: [], mayDelete: 1 })).toEqual({ what: going, skipped: 0 });
  });

  test('the first login of a new user writes everything, however many there are', () => {
    const { what, skipped } = summary({ ...ten, far: range(500).map(contact), server: [], known: new Map() });
    expect([what.length, skipped]).toEqual([1_000, 0]);
  });

  test('the very first contact, lost while the component was down, is passed on although the far roster is empty', () => {
    const asked: ServerEntry = { ...entry(accountOf(0)), subscription: 'none', ask: true };
    expect(summary({ ...ten, far: [], server: [asked], known: new Map() })).toEqual({ what: ['toFar c0'], skipped: 0 });
  });

  test('the last contact, whose subscriptions the user has ended, goes although the server roster is empty', () => {
    const last = { pair: newPair, synced: { name: null, groups: [] } };
    const one = new Map([[accountOf(0), last]]);
    expect(summary({ ...ten, far: [contact(accountOf(0))], server: [], known: one })).toEqual({
      what: ['removeFar c0'],
      skipped: 0,
    });
    expect(summary({ ...ten, far: [], server: [entry(accountOf(0))], known: one })).toEqual({ what: [], skipped: 1 });
  });

  test('never is anything taken from more contacts than the limit, whatever is missing where', () => {
    const some = fc.subarray(range(10));
    fc.assert(
      fc.property(some, some, fc.nat(10), fc.boolean(), (far, server, mayDelete, mayWrite) => {
        const { actions } = reconcile({
          ...ten,
          far: far.map(contact),
          server: server.map(entry),
          mayDelete,
          mayWrite,
        });
        const takers = new Set(
          actions.filter((one) => one.do.startsWith('remove') || one.do === 'hide').map((one) => one.account),
        );
        expect(takers.size).toBeLessThanOrEqual(mayDelete);
      }),
    );
  });
});

describe('stored labels', () => {
  test('are read back', () => {
    const any = fc.record<Labels>({ name: fc.option(fc.string()), groups: fc.array(fc.string()) });
    fc.assert(
      fc.property(any, (one) => {
        const again = parseLabels(serialiseLabels(one));
        expect(again && isSameLabels(again, one)).toBe(true);
      }),
    );
  });

  test.each([
    ['nothing', ''],
    ['another type', '[]'],
    ['null', 'null'],
    ['no groups', '{"name":"x"}'],
    ['a number for a name', '{"name":1,"groups":[]}'],
    ['a number among the groups', '{"name":null,"groups":["a",1]}'],
    ['groups that are no list', '{"name":null,"groups":"a"}'],
  ])('%s are none', (_, text) => expect(parseLabels(text)).toBeNull());
});
