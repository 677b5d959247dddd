/** The ad-hoc commands, walked as a person fills them in; and through the engine that shows them on the wire. */
import { makeAccess } from '../../../src/core/access';
import type { BareJid } from '../../../src/core/address';
import { Fault } from '../../../src/core/fault';
import { newPair } from '../../../src/core/pair';
import { makeCommands, makePermits } from '../../../src/bridge/commands/user';
import type { Language } from '../../../src/core/i18n';
import { en } from '../../../src/core/i18n/en';
import type { CommandStep } from '../../../src/bridge/commands/types';
import { makeAdhoc } from '../../../src/xmpp/services/adhoc';
import { elements } from '../../../src/xmpp/stanza/element';
import { silentLog } from '../../support/silence';
import { account, jid, juliet, letter, makeOperatorScene, romeo, toFar } from '../operator/operator-scene';

const admin = jid('admin');
const { signal } = new AbortController();

function office(users?: string[], mayRegister = true) {
  const scene = makeOperatorScene(users);
  const calls: string[] = [];
  const commands = makeCommands({
    operator: scene.operator,
    registration: {
      accountOf: (user) => scene.links.get(user)?.account ?? null,
      link: (user, name, password) => {
        calls.push(`link ${user} ${name}`);
        return password === 'right' ? Promise.resolve() : Promise.reject(new Fault('not-authorized'));
      },
      unlink: (user) => Promise.resolve(void calls.push(`unlink ${user}`)),
    },
    homeDomain: 'far.test',
    mayRegister,
  });
  /** Runs a command and fills in its forms one after the other. */
  const walk = async (
    node: string,
    forms: Readonly<Record<string, string>>[] = [],
    { user = juliet, language = 'en' }: { user?: BareJid; language?: Language } = {},
  ): Promise<CommandStep> => {
    const found = commands.find((one) => one.node === node);
    if (!found) throw new Error(`no command ${node}`);
    let step = await found.run({ user, language, signal });
    for (const form of forms) {
      if (step.kind !== 'form') throw new Error(`${node} ended early: ${step.text}`);
      step = await step.next(new Map(Object.entries(form)));
    }
    return step;
  };
  return { ...scene, commands, calls, walk };
}

const end = (step: CommandStep): { text: string; rows: readonly (readonly string[])[] } => {
  if (step.kind !== 'done') throw new Error(`not the end: ${step.title}`);
  return { text: step.text, rows: step.table?.rows ?? [] };
};
const form = (step: CommandStep) => {
  if (step.kind !== 'form') throw new Error(`not a form: ${step.text}`);
  return step;
};

describe('the list', () => {
  test('every command names who may run it, has two titles, and a node of its own', () => {
    const { commands } = office();
    expect(commands.map((one) => `${one.node}: ${one.permission}`)).toEqual([
      ...['where: linked', 'status: linked', 'link: allowed', 'unlink: linked'],
      ...['links', 'lanes', 'dead-letters', 'trace', 'reconnect', 'rosters', 'announce'].map(
        (node) => `${node}: admin`,
      ),
    ]);
    for (const { title } of commands) {
      expect(title('en')).toMatch(/^[A-Z]/);
      expect(title('ru')).toMatch(/^[А-Я]/);
    }
  });

  test('without registration nobody is offered to link', () => {
    expect(office([], false).commands.map((one) => one.node)).not.toContain('link');
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

  test('on the wire: a stranger sees one command, an admin the office', () => {
    const { commands } = office();
    const permits = makePermits({
      access: makeAccess({ allow: ['*'], deny: [], admins: [admin] }),
      isLinked: () => false,
    });
    const options = { commands, permits, language: 'en', newId: () => 'x', log: silentLog } as const;
    const { items } = makeAdhoc({ ...options, clock: makeOperatorScene().clock });
    const count = (user: BareJid): number => {
      const request = { from: { bare: user, resource: 'r' }, stanza: { attrs: {} } };
      const answer = items('http://jabber.org/protocol/commands', request as never); // what items() reads
      return answer === null ? -1 : elements(answer).length;
    };
    expect([count(jid('someone')), count(admin)]).toEqual([1, 8]);
  });
});

describe('link and unlink', () => {
  test('a form, the credentials tried, done', async () => {
    const { walk, calls } = office([]);
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
    const first = form(await office().walk('link'));
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
    await expect(office().walk('link', [answers])).rejects.toMatchObject({ code });
  });

  test.each<[string, Record<string, string>, string[]]>([
    ['yes', { sure: 'true' }, [`unlink ${juliet}`]],
    ['yes, as old clients say it', { sure: '1' }, [`unlink ${juliet}`]],
    ['no', { sure: 'false' }, []],
    ['no answer', {}, []],
  ])('unlink: %s', async (_what, answers, acts) => {
    const { walk, calls } = office();
    expect(form(await walk('unlink')).hint).toContain(account('juliet'));
    end(await walk('unlink', [answers]));
    expect(calls).toEqual(acts);
  });
});

describe('what became of it', () => {
  async function busy(): Promise<ReturnType<typeof office>> {
    const scene = office();
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
    const { walk, links } = office();
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
      await walk('lanes', [{}]),
      await walk('dead-letters'),
      await walk('trace', [{ id: 'm-a' }]),
      await walk('links', [{}]),
    ];
    expect(JSON.stringify(steps)).not.toMatch(/SECRET|PASSWORD/);
  });
});

