/** What an operator looks at: lanes, dead letters one by one, and "where is it?" for any id. On Redis and in memory. */
import type { BareJid } from '../../../src/core/address';
import { Fault } from '../../../src/core/fault';
import { decode, encode } from '../../../src/store/lanes/envelope';
import type { Store } from '../../../src/store/types';
import { entries, entry, envelope, lane } from '../../support/envelopes';
import { makeMemoryStore } from '../../support/fakes/memory-store';
import { startRedis, type RedisServer } from '../../support/servers/redis';
import { makeStores, type Stores } from '../support';

const juliet = 'juliet@x.org' as BareJid; // test names, well formed by inspection
const star = '*@x.org' as BareJid;
const a = lane(juliet, 'romeo@y.net');
const b = lane(juliet, 'nurse@y.net');
const back = lane(juliet, 'romeo@y.net', 'toJabber');
const other = lane('juliet@x.organic', 'romeo@y.net');
const fault = new Fault('refused', { text: 'no' }).toData();
const history = [
  { at: 1, code: 'timeout' },
  { at: 2, code: 'refused' },
] as const;

let server: RedisServer;
let stores: Stores;
beforeAll(async () => {
  server = await startRedis({ unixsocket: true });
  stores = makeStores(server);
});
afterEach(() => stores.closeAll());
afterAll(() => server.dispose());

let count = 0;
const subjects: [string, (bounds?: { dedupeWindowMs: number }) => Promise<Store>][] = [
  ['redis', (bounds = { dedupeWindowMs: 86_400_000 }) => stores.open({ ...bounds, prefix: `s[${(count += 1)}]*:` })],
  ['memory', (bounds) => Promise.resolve(makeMemoryStore(bounds))],
];

