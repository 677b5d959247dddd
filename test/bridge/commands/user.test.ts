/** The users' own commands, and the list of all. */
import { makeAccess } from '../../../src/core/access';
import { adminNames } from '../../../src/core/admin/table';
import type { BareJid } from '../../../src/core/address';
import { Fault } from '../../../src/core/fault';
import { en } from '../../../src/core/i18n/en';
import { makeAdhoc } from '../../../src/xmpp/services/adhoc';
import { elements } from '../../../src/xmpp/stanza/element';
import { silentLog } from '../../support/silence';
import { makePermits } from '../../../src/bridge/commands/user';
import { account, jid, juliet, letter, makeOperatorScene, toFar } from '../operator/operator-scene';
import { admin, commandScene, end, form } from './commands-scene';

describe('the list', () => {
  test('every command names who may run it, has two titles, and a node of its own', () => {
    const { commands } = commandScene();
    expect(commands.map((one) => `${one.node}: ${one.permission}`)).toEqual([
      'where: linked',
      'status: linked',
      'preferences: linked',
      'link: allowed',
      'unlink: linked',
      ...adminNames.map((name) => `admin/${name.replace(' ', '/')}: admin`),
    ]);
    for (const { title } of commands) {
      expect(title('en')).toMatch(/^[A-Z]/);
      expect(title('ru')).toMatch(/^[А-Я]/);
    }
  });

  test('without registration nobody is offered to link', () => {
    expect(commandScene([], false).commands.map((one) => one.node)).not.toContain('link');
  });

  test.each<[string, string, boolean, boolean, boolean]>([
    ['a stranger who may', 'someone@jabber.test', true, false, false],
    ['a linked user', juliet, true, true, false],
    ['a linked user who may not any more', 'tybalt@jabber.test', false, false, false],
    ['an admin without a link', admin, true, false, true],
    ['an admin who may not use it', 'boss@elsewhere.test', false, false, true],
  ])('%s', (_what, user, allowed, linked, isAdmin) => {
    const access = makeAccess({
      allow: ['jabber.test'],
      deny: ['tybalt@jabber.test'],
      admins: [admin, 'boss@elsewhere.test'],
    });
    const permits = makePermits({ access, isLinked: (one) => one === juliet || one === jid('tybalt') });
    const may = (['allowed', 'linked', 'admin'] as const).map((one) => permits(user as BareJid, one)); // a test's name
    expect(may).toEqual([allowed, linked, isAdmin]);
  });

  test('on the wire: a stranger sees one command, an admin all', () => {
    const { commands } = commandScene();
    const permits = makePermits({
      access: makeAccess({ allow: ['*'], deny: [], admins: [admin] }),
      isLinked: () => false,
    });
    const options = { commands, permits, language: 'en', newId: () => 'x', log: silentLog } as const;
    const { items } = makeAdhoc({ ...options, clock: makeOperatorScene().clock });
    const count = (user: BareJid): number => {
      const request = { from: { bare: user, resource: 'r' }, stanza: { attrs: {} }, language: 'en' };
      const answer = items('http://jabber.org/protocol/commands', request as never); // what items() reads
      return answer === null ? -1 : elements(answer).length;
    };
    expect([count(jid('someone')), count(admin)]).toEqual([1, 1 + adminNames.length]);
  });
});

describe('link and unlink', () => {
  test('a form, the credentials tried, done', async () => {
    const { walk, calls } = commandScene([]);
    const first = form(await walk('link'));
    expect(first.fields.map(({ var: name, type, value }) => [name, type, value])).toEqual([
      ['account', 'text-single', null],
      ['password', 'text-private', undefined],
    ]);
    expect(end(await walk('link', [{ account: ' Romeo ', password: 'right' }])).text).toBe(
      'You are linked to romeo@far.test.',
    );
    expect(calls).toEqual([`link ${juliet} romeo@far.test`]);
  });

  test('who is linked sees to what, never the password', async () => {
    const first = form(await commandScene().walk('link'));
    expect(first.fields[0]).toMatchObject({ value: account('juliet') });
    expect(JSON.stringify(first)).not.toContain('PASSWORD');
  });

  test.each<[string, Record<string, string>, string]>([
    ['a wrong password', { account: 'romeo@far.test', password: 'wrong' }, 'not-authorized'],
    ['no password', { account: 'romeo@far.test' }, 'not-acceptable'],
    ['no account', { password: 'right' }, 'not-acceptable'],
    ['no address', { account: 'two words', password: 'right' }, 'jid-malformed'],
    ['nothing filled in', {}, 'not-acceptable'],
  ])('%s', async (_what, answers, code) => {
    await expect(commandScene().walk('link', [answers])).rejects.toMatchObject({ code });
  });

  test.each<[string, Record<string, string>, string[]]>([
    ['yes', { sure: 'true' }, [`unlink ${juliet}`]],
    ['yes, as old clients say it', { sure: '1' }, [`unlink ${juliet}`]],
    ['no', { sure: 'false' }, []],
    ['no answer', {}, []],
  ])('unlink: %s', async (_what, answers, acts) => {
    const { walk, calls } = commandScene();
    expect(form(await walk('unlink')).hint).toContain(account('juliet'));
    end(await walk('unlink', [answers]));
    expect(calls).toEqual(acts);
  });
});

