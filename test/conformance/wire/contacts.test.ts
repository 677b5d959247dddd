/** Contacts over every wire: roster, subscription, questions of peers. Against the XIMSS test server. */
import { until } from '../../support/wait';
import { el } from '../../support/ximss-server/xml';
import { account, chat } from '../../ximss/support';
import { juliet, julietAccount, romeo, scenariosOver, wires, type Scenario } from '../../ximss/scenario';

describe.each(wires)('over %s', (wire) => {
  let scenario: Scenario;
  const begin = scenariosOver(wire, (begun) => (scenario = begun));

  test('contacts are added, renamed, regrouped and removed; hidden groups stay hidden and are written back', async () => {
    await begin();
    await scenario.online();
    await scenario.far.setContact(juliet, { account: romeo, name: 'R', groups: ['Work'], hiddenGroups: ['~x'] });
    expect(await scenario.far.roster(juliet)).toEqual([
      { account: romeo, name: 'R', groups: ['Work'], hiddenGroups: ['~x'], subscription: 'none', isPending: false },
    ]);
    await until(() => scenario.heard.contacts.length === 1);
    expect(scenario.heard.contacts[0]).toMatchObject({ user: juliet, account: romeo, contact: { name: 'R' } });
    await scenario.far.setContact(juliet, { account: romeo, name: null, groups: [], hiddenGroups: [] });
    expect(await scenario.far.roster(juliet)).toMatchObject([{ account: romeo, name: null, groups: [] }]);
    await scenario.far.removeContact(juliet, romeo);
    expect(await scenario.far.roster(juliet)).toEqual([]);
    await until(() => scenario.heard.contacts.some(({ contact }) => contact === null));
  });

  test('a roster of 10,000 with long names, doubles and nonsense is read, and the session lives', async () => {
    await begin();
    await scenario.online();
    const { roster } = scenario.server.account('juliet@example.net');
    const put = (peer: string, changes: object = {}, key = peer): void =>
      void roster.set(key, {
        peer,
        name: undefined,
        groups: ['Work'],
        subscription: 'both',
        isAsking: false,
        isAsked: false,
        isListed: true,
        ...changes,
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
    const contacts = await scenario.far.roster(juliet);
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
    await scenario.far.roster(juliet);
    const said = scenario.log.lines.filter(({ message }) => message === 'contacts without a usable address');
    expect(said.map(({ level, fields }) => [level, fields])).toMatchObject([['warn', { count: nonsense.length }]]);
    expect(scenario.meter.counts.get('faults_total ximss jid-malformed')).toBe(nonsense.length);
    expect(scenario.statuses()).toEqual(['connecting', 'online']);
  });

  test('a subscription is asked for, granted, and shows presence both ways', async () => {
    await begin();
    const actor = scenario.server.client('romeo@example.net');
    await scenario.online();
    const verb = (name: 'subscribe' | 'subscribed') => ({
      ...chat(''),
      event: { kind: 'verb' as const, verb: name, status: null },
    });
    await scenario.far.deliver(juliet, romeo, [verb('subscribe')])[0];
    await actor.waitFor(({ kind, type }) => kind === 'verb' && type === 'subscribe');
    actor.setPresence('busy', 'in a call');
    actor.subscribed('juliet@example.net');
    await until(() => scenario.heard.events.some(({ event }) => event.kind === 'presence' && event.show === 'dnd'));
    expect(scenario.heard.events).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ peer: romeo, event: { kind: 'verb', verb: 'subscribed', status: null } }),
        expect.objectContaining({
          peer: romeo,
          event: { kind: 'presence', show: 'dnd', status: 'in a call', avatarHash: null },
        }),
      ]),
    );
    actor.subscribe('juliet@example.net');
    await until(() => scenario.heard.events.some(({ event }) => event.kind === 'verb' && event.verb === 'subscribe'));
    await scenario.far.deliver(juliet, romeo, [verb('subscribed')])[0];
    await scenario.far.setPresence(juliet, { show: 'xa', status: 'lunch' });
    const seen = await actor.waitFor(({ kind, presence }) => kind === 'presence' && presence === 'away');
    expect(seen).toMatchObject({ peer: julietAccount, text: 'lunch' });
    await scenario.far.setPresence(juliet, { show: 'offline', status: null });
    await actor.waitFor(({ kind, presence }) => kind === 'presence' && presence === 'offline');
  });

  test('a question of a peer that nobody serves gets an answer', async () => {
    await begin();
    const actor = scenario.server.client('romeo@example.net');
    await scenario.online();
    actor.iqSend('get', 'juliet@example.net', 'q1', el('query', { xmlns: 'jabber:iq:version' }));
    const answer = await actor.waitFor(({ kind, iqid }) => kind === 'iq' && iqid === 'q1');
    expect(answer.type).toBe('error');
  });
});
