/** What the operator can see and do, over the memory store. */
import { Fault } from '../../../src/core/fault';
import { account, jid, juliet, letter, makeOperatorScene, romeo, toFar } from './operator-scene';

const someone = jid('someone');

describe('links', () => {
  test('are listed by name with account, origin, status and why', () => {
    const { operator, status, clock } = makeOperatorScene(['nurse', 'juliet']);
    operator.onSession(juliet, 'online', null);
    clock.advance(5_000);
    status.set(juliet, 'waiting');
    operator.onSession(juliet, 'waiting', new Fault('unavailable'));
    const { entries, next } = operator.links({ after: null, count: 10, status: null, find: '' });
    expect(next).toBeNull();
    expect(entries.map((one) => one.user)).toEqual([juliet, jid('nurse')]);
    expect(entries[0]).toMatchObject({
      account: account('juliet'),
      origin: 'registered',
      status: 'waiting',
      since: clock.now(),
      fault: { code: 'unavailable' },
    });
    expect(entries[1]).toMatchObject({ status: 'online', since: null, fault: null });
    expect(JSON.stringify(entries)).not.toContain('PASSWORD');
  });

  test('in pages, each once, whatever the order in which they were made', () => {
    const names = Array.from({ length: 23 }, (_, i) => `user${String((i * 7) % 23).padStart(2, '0')}`);
    const { operator } = makeOperatorScene(names);
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const page = operator.links({ after, count: 5, status: null, find: '' });
      seen.push(...page.entries.map((one) => one.user));
      after = page.next;
    } while (after !== null);
    expect(seen).toEqual([...names].sort().map(jid));
  });

  test.each<[string, 'waiting' | null, string, string[]]>([
    ['by status', 'waiting', '', ['nurse']],
    ['by a part of the user', null, 'jul', ['juliet']],
    ['by a part of the account', null, 'nurse@far', ['nurse']],
    ['by both', 'waiting', 'juliet', []],
  ])('%s', (_what, wanted, find, names) => {
    const { operator, status } = makeOperatorScene(['juliet', 'nurse']);
    status.set(jid('nurse'), 'waiting');
    const { entries } = operator.links({ after: null, count: 10, status: wanted, find });
    expect(entries.map((one) => one.user)).toEqual(names.map(jid));
  });

  test('a status that is not the one last heard is told without its time', () => {
    const { operator, status } = makeOperatorScene();
    operator.onSession(juliet, 'waiting', new Fault('unavailable'));
    status.set(juliet, 'connecting');
    expect(operator.link(juliet)).toMatchObject({ status: 'connecting', since: null, fault: null });
    operator.onSession(juliet, 'closed', null);
    expect(operator.link(someone)).toBeNull();
  });

  test('reconnect closes and opens the session, whatever its state; the log knows who asked', async () => {
    const { operator, acts, logged } = makeOperatorScene();
    await operator.reconnect(juliet, 'admin@jabber.test');
    expect(acts).toEqual([`close ${juliet}`, `open ${juliet}`]);
    expect(logged.join()).toContain('"by":"admin@jabber.test"');
    await expect(operator.reconnect(someone, 'admin')).rejects.toMatchObject({ code: 'not-linked' });
  });

  test('a link that ends while it is reconnected is not opened again', async () => {
    const { operator, acts, links } = makeOperatorScene();
    const done = operator.reconnect(juliet, 'admin');
    links.delete(juliet);
    await done;
    expect(acts).toEqual([`close ${juliet}`]);
  });
});