describe('what became of it', () => {
  async function busy(): Promise<ReturnType<typeof commandScene>> {
    const scene = commandScene();
    await scene.addDead({ ...letter('a'), acceptedAt: 1_000 });
    const fault = new Fault('unavailable').toData();
    await scene.wait({ ...letter('w0'), attempts: 4, lastFault: fault }, { ...letter('w1'), acceptedAt: 2_000 });
    return scene;
  }

  test('status: account, session, what waits', async () => {
    const { walk, operator, status, clock } = await busy();
    status.set(juliet, 'refused');
    operator.onSession(juliet, 'refused', new Fault('not-authorized'));
    const { text, rows } = end(await walk('status'));
    expect(text.split('\n')).toEqual([
      'You are linked to juliet@far.test.',
      `Session: password refused, since ${new Date(clock.now()).toISOString().slice(0, 19).replace('T', ' ')} UTC. ${en.faults['not-authorized']}`,
      'Waiting: 2, in 1 conversation(s).',
      'Refused or expired in the last day: 1.',
    ]);
    expect(rows).toHaveLength(2);
  });

  test('status with nothing waiting; without a link', async () => {
    const { walk, links } = commandScene();
    const { text, rows } = end(await walk('status'));
    expect(text).toContain('Nothing of yours is waiting');
    expect(rows).toEqual([]);
    links.clear();
    await expect(walk('status')).rejects.toMatchObject({ code: 'not-linked' });
  });

  test('where: the newest that is not delivered, with why its conversation is held up', async () => {
    const { walk } = await busy();
    const { text, rows } = end(await walk('where', [{}]));
    expect(text).toBe(
      `The newest that is not delivered: romeo@far.test; waiting, 2 in line; 1970-01-01 00:00:02 UTC; ${en.faults.unavailable}`,
    );
    expect(rows).toEqual([
      ['romeo@far.test', 'waiting, 2 in line', '1970-01-01 00:00:02 UTC', 'm-w1', '4', en.faults.unavailable],
      ['romeo@far.test', 'refused or expired', '1970-01-01 00:00:01 UTC', 'm-a', '2', 'no such account'],
    ]);
  });

  test.each<[string, string, RegExp]>([
    ['waiting behind another', 'm-w1', /waiting, 1 before it/],
    ['the next in line', 'm-w0', /waiting, the next in line; .*The other network cannot be reached/],
    ['refused', 'm-a', /refused or expired; .*no such account/],
    ['unknown', 'm-nothing', /No message with this id/],
  ])('where, by id: %s', async (_what, id, text) => {
    const { walk } = await busy();
    expect(end(await walk('where', [{ id: ` ${id} ` }])).text).toMatch(text);
  });

  test('where: delivered is told as handed over', async () => {
    const { walk, store } = await busy();
    await store.lanes.head(toFar, 1);
    await store.lanes.settle({ lane: toFar, taken: 1, keep: [], append: [], dead: [] });
    expect(end(await walk('where', [{ id: 'm-w0' }])).text).toContain('the other side has accepted it');
  });

  test("where: other people's messages are not told", async () => {
    const { walk } = await busy();
    const step = await walk('where', [{ id: 'm-w1' }], { user: jid('someone') });
    expect(end(step).text).toContain('No message with this id');
  });

  test('in Russian', async () => {
    const { walk } = await busy();
    const { text, rows } = end(await walk('where', [{ id: 'm-w0' }], { language: 'ru' }));
    expect(text).toContain('Другая сеть сейчас недоступна.');
    expect(rows[0]?.[1]).toBe('ждёт, следующее в очереди');
  });

  test('no command but the showing of one letter tells what people wrote', async () => {
    const { walk } = await busy();
    const steps = [
      await walk('where', [{}]),
      await walk('where', [{ id: 'm-a' }]),
      await walk('status'),
      await walk('admin/lanes', [{}]),
      await walk('admin/dead/list', [{}]),
      await walk('admin/trace', [{ id: 'm-a' }]),
      await walk('admin/links/list', [{}]),
    ];
    expect(JSON.stringify(steps)).not.toMatch(/SECRET|PASSWORD/);
  });
});