describe.each(subjects)('on %s', (_name, open) => {
  /** n0 refused, n1 delivered, n2 and n3 waiting; each with an identity and a sender's id of its own. */
  async function busy(): Promise<Store> {
    const store = await open();
    const { lanes } = store;
    await lanes.append([...entries(a, 'n', 4), entry(back, 'far', 'iq 1'), entry(other, 'x', 'iq 2')]);
    await lanes.head(a, 2);
    const dead = [{ ...envelope('n0'), attempts: 2, lastFault: fault, history }];
    await lanes.settle({ lane: a, taken: 2, keep: [], append: [], dead });
    return store;
  }
  const brief = async (store: Store, id: string, user: BareJid | null = juliet) =>
    (await store.lanes.search({ id, user })).map((one) => [one.lane, one.envelopeId, one.place, one.ahead]);

  test.each<[string, string, BareJid | null, unknown[]]>([
    ['what waits', 'n3', juliet, [[a, 'n3', 'waiting', 1]]],
    ['what was refused', 'n0', juliet, [[a, 'n0', 'dead', null]]],
    ['what was delivered', 'n1', juliet, [[a, 'n1', 'gone', null]]],
    ['on the lane back', 'far', juliet, [[back, 'far', 'waiting', 0]]],
    ['for all users', 'n1', null, [[a, 'n1', 'gone', null]]],
    ['on a lane of somebody else: not told', 'x', juliet, []],
    ['on a lane of somebody else, for the operator', 'x', null, [[other, 'x', 'waiting', 0]]],
    ['a user whose name is a pattern finds nothing', 'n1', star, []],
    ['never seen', 'n9', juliet, []],
    ['the beginning of an id is no id', 'n', null, []],
    ['nothing', '', null, []],
  ])('search finds %s', async (_what, id, user, found) => {
    expect(await brief(await busy(), id, user)).toEqual(found);
  });

  test("search by the sender's id, when it is not the envelope's: everything that goes by it", async () => {
    const store = await open();
    const from = (id: string, messageId: string) => {
      const one = envelope(id);
      return { ...one, event: { ...one.event, id: messageId } as typeof one.event }; // a message, as `envelope` makes it
    };
    const odd = 'm"1\\é "id":"m2"';
    await store.lanes.append([
      { lane: a, envelope: from('e1', odd), identity: `${odd} one`, name: odd },
      { lane: b, envelope: from('e2', odd), identity: `${odd} two`, name: odd },
      { lane: b, envelope: from('e3', 'm3'), identity: 'three', name: 'm3' },
    ]);
    expect((await brief(store, odd)).sort()).toEqual([
      [b, 'e2', 'waiting', 0],
      [a, 'e1', 'waiting', 0],
    ]);
    for (const where of [a, b]) {
      await store.lanes.head(where, 5);
      await store.lanes.settle({ lane: where, taken: where === a ? 1 : 2, keep: [], append: [], dead: [] });
    }
    expect((await brief(store, odd)).sort()).toEqual([
      [b, 'e2', 'gone', null],
      [a, 'e1', 'gone', null],
    ]);
    expect(await brief(store, 'm3')).toEqual([[b, 'e3', 'gone', null]]);
    expect(await brief(store, 'm2')).toEqual([]);
  });

  test('without an identity, and what a settlement appends, it is found by its envelope id', async () => {
    const store = await open();
    await store.lanes.append([entry(a, 'plain')]);
    await store.lanes.head(a, 1);
    await store.lanes.settle({ lane: a, taken: 1, keep: [], append: [entry(back, 'answer')], dead: [] });
    expect(await brief(store, 'plain')).toEqual([[a, 'plain', 'gone', null]]);
    expect(await brief(store, 'answer')).toEqual([[back, 'answer', 'waiting', 0]]);
    await store.lanes.head(back, 1);
    await store.lanes.settle({ lane: back, taken: 1, keep: [], append: [], dead: [] });
    expect(await brief(store, 'answer', null)).toEqual([[back, 'answer', 'gone', null]]);
  });

  test('a text that quotes an id is not that id', async () => {
    const store = await open();
    await store.lanes.append([{ lane: a, envelope: envelope('q', '"id":"m1" and q2\n'), identity: null }]);
    expect(await brief(store, 'm1')).toEqual([]);
    expect(await brief(store, 'q2')).toEqual([]);
  });

  test('a finding knows the attempts, the history and the dead letter', async () => {
    const store = await busy();
    const [found] = await store.lanes.search({ id: 'n0', user: juliet });
    expect(found).toMatchObject({ attempts: 2, lastFault: { code: 'refused' }, history });
    const letter = await store.lanes.deadLetter(found?.letterId ?? '');
    expect(letter).toMatchObject({ lane: a, content: { envelope: { id: 'n0', history } } });
  });

  test('a repeat is still recognised, whatever the sender calls it', async () => {
    const store = await open();
    const named = (id: string, identity: string) => ({ ...entry(a, id, identity), name: 'n1' });
    const answers = await store.lanes.append([
      named('e1', 'identity'),
      named('e2', 'identity'),
      named('e1', 'identity'),
    ]);
    expect(answers.map((answer) => answer.outcome)).toEqual(['stored', 'repeat', 'stored']);
    expect(await store.lanes.search({ id: 'e1', user: null })).toMatchObject([{ envelopeId: 'e1', place: 'waiting' }]);
  });

  test('dead letters by id: only what is one', async () => {
    const store = await busy();
    for (const id of ['', 'nonsense', '1-1', '99999999999999-0']) expect(await store.lanes.deadLetter(id)).toBeNull();
  });

  test("a user's dead letters, newest first, from a time on", async () => {
    const store = await busy();
    expect(await store.lanes.deadLettersOf(juliet, 0, 10)).toHaveLength(1);
    expect(await store.lanes.deadLettersOf(juliet, 0, 0)).toHaveLength(0);
    expect(await store.lanes.deadLettersOf(juliet, Date.now() + 60_000, 10)).toHaveLength(0);
    expect(await store.lanes.deadLettersOf(star, 0, 10)).toHaveLength(0);
  });

  test('sent again, a letter keeps its history', async () => {
    const store = await busy();
    const [letter] = (await store.lanes.deadLetters({ before: null, count: 1 })).entries;
    await store.lanes.resend(letter?.id ?? '');
    const [found] = await store.lanes.search({ id: 'n0', user: juliet });
    expect(found).toMatchObject({ place: 'waiting', ahead: 2, attempts: 0, lastFault: null, history });
  });

  test('lanes by page: length and both ends, of one or of all', async () => {
    const store = await busy();
    const pages = async (user: BareJid | null, pageCount: number) => {
      const seen: unknown[] = [];
      let after: Awaited<ReturnType<Store['lanes']['lanePage']>>['next'] = null;
      do {
        const page: Awaited<ReturnType<Store['lanes']['lanePage']>> = await store.lanes.lanePage({
          user,
          after,
          count: pageCount,
        });
        seen.push(...page.entries.map((one) => [one.lane, one.length, one.oldest?.id, one.newest?.id]));
        after = page.next;
      } while (after !== null);
      return seen;
    };
    const mine = [
      [a, 2, 'n2', 'n3'],
      [back, 1, 'far', 'far'],
    ];
    const all = [mine[0], [other, 1, 'x', 'x'], mine[1]];
    for (const pageCount of [1, 2, 3, 100]) {
      expect(await pages(juliet, pageCount)).toEqual(mine);
      expect(await pages(null, pageCount)).toEqual(all);
      expect(await pages(star, pageCount)).toEqual([]);
    }
  });
});

test('in a big window an id is found among 12,000', async () => {
  const store = await stores.open({ prefix: 'big:', laneMax: 20_000 });
  for (let i = 0; i < 12; i += 1) await store.lanes.append(entries(a, `n${i}-`, 1_000));
  await store.lanes.forget(juliet);
  const found = await store.lanes.search({ id: 'n7-333', user: null });
  expect(found.map((one) => [one.envelopeId, one.place])).toEqual([['n7-333', 'gone']]);
});

test.each<[string, string]>([
  ['of another form', '"h":"yesterday"'],
  ['with a fault that is not known any more', '"h":[[1,"gone-with-the-wind"]]'],
])('a history %s costs no message', (_what, past) => {
  const raw = encode({ ...envelope('1'), history });
  const damaged = raw.replace(/"h":\[\[.*\]\]/, past);
  expect(damaged).not.toBe(raw);
  expect(decode(damaged)).toEqual({ envelope: envelope('1') });
});
