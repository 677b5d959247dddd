/** What waits, and where a message is, over the memory store. */
import { Fault } from '../../../src/core/fault';
import { jid, juliet, letter, makeOperatorScene, romeo, toFar } from './operator-scene';

const someone = jid('someone');

describe('lanes', () => {
  test('tell what waits and why, and no text', async () => {
    const { run, wait } = makeOperatorScene();
    const fault = new Fault('timeout').toData();
    const history = [{ at: 7, code: 'timeout' } as const];
    await wait({ ...letter('a'), attempts: 3, lastFault: fault, history }, letter('b'));
    const { entries, next } = await run('lanes', { count: 10 });
    expect(next).toBeNull();
    expect(entries).toEqual([
      {
        lane: toFar,
        direction: 'toFar',
        user: juliet,
        peer: romeo,
        waiting: 2,
        oldest: {
          envelopeId: 'a',
          kind: 'message',
          messageId: 'm-a',
          acceptedAt: letter('a').acceptedAt,
          attempts: 3,
          fault,
          history,
        },
      },
    ]);
    expect(JSON.stringify(entries)).not.toContain('SECRET');
  });

  test('of one user; a head that cannot be read is told as such', async () => {
    const { run, store, wait } = makeOperatorScene();
    await wait(letter('a'));
    store.poison(toFar.replace('juliet', 'nurse') as typeof toFar, 'nonsense'); // another lane key
    expect((await run('lanes', { user: juliet })).entries).toHaveLength(1);
    const { entries } = await run('lanes', { user: jid('nurse') });
    expect(entries).toMatchObject([{ waiting: 1, oldest: null }]);
  });
});

describe('where is it', () => {
  test.each<[string, string, string, object]>([
    ['waiting, by envelope id', 'w1', 'waiting', { ahead: 1, attempts: 0 }],
    ["waiting, by the sender's id", 'm-w0', 'waiting', { ahead: 0 }],
    ['dead', 'm-a', 'dead', { attempts: 2, lastFault: { code: 'refused' } }],
    ['gone', 'm-b', 'gone', { acceptedAt: null }],
  ])('%s', async (_what, id, place, more) => {
    const { operator, store, addDead, wait } = makeOperatorScene();
    await addDead(letter('a'));
    await wait(letter('b'));
    await store.lanes.head(toFar, 1);
    await store.lanes.settle({ lane: toFar, taken: 1, keep: [], append: [], dead: [] });
    await wait(letter('w0'), letter('w1'));
    expect(await operator.trace({ id, user: juliet })).toMatchObject([{ place, lane: toFar, ...more }]);
    expect(await operator.trace({ id, user: someone })).toEqual([]);
  });

  test.each<[string, string]>([
    ['no id', ''],
    ['an endless id', 'x'.repeat(1_001)],
  ])('%s is refused', async (_what, id) => {
    await expect(makeOperatorScene().operator.trace({ id, user: null })).rejects.toMatchObject({ code: 'bad-request' });
  });

  test('only so many search at once', async () => {
    const { operator } = makeOperatorScene();
    const searches = Array.from({ length: 5 }, () => operator.trace({ id: 'x', user: null }));
    const ends = await Promise.allSettled(searches);
    expect(ends.map((one) => one.status)).toEqual([...Array<string>(4).fill('fulfilled'), 'rejected']);
    expect(await operator.trace({ id: 'x', user: null })).toEqual([]);
  });

  test("a user's own: what waits with the newest of each lane, and what was refused in the last day", async () => {
    const { operator, clock, addDead, wait } = makeOperatorScene();
    await addDead(letter('old'));
    clock.advance(86_400_000 + 1);
    await addDead(letter('a'));
    await wait(letter('w0'), letter('w1'));
    const { lanes, dead } = await operator.waitingOf(juliet);
    expect(lanes).toMatchObject([
      { peer: romeo, waiting: 2, oldest: { envelopeId: 'w0' }, newest: { envelopeId: 'w1' } },
    ]);
    expect(dead).toMatchObject([{ peer: romeo, envelope: { envelopeId: 'a' } }]);
    expect(await operator.waitingOf(someone)).toEqual({ lanes: [], dead: [] });
  });
});