describe('the office', () => {
  const ask = { user: admin };

  test('links: filtered, counted', async () => {
    const { walk, status } = office(['juliet', 'nurse']);
    status.set(jid('nurse'), 'waiting');
    const all = end(await walk('links', [{}], ask));
    expect(all.text).toBe('2 link(s), 1 online. 2 shown.');
    expect(all.rows.map((row) => row.slice(0, 3))).toEqual([
      [juliet, account('juliet'), 'online'],
      [jid('nurse'), account('nurse'), 'not connected, will be tried again'],
    ]);
    expect(end(await walk('links', [{ status: 'waiting' }], ask)).rows).toHaveLength(1);
    expect(end(await walk('links', [{ find: 'JUL' }], ask)).rows).toHaveLength(1);
    expect(end(await walk('links', [{ find: 'nobody' }], ask)).rows).toHaveLength(0);
  });

  test('links: no more than a page, and it is said', async () => {
    const { walk } = office(Array.from({ length: 60 }, (_, i) => `u${i}`));
    const { text, rows } = end(await walk('links', [{}], ask));
    expect(rows).toHaveLength(50);
    expect(text).toContain('The first 50 are shown');
  });

  test('lanes: what waits and why', async () => {
    const { walk, wait, store } = office();
    await wait({ ...letter('w'), acceptedAt: 0, attempts: 4, lastFault: new Fault('timeout').toData() });
    store.poison('damaged lane' as typeof toFar, 'x'); // damaged on purpose
    const { rows } = end(await walk('lanes', [{}], ask));
    expect(rows).toEqual([
      ['unreadable', 'damaged lane', '', '1', '', '', 'unreadable'],
      [...['to the other network', juliet, 'romeo@far.test', '1', '1970-01-01 00:00:00 UTC', '4'], en.faults.timeout],
    ]);
    expect(end(await walk('lanes', [{ user: `${jid('nurse')}/phone` }], ask)).rows).toEqual([]);
    await expect(walk('lanes', [{ user: 'a b@c' }], ask)).rejects.toMatchObject({ code: 'jid-malformed' });
  });

  describe('dead letters', () => {
    async function dead(count: number): Promise<ReturnType<typeof office> & { ids: string[] }> {
      const scene = office();
      await scene.addDead(...Array.from({ length: count }, (_, i) => letter(`n${i}`)));
      const first = await scene.operator.deadLetters({ before: null, count: 500 });
      return { ...scene, ids: first.entries.map(({ id }) => id) };
    }

    test('none', async () => {
      expect(end(await office().walk('dead-letters')).text).toBe('There are no dead letters.');
    });

    test('chosen from a list, page by page', async () => {
      const { walk, ids } = await dead(25);
      const options = (step: CommandStep): string[] => (form(step).fields[0]?.options ?? []).map(([value]) => value);
      const first = options(await walk('dead-letters', [], ask));
      expect(first.slice(0, 20)).toEqual(ids.slice(0, 20));
      const second = await walk('dead-letters', [{ letter: first[20] ?? '' }], ask);
      expect(options(second)).toEqual(ids.slice(20));
      expect(form(second).fields[0]?.options?.[0]?.[1]).toContain(
        `${juliet} → romeo@far.test, message: no such account`,
      );
    });

    test('shown with text and history', async () => {
      const { walk, ids } = await dead(1);
      const { text, rows } = end(await walk('dead-letters', [{ letter: ids[0] ?? '', action: 'show' }], ask));
      expect(text).toContain('SECRET of n0');
      expect(text).toContain('Message id: m-n0');
      expect(rows).toEqual([
        ['1970-01-01 00:00:00 UTC', 'timeout'],
        ['1970-01-01 00:00:00 UTC', 'refused'],
      ]);
    });

    test.each<[string, number, number]>([
      ['resend', 1, 0],
      ['drop', 0, 0],
    ])('%s', async (action, waiting, left) => {
      const { walk, ids, store, logged } = await dead(1);
      end(await walk('dead-letters', [{ letter: ids[0] ?? '', action }], ask));
      expect(await store.lanes.counts()).toMatchObject({ envelopes: waiting, dead: left });
      expect(logged.join()).toContain(`"by":"${admin}"`);
    });

    test.each<[string, string, string]>([
      ['nothing chosen to do', '', 'bad-request'],
      ['a letter that is gone', 'drop', 'not-found'],
      ['a letter that is gone, shown', 'show', 'not-found'],
    ])('%s', async (_what, action, code) => {
      const { walk } = await dead(1);
      await expect(walk('dead-letters', [{ letter: '1-1', action }], ask)).rejects.toMatchObject({ code });
    });
  });

  test('trace: any id, of one user or of all', async () => {
    const { walk, wait } = office();
    await wait(letter('w'));
    const { rows } = end(await walk('trace', [{ id: 'w' }], ask));
    expect(rows.map((row) => row.slice(0, 4))).toEqual([
      ['to the other network', juliet, 'romeo@far.test', 'waiting, the next in line'],
    ]);
    expect(end(await walk('trace', [{ id: 'w', user: jid('nurse') }], ask)).text).toContain('Nothing goes by this id');
    await expect(walk('trace', [{}], ask)).rejects.toMatchObject({ code: 'bad-request' });
  });

  test('reconnect', async () => {
    const { walk, acts } = office();
    expect(end(await walk('reconnect', [{ user: juliet }], ask)).text).toContain(juliet);
    expect(acts).toEqual([`close ${juliet}`, `open ${juliet}`]);
    await expect(walk('reconnect', [{}], ask)).rejects.toMatchObject({ code: 'jid-malformed' });
    await expect(walk('reconnect', [{ user: jid('nurse') }], ask)).rejects.toMatchObject({ code: 'not-linked' });
  });

  describe('rosters', () => {
    const plan = {
      actions: [
        { do: 'writeFar', account: romeo, contact: { account: romeo, name: 'R', groups: [], hiddenGroups: [] } },
        { do: 'toFar', account: romeo, verb: 'subscribe' },
        { do: 'save', account: romeo, pair: newPair, synced: null },
      ],
      held: [account('a'), account('b')],
    } as const;

    test('equal ones: nothing to do', async () => {
      const { walk, acts } = office();
      expect(end(await walk('rosters', [{ user: juliet }], ask)).text).toContain('are equal');
      expect(acts).toEqual([]);
      await expect(walk('rosters', [{ user: jid('nobody') }], ask)).rejects.toMatchObject({ code: 'not-linked' });
      await expect(walk('rosters', [{}], ask)).rejects.toMatchObject({ code: 'jid-malformed' });
    });

    test.each<[string, string[], string]>([
      ['nothing', [], 'Nothing was changed.'],
      ['usual', [`compare ${juliet} null`], 'Changed: 1 contact(s). Left alone: 2.'],
      ['all', [`compare ${juliet} 2`], 'Changed: 1 contact(s). Left alone: 0.'],
    ])('a dry run, then "%s"', async (what, expected, text) => {
      const scene = office();
      scene.plan(plan);
      const dry = form(await scene.walk('rosters', [{ user: juliet }], ask));
      expect(dry.hint?.split('\n').slice(1)).toEqual([
        'a@far.test: left alone',
        'b@far.test: left alone',
        'romeo@far.test: writeFar, toFar subscribe',
      ]);
      expect(scene.acts).toEqual([]);
      expect(end(await scene.walk('rosters', [{ user: juliet }, { do: what }], ask)).text).toBe(text);
      expect(scene.acts).toEqual(expected);
    });
  });

  test('announce', async () => {
    const { walk, acts, intake } = office();
    expect(end(await walk('announce', [{ text: 'a\nb', to: 'online' }], ask)).text).toBe('On its way to 1 user(s).');
    expect(acts).toEqual([`say ${juliet} headline a\nb`]);
    intake(new Fault('store-away'));
    expect(end(await walk('announce', [{ text: 'a' }], ask)).text).toContain('1 could not be stored');
  });
});
