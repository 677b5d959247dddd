/** Links as an operator sees and handles them. */
import type { LinkView, Page } from '../../../src/bridge/ports';
import { Fault } from '../../../src/core/fault';
import { account, jid, juliet, makeOperatorScene } from './operator-scene';

const someone = jid('someone');

describe('links', () => {
  test('are listed by name with account, origin, status and why', async () => {
    const { operator, run, status, clock } = makeOperatorScene(['nurse', 'juliet']);
    operator.onSession(juliet, 'online', null);
    clock.advance(5_000);
    status.set(juliet, 'waiting');
    operator.onSession(juliet, 'waiting', new Fault('unavailable'));
    const { entries, next } = await run('links list', { count: 10 });
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

  test('in pages, each once, whatever the order in which they were made', async () => {
    const names = Array.from({ length: 23 }, (_, i) => `user${String((i * 7) % 23).padStart(2, '0')}`);
    const { run } = makeOperatorScene(names);
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const page: Page<LinkView> = await run('links list', { after, count: 5 });
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
  ])('%s', async (_what, wanted, find, names) => {
    const { run, status } = makeOperatorScene(['juliet', 'nurse']);
    status.set(jid('nurse'), 'waiting');
    const { entries } = await run('links list', { status: wanted, find });
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
    const { run, acts, logged } = makeOperatorScene();
    await run('links reconnect', { users: [juliet] });
    expect(acts).toEqual([`close ${juliet}`, `open ${juliet}`]);
    expect(logged.join()).toContain('"by":"admin@jabber.test"');
    expect(await run('links reconnect', { users: [someone] })).toMatchObject({
      done: 0,
      failed: [{ code: 'not-linked' }],
    });
  });

  test('a link that ends while it is reconnected is not opened again', async () => {
    const { run, acts, links } = makeOperatorScene();
    const done = run('links reconnect', { users: [juliet] });
    links.delete(juliet);
    await done;
    expect(acts).toEqual([`close ${juliet}`]);
  });

  test('all are reconnected, or all that were refused', async () => {
    const { run, acts, status } = makeOperatorScene(['juliet', 'nurse', 'friar']);
    status.set(jid('nurse'), 'refused');
    status.set(jid('friar'), 'deferred');
    expect(await run('links reconnect', { refused: true })).toEqual({ done: 2, failed: [] });
    expect(acts.splice(0)).toEqual([`reconnect ${jid('nurse')},${jid('friar')}`]);
    expect(await run('links reconnect', { all: true })).toEqual({ done: 3, failed: [] });
    expect(acts.filter((act) => act.startsWith('open'))).toHaveLength(3);
  });

  test.each<[string, object]>([
    ['nobody', {}],
    ['all and some', { all: true, users: ['juliet@jabber.test'] }],
  ])('reconnecting %s is refused', async (_what, given) => {
    await expect(makeOperatorScene().run('links reconnect', given)).rejects.toMatchObject({
      code: 'bad-request',
    });
  });

  test('are added, given a password, suspended, resumed and removed; none of it tells a password', async () => {
    const { run, acts, status, logged, store } = makeOperatorScene([]);
    const given = { user: juliet, account: account('juliet') };
    expect(await run('links add', { ...given, password: 'PASSWORD' })).toMatchObject({
      ...given,
      origin: 'registered',
    });
    await run('links password', { user: juliet, password: 'PASSWORD too' });
    status.set(juliet, 'closed');
    expect(await run('links suspend', { users: [juliet, someone] })).toMatchObject({
      done: 1,
      failed: [{ id: someone }],
    });
    expect(await run('links show', { user: juliet })).toMatchObject({ status: 'suspended' });
    expect((await run('links list', { status: 'suspended' })).entries).toHaveLength(1);
    await run('links resume', { users: [juliet] });
    await run('links remove', { users: [juliet] });
    expect(acts.map((act) => act.split(' ')[0])).toEqual(['add', 'password', 'suspend', 'resume', 'remove']);
    await expect(run('links show', { user: juliet })).rejects.toMatchObject({ code: 'not-linked' });
    expect(logged.join() + JSON.stringify(await store.audit.page({ before: null, count: 9 }))).not.toContain(
      'PASSWORD',
    );
  });

  test('a page of 500 out of many, whatever their order', async () => {
    const names = Array.from({ length: 2_000 }, (_, i) => `u${String(2_000 - i).padStart(4, '0')}`);
    const { run } = makeOperatorScene(names);
    const { entries, next } = await run('links list', { count: 500, after: jid('u0100') });
    expect(entries.map(({ user }) => user)).toEqual([...names].sort().slice(100, 600).map(jid));
    expect(next).toBe(jid('u0600'));
  });
});
