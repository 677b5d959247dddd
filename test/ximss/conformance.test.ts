/** One suite for every wire: what the middle may count on, whatever carries it. Against the XIMSS test server. */
import { until } from '../support/wait';
import { el } from '../support/ximss-server/xml';
import { account, chat, linkOf } from './support';
import { juliet, julietAccount, makeStage, romeo, type Stage, type Wire } from './stage';

const wires: Wire[] = ['tcp', 'starttls', 'tls', 'http', 'https'];

describe.each(wires)('over %s', (wire) => {
  let stage: Stage;
  const begin = async (...more: Parameters<typeof makeStage> extends [unknown?, ...infer Rest] ? Rest : never) => {
    stage = await makeStage(wire, ...more);
  };
  afterEach(async () => {
    await stage.end();
    expect(stage.server.strict.violations).toEqual([]);
    expect(stage.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('messages go out in order and come in in order', async () => {
    await begin();
    const actor = stage.server.client('romeo@example.net');
    await stage.online();
    const bodies = Array.from({ length: 300 }, (_, index) => `message ${index}`);
    await Promise.all(
      stage.far.deliver(
        juliet,
        romeo,
        bodies.map((body) => chat(body)),
      ),
    );
    expect(actor.of('im').map(({ text }) => text)).toEqual(bodies);
    for (const body of bodies) actor.sendIM('juliet@example.net', body);
    await until(() => stage.heard.bodies().length >= bodies.length);
    expect(stage.heard.bodies()).toEqual(bodies);
    expect(stage.statuses()).toEqual(['connecting', 'online']);
  });

  test.each([
    ['line breaks', 'one\ntwo\r\nthree\rfour', 'one\ntwo\r\nthree\rfour'],
    ['emoji and right-to-left', '😀 שלום 👩‍👩‍👧', '😀 שלום 👩‍👩‍👧'],
    ['markup', '<b a="1">&amp; ]]> \'</b>', '<b a="1">&amp; ]]> \'</b>'],
    ['white space at the ends', '  a  ', '  a  '],
    ['what XML cannot carry is left out', 'a\u0007b\u0000c\ufffed', 'abcd'],
    ['200 000 characters', 'ж'.repeat(100_000), 'ж'.repeat(100_000)],
  ])('text survives: %s', async (_, said, arrived) => {
    await begin();
    const actor = stage.server.client('romeo@example.net');
    await stage.online();
    await stage.far.deliver(juliet, romeo, [chat(said)])[0];
    expect(actor.of('im').map(({ text }) => text)).toEqual([arrived]);
    actor.sendIM('juliet@example.net', said);
    await until(() => stage.heard.bodies().length === 1);
    expect(stage.heard.bodies()).toEqual([arrived]);
  });

  test('a refused message is refused with the text and number of the server; its neighbours go on', async () => {
    await begin();
    const actor = stage.server.client('romeo@example.net');
    await stage.online();
    stage.server.faults.add({ action: 'refuse', request: 'sendIM', nth: 2, errorNum: 77, errorText: 'no thanks' });
    const outcomes = await Promise.allSettled(stage.far.deliver(juliet, romeo, [chat('a'), chat('b'), chat('c')]));
    expect(outcomes).toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: { code: 'refused', number: 77, text: 'no thanks' } },
      { status: 'fulfilled' },
    ]);
    expect(actor.of('im').map(({ text }) => text)).toEqual(['a', 'c']);
    await expect(stage.far.deliver(juliet, account('nobody@example.net'), [chat('x')])[0]).rejects.toMatchObject({
      code: 'refused',
    });
  });

  test('a subject is the first line; a receipt has no word in XIMSS', async () => {
    await begin();
    const actor = stage.server.client('romeo@example.net');
    await stage.online();
    await stage.far.deliver(juliet, romeo, [chat('text', { subject: 'Topic' })])[0];
    await stage.far.deliver(juliet, romeo, [{ ...chat(''), event: { kind: 'receipt', of: 'x', resource: null } }])[0];
    expect(actor.of('im').map(({ text }) => text)).toEqual(['Topic\ntext']);
  });

  test('stored messages come with their time and a name for the dedupe window', async () => {
    await begin();
    const actor = stage.server.client('romeo@example.net');
    actor.sendIM('juliet@example.net', 'while you were away');
    await stage.online();
    await until(() => stage.heard.bodies().length === 1);
    const [heard] = stage.heard.events;
    expect(heard).toMatchObject({ peer: romeo, event: { body: 'while you were away', nick: 'Romeo' } });
    expect(heard?.event.kind === 'message' && Math.abs((heard.event.sentAt ?? 0) - Date.now()) < 60_000).toBe(true);
    expect(heard?.identity).toContain(romeo);
  });

  test('chat states go both ways, the others are dropped', async () => {
    await begin();
    const actor = stage.server.client('romeo@example.net');
    await stage.online();
    for (const state of ['composing', 'active', 'inactive', 'paused', 'gone'] as const) {
      stage.far.sendChatState(juliet, romeo, { kind: 'chatState', state });
    }
    await actor.waitFor(({ state }) => state === 'gone');
    expect(actor.of('im').map(({ state }) => state)).toEqual(['composing', 'paused', 'gone']);
    actor.sendIM('juliet@example.net', '', { state: 'composing' });
    await until(() => stage.heard.events.some(({ event }) => event.kind === 'chatState'));
    expect(stage.heard.events).toMatchObject([{ peer: romeo, event: { kind: 'chatState', state: 'composing' } }]);
  });

  test('contacts are added, renamed, regrouped and removed; hidden groups stay hidden and are written back', async () => {
    await begin();
    await stage.online();
    await stage.far.setContact(juliet, { account: romeo, name: 'R', groups: ['Work'], hiddenGroups: ['~x'] });
    expect(await stage.far.roster(juliet)).toEqual([
      { account: romeo, name: 'R', groups: ['Work'], hiddenGroups: ['~x'], subscription: 'none', isPending: false },
    ]);
    await until(() => stage.heard.contacts.length === 1);
    expect(stage.heard.contacts[0]).toMatchObject({ user: juliet, account: romeo, contact: { name: 'R' } });
    await stage.far.setContact(juliet, { account: romeo, name: null, groups: [], hiddenGroups: [] });
    expect(await stage.far.roster(juliet)).toMatchObject([{ account: romeo, name: null, groups: [] }]);
    await stage.far.removeContact(juliet, romeo);
    expect(await stage.far.roster(juliet)).toEqual([]);
    await until(() => stage.heard.contacts.some(({ contact }) => contact === null));
  });

  test('a roster of 10,000 with long names, doubles and nonsense is read, and the session lives', async () => {
    await begin();
    await stage.online();
    const { roster } = stage.server.account('juliet@example.net');
    const put = (peer: string, changes: object = {}, key = peer): void =>
      void roster.set(key, {
        ...{ peer, name: undefined, groups: ['Work'], subscription: 'both' },
        ...{ isAsking: false, isAsked: false, isListed: true, ...changes },
      });
    for (let i = 0; i < 10_000; i += 1) put(`c${i}@example.net`, { name: 'n'.repeat(i < 50 ? 10_240 : 100) });
    const nonsense = [
      '',
      'nobody',
      '@example.net',
      'a@b@',
      'a b@example.net',
      'x@',
      `${'l'.repeat(2_000)}@example.net`,
    ];
    for (const peer of nonsense) put(peer);
    put('Romeo@Example.NET', { name: 'first' }, 'double 1');
    put('romeo@example.net', { name: 'last' }, 'double 2');
    for (const [i, subscription] of ['', 'maybe', 'BOTH', 'remove', 'from to'].entries()) {
      put(`odd${i}@example.net`, { subscription });
    }
    const contacts = await stage.far.roster(juliet);
    expect(contacts).toHaveLength(10_000 + 1 + 4);
    const named = new Map(contacts.map((contact) => [contact.account, contact]));
    expect(named.get(account('c0@example.net'))?.name).toHaveLength(10_240);
    expect(named.get(romeo)).toMatchObject({ name: 'last', subscription: 'both' });
    expect([0, 1, 2, 3, 4].map((i) => named.get(account(`odd${i}@example.net`))?.subscription)).toEqual([
      'none',
      'none',
      'none',
      undefined,
      'none',
    ]);
    await stage.far.roster(juliet);
    const said = stage.log.lines.filter(({ message }) => message === 'contacts without a usable address');
    expect(said.map(({ level, fields }) => [level, fields])).toMatchObject([['warn', { count: nonsense.length }]]);
    expect(stage.meter.counts.get('faults_total ximss bad-peer')).toBe(nonsense.length);
    expect(stage.statuses()).toEqual(['connecting', 'online']);
  });

  test('a subscription is asked for, granted, and shows presence both ways', async () => {
    await begin();
    const actor = stage.server.client('romeo@example.net');
    await stage.online();
    const verb = (name: 'subscribe' | 'subscribed') => ({
      ...chat(''),
      event: { kind: 'verb' as const, verb: name, status: null },
    });
    await stage.far.deliver(juliet, romeo, [verb('subscribe')])[0];
    await actor.waitFor(({ kind, type }) => kind === 'verb' && type === 'subscribe');
    actor.setPresence('busy', 'in a call');
    actor.subscribed('juliet@example.net');
    await until(() => stage.heard.events.some(({ event }) => event.kind === 'presence' && event.show === 'dnd'));
    expect(stage.heard.events).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ peer: romeo, event: { kind: 'verb', verb: 'subscribed', status: null } }),
        expect.objectContaining({
          peer: romeo,
          event: { kind: 'presence', show: 'dnd', status: 'in a call', avatarHash: null },
        }),
      ]),
    );
    actor.subscribe('juliet@example.net');
    await until(() => stage.heard.events.some(({ event }) => event.kind === 'verb' && event.verb === 'subscribe'));
    await stage.far.deliver(juliet, romeo, [verb('subscribed')])[0];
    await stage.far.setPresence(juliet, { show: 'xa', status: 'lunch' });
    const seen = await actor.waitFor(({ kind, presence }) => kind === 'presence' && presence === 'away');
    expect(seen).toMatchObject({ peer: julietAccount, text: 'lunch' });
    await stage.far.setPresence(juliet, { show: 'offline', status: null });
    await actor.waitFor(({ kind, presence }) => kind === 'presence' && presence === 'offline');
  });

  test('a bounce becomes a notice that the far user can read', async () => {
    await begin();
    const actor = stage.server.client('romeo@example.net');
    await stage.online();
    const event = {
      kind: 'bounce' as const,
      of: 'm1',
      what: 'message' as const,
      resource: null,
      fault: { code: 'no-service' as const, text: 'Nobody serves this here.' },
      excerpt: 'hello there',
    };
    await stage.far.deliver(juliet, romeo, [{ ...chat(''), event }])[0];
    expect(actor.of('im').map(({ text }) => text)).toEqual([
      'Your message "hello there" could not be delivered: Nobody serves this here.',
    ]);
  });

  test('a question of a peer that nobody serves gets an answer', async () => {
    await begin();
    const actor = stage.server.client('romeo@example.net');
    await stage.online();
    actor.iqSend('get', 'juliet@example.net', 'q1', el('query', { xmlns: 'jabber:iq:version' }));
    const answer = await actor.waitFor(({ kind, iqid }) => kind === 'iq' && iqid === 'q1');
    expect(answer.type).toBe('error');
  });

  test('an alert is told once; a bye of the server is followed by a new session', async () => {
    await begin();
    await stage.online();
    stage.server.alert('maintenance at noon', 'juliet@example.net');
    await until(() => stage.heard.notices.length > 0);
    stage.server.bye('juliet@example.net');
    await until(() => stage.statuses().filter((status) => status === 'online').length === 2);
    expect(stage.heard.notices).toEqual([{ user: juliet, text: 'maintenance at noon' }]);
    expect(stage.statuses()).toEqual(['connecting', 'online', 'waiting', 'connecting', 'online']);
  });

  test('an outage: waiting, nothing is pretended sent, and back when the server is back', async () => {
    await begin();
    const actor = stage.server.client('romeo@example.net');
    await stage.online();
    await stage.server.stop();
    await until(() => stage.statuses().includes('waiting'), { deadlineMs: 10_000 });
    await expect(stage.far.deliver(juliet, romeo, [chat('lost?')])[0]).rejects.toMatchObject({ code: 'unavailable' });
    await stage.server.start();
    await stage.status('online');
    await stage.far.deliver(juliet, romeo, [chat('again')])[0];
    await actor.waitFor(({ text }) => text === 'again');
    expect(actor.of('im').map(({ text }) => text)).toEqual(['again']);
  });

  test('a refused password is refused at once and not tried again; another one opens the link', async () => {
    await begin();
    let loginCount = 0;
    stage.server.onDocument(({ xml, dir }) => {
      if (dir === 'in' && /^<login|Login/.test(xml)) loginCount += 1;
    });
    stage.far.open(linkOf('juliet@example.org', 'juliet@example.net', 'wrong'));
    await stage.status('refused');
    const seen = loginCount;
    expect(stage.heard.statuses.at(-1)?.fault?.code).toBe('not-authorized');
    stage.far.open(linkOf('juliet@example.org', 'juliet@example.net', 'wrong'));
    await expect(stage.far.deliver(juliet, romeo, [chat('x')])[0]).rejects.toMatchObject({ code: 'not-authorized' });
    expect(loginCount).toBe(seen);
    await stage.online();
  });

  test('open again with the same words changes nothing; close ends the session and forgets', async () => {
    await begin();
    await stage.online();
    stage.far.open(linkOf('juliet@example.org', 'juliet@example.net', 'secret'));
    expect(stage.statuses()).toEqual(['connecting', 'online']);
    await stage.far.close(juliet);
    await until(() => stage.server.sessions().filter(({ transport }) => transport !== 'inside').length === 0);
    expect(stage.far.status(juliet)).toBe('closed');
    await stage.far.close(juliet);
    await expect(stage.far.roster(juliet)).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('a password is tried without keeping the session', async () => {
    await begin();
    const { signal } = new AbortController();
    await stage.far.verify(julietAccount, 'secret', signal);
    await expect(stage.far.verify(julietAccount, 'wrong', signal)).rejects.toMatchObject({ code: 'not-authorized' });
    await until(() => stage.server.sessions().length === 0);
    await stage.server.stop();
    await expect(stage.far.verify(julietAccount, 'secret', signal)).rejects.toMatchObject({ code: 'unavailable' });
    expect(stage.heard.statuses).toEqual([]);
  });

  test.each([
    [
      'a password that must be changed',
      (s: Stage) => void (s.server.account('juliet@example.net').mustChangePassword = true),
    ],
    ['a second factor', (s: Stage) => void (s.server.account('juliet@example.net').secondFactor = ['sms'])],
  ])('%s needs the user', async (_, prepare) => {
    await begin();
    prepare(stage);
    stage.far.open(linkOf('juliet@example.org', 'juliet@example.net', 'secret'));
    await stage.status('refused');
    expect(stage.heard.statuses.at(-1)?.fault?.code).toBe('needs-user');
  });

  test('a full house is named and tried again', async () => {
    await begin({ maxSessions: 1 });
    const other = linkOf('romeo@example.org', 'romeo@example.net', 'other');
    await stage.online();
    stage.far.open(other);
    await until(() => stage.heard.statuses.some(({ user, status }) => user === other.user && status === 'waiting'));
    expect(stage.heard.statuses.find(({ status }) => status === 'waiting')?.fault?.code).toBe('too-many-sessions');
    await stage.far.close(juliet);
    await until(() => stage.far.status(other.user) === 'online');
  });

  test('while the store cannot take them, messages are held and then come once and in order', async () => {
    await begin();
    const actor = stage.server.client('romeo@example.net');
    await stage.online();
    let isAway = true;
    stage.heard.store = () => (isAway ? Promise.reject(new Error('away')) : Promise.resolve());
    const bodies = Array.from({ length: 600 }, (_, index) => `${index}`);
    for (const body of bodies) actor.sendIM('juliet@example.net', body);
    await until(() => stage.log.lines.some(({ message }) => message === 'held back for the store'));
    isAway = false;
    await until(() => stage.heard.bodies().length >= bodies.length);
    expect(stage.heard.bodies()).toEqual(bodies);
    expect(stage.statuses()).toEqual(['connecting', 'online']);
  });

  test('one byte at a time is as good as all at once', async () => {
    await begin();
    // the server cannot split what it writes just before it wraps the socket in TLS
    stage.server.faults.add({ action: 'splitBytes', request: wire === 'starttls' ? 'signalBind' : 'listFeatures' });
    const actor = stage.server.client('romeo@example.net');
    await stage.online();
    actor.sendIM('juliet@example.net', 'żółw 😀');
    await until(() => stage.heard.bodies().length === 1);
    expect(stage.heard.bodies()).toEqual(['żółw 😀']);
  });

  test('stop logs every session out', async () => {
    await begin();
    const others = ['a', 'b', 'c', 'd'].map((name) => `${name}@example.net`);
    for (const name of others) stage.server.addAccount(name, 'pw');
    for (const name of others) stage.far.open(linkOf(name.replace('net', 'org'), name, 'pw'));
    await stage.online();
    await until(() => stage.server.sessions().filter(({ isBound }) => isBound).length === 5);
    await stage.far.stop(AbortSignal.timeout(5_000));
    await until(() => stage.server.sessions().length === 0);
    await expect(stage.far.deliver(juliet, romeo, [chat('x')])[0]).rejects.toMatchObject({ code: 'stopping' });
  });
});
