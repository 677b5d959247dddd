/** Contacts over every wire: roster, subscription, questions of peers. Against the XIMSS test server. */
import { until } from '../../support/wait';
import { el } from '../../support/ximss-server/xml';
import { account, chat } from '../../ximss/support';
import { juliet, julietAccount, makeStage, romeo, type Stage, type Wire } from '../../ximss/stage';

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

  test('a question of a peer that nobody serves gets an answer', async () => {
    await begin();
    const actor = stage.server.client('romeo@example.net');
    await stage.online();
    actor.iqSend('get', 'juliet@example.net', 'q1', el('query', { xmlns: 'jabber:iq:version' }));
    const answer = await actor.waitFor(({ kind, iqid }) => kind === 'iq' && iqid === 'q1');
    expect(answer.type).toBe('error');
  });
});