describe('lanes', () => {
  test('tell what waits and why, and no text', async () => {
    const { operator, wait } = makeOperatorScene();
    const fault = new Fault('timeout').toData();
    const history = [{ at: 7, code: 'timeout' } as const];
    await wait({ ...letter('a'), attempts: 3, lastFault: fault, history }, letter('b'));
    const { entries, next } = await operator.lanes({ user: null, after: null, count: 10 });
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
    const { operator, store, wait } = makeOperatorScene();
    await wait(letter('a'));
    store.poison(toFar.replace('juliet', 'nurse') as typeof toFar, 'nonsense'); // another lane key
    expect((await operator.lanes({ user: juliet, after: null, count: 9 })).entries).toHaveLength(1);
    const { entries } = await operator.lanes({ user: jid('nurse'), after: null, count: 9 });
    expect(entries).toMatchObject([{ waiting: 1, oldest: null }]);
  });
});

describe('dead letters', () => {
  async function oneDead(...ids: string[]) {
    const scene = makeOperatorScene();
    await scene.addDead(...(ids.length === 0 ? ['a'] : ids).map((id) => letter(id, { subject: 'S' })));
    const { entries } = await scene.operator.deadLetters({ before: null, count: 10 });
    return { ...scene, entries, id: entries[0]?.id ?? '' };
  }

  test('are listed with their history and without a text, also not in the log', async () => {
    const { entries, logged } = await oneDead('a', 'b');
    expect(entries.map((one) => one.envelope?.envelopeId)).toEqual(['b', 'a']);
    expect(entries[0]).toMatchObject({
      direction: 'toFar',
      user: juliet,
      peer: romeo,
      envelope: {
        messageId: 'm-b',
        attempts: 2,
        fault: { code: 'refused', text: 'no such account', number: 404 },
        history: [
          { at: 1, code: 'timeout' },
          { at: 2, code: 'refused' },
        ],
      },
    });
    expect(JSON.stringify(entries) + logged.join()).not.toContain('SECRET');
  });

  test('one is opened when asked for: its text is shown, the log says who read it and not what', async () => {
    const { operator, id, logged } = await oneDead();
    expect(await operator.open(id, 'admin')).toMatchObject({ id, text: 'S\nSECRET of a' });
    expect(logged.join()).toContain(`"by":"admin","letter":"${id}"`);
    expect(logged.join()).not.toContain('SECRET');
    await expect(operator.open('1-1', 'admin')).rejects.toMatchObject({ code: 'not-found' });
  });

  test('one is sent again: at the end of its lane, rung at once, gone from the list', async () => {
    const { operator, id, store, acts } = await oneDead();
    await operator.resend(id, 'admin');
    expect(acts).toEqual([`schedule ${toFar} immediately`]);
    expect(await store.lanes.counts()).toEqual({ envelopes: 1, lanes: 1, dead: 0 });
    await expect(operator.resend(id, 'admin')).rejects.toMatchObject({ code: 'not-found' });
  });

  test('one whose user has no link stays: it would be emptied with the lane', async () => {
    const { operator, id, store, links } = await oneDead();
    links.delete(juliet);
    await expect(operator.resend(id, 'admin')).rejects.toMatchObject({ code: 'not-linked' });
    expect((await store.lanes.counts()).dead).toBe(1);
  });

  test('one that cannot be read is shown as it lies there, and cannot be sent', async () => {
    const { operator, store } = makeOperatorScene();
    store.poison(toFar, 'nonsense');
    await store.lanes.head(toFar, 1);
    await store.lanes.settle({ lane: toFar, taken: 1, keep: [], append: [], dead: [], poisoned: 1 });
    const [found] = (await operator.deadLetters({ before: null, count: 1 })).entries;
    expect(found?.envelope).toBeNull();
    expect(await operator.open(found?.id ?? '', 'admin')).toMatchObject({ text: 'nonsense' });
    await expect(operator.resend(found?.id ?? '', 'admin')).rejects.toMatchObject({ code: 'poisoned' });
  });

  test('a full lane takes none', async () => {
    const { operator, id, store } = await oneDead();
    const full = {
      ...store.lanes,
      resend: () => Promise.resolve({ lane: toFar, result: { outcome: 'full' } as const }),
    };
    Object.assign(store.lanes, full);
    await expect(operator.resend(id, 'admin')).rejects.toMatchObject({ code: 'lane-full' });
  });

  test('they are dropped, and it is told how many there were', async () => {
    const { operator, entries, store } = await oneDead('a', 'b', 'c');
    expect(await operator.drop([...entries.slice(1).map(({ id }) => id), 'nonsense'], 'admin')).toBe(2);
    expect((await store.lanes.counts()).dead).toBe(1);
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

describe('announcements', () => {
  test.each<['everybody' | 'online', string]>([
    ['everybody', 'chat'],
    ['online', 'headline'],
  ])('to %s', async (to, type) => {
    const { operator, acts, logged } = makeOperatorScene(['juliet', 'nurse']);
    expect(await operator.announce('  Closed\u0000 at noon\n', to, 'admin')).toEqual({ queued: 2, refused: 0 });
    expect(acts).toEqual(['juliet', 'nurse'].map((name) => `say ${jid(name)} ${type} Closed at noon`));
    expect(logged.join()).toContain('"queued":2');
    expect(logged.join()).not.toContain('noon');
  });

  test('every user once, however many; what the intake refuses is counted', async () => {
    const { operator, acts, intake } = makeOperatorScene(Array.from({ length: 450 }, (_, i) => `u${i}`));
    expect(await operator.announce('x', 'everybody', 'admin')).toEqual({ queued: 450, refused: 0 });
    expect(new Set(acts).size).toBe(450);
    intake(new Fault('store-away'));
    expect(await operator.announce('x', 'everybody', 'admin')).toEqual({ queued: 0, refused: 450 });
  });

  test.each<[string, string, string]>([
    ['nothing', ' \n', 'not-acceptable'],
    ['a novel', 'x'.repeat(4_001), 'too-large'],
  ])('%s is refused', async (_what, text, code) => {
    await expect(makeOperatorScene().operator.announce(text, 'everybody', 'admin')).rejects.toMatchObject({ code });
  });

  test('one at a time', async () => {
    const { operator } = makeOperatorScene();
    const first = operator.announce('one', 'everybody', 'admin');
    await expect(operator.announce('two', 'everybody', 'admin')).rejects.toMatchObject({ code: 'rate-limited' });
    await first;
    await operator.announce('three', 'everybody', 'admin');
  });
});

describe('all of it', () => {
  test('the overview counts links by status, lanes and drains', async () => {
    const { operator, status, wait } = makeOperatorScene(['juliet', 'nurse', 'friar']);
    status.set(jid('nurse'), 'refused');
    await wait(letter('a'));
    expect(await operator.overview()).toEqual({
      isStreamUp: true,
      isStoreUp: true,
      links: { total: 3, online: 2, refused: 1, connecting: 0, waiting: 0, deferred: 0, closed: 0 },
      lanes: { envelopes: 1, lanes: 1, dead: 0 },
      drains: { waiting: 1, active: 2, delayed: 3 },
    });
  });

  test('with the store away the rest is still told', async () => {
    const { operator, store } = makeOperatorScene();
    store.setAway(true);
    expect(await operator.overview()).toMatchObject({ isStoreUp: false, lanes: null, links: { total: 1 } });
    await expect(operator.lanes({ user: null, after: null, count: 1 })).rejects.toMatchObject({ code: 'store-away' });
    await expect(operator.sample()).rejects.toMatchObject({ code: 'store-away' });
  });

  test('gauges are sampled', async () => {
    const { operator, gauges, wait, addDead } = makeOperatorScene();
    await addDead(letter('a'));
    await wait(letter('b'), letter('c'));
    await operator.sample();
    expect(Object.fromEntries(gauges)).toEqual({
      intake_waiting: 5,
      lanes_waiting: 1,
      envelopes_waiting: 2,
      dead_letters: 1,
      'drains waiting': 1,
      'drains active': 2,
      'drains delayed': 3,
    });
  });
});
