/** Sessions over every wire: outages, refused passwords, closing, stopping. Against the XIMSS test server. */
import { until } from '../../support/wait';
import { chat, linkOf } from '../../ximss/support';
import { juliet, julietAccount, romeo, scenariosOver, wires, type Scenario } from '../../ximss/scenario';

describe.each(wires)('over %s', (wire) => {
  let scenario: Scenario;
  const begin = scenariosOver(wire, (begun) => (scenario = begun));

  test('an alert is told once; a bye of the server is followed by a new session', async () => {
    await begin();
    await scenario.online();
    scenario.server.alert('maintenance at noon', 'juliet@example.net');
    await until(() => scenario.heard.notices.length > 0);
    scenario.server.bye('juliet@example.net');
    await until(() => scenario.statuses().filter((status) => status === 'online').length === 2);
    expect(scenario.heard.notices).toEqual([{ user: juliet, text: 'maintenance at noon' }]);
    expect(scenario.statuses()).toEqual(['connecting', 'online', 'waiting', 'connecting', 'online']);
  });

  test('an outage: waiting, nothing is pretended sent, and back when the server is back', async () => {
    await begin();
    const actor = scenario.server.client('romeo@example.net');
    await scenario.online();
    await scenario.server.stop();
    await until(() => scenario.statuses().includes('waiting'), { deadlineMs: 10_000 });
    await expect(scenario.far.deliver(juliet, romeo, [chat('lost?')])[0]).rejects.toMatchObject({
      code: 'unavailable',
    });
    await scenario.server.start();
    await scenario.status('online');
    await scenario.far.deliver(juliet, romeo, [chat('again')])[0];
    await actor.waitFor(({ text }) => text === 'again');
    expect(actor.of('im').map(({ text }) => text)).toEqual(['again']);
  });

  test('a wrong password is asked twice, a minute apart, and not again; another one opens the link', async () => {
    await begin();
    let loginCount = 0;
    scenario.server.onDocument(({ xml, dir }) => {
      if (dir === 'in' && /^<login|Login/.test(xml)) loginCount += 1;
    });
    scenario.far.open(linkOf('juliet@example.org', 'juliet@example.net', 'wrong'));
    await scenario.status('deferred');
    expect(scenario.heard.statuses.at(-1)?.fault?.code).toBe('not-authorized');
    const once = loginCount;
    expect(scenario.longPauses.map(({ ms }) => ms)).toEqual([60_000]);
    scenario.longPauses[0]?.end();
    await scenario.status('refused');
    const seen = loginCount;
    expect(seen).toBe(2 * once);
    expect(scenario.heard.statuses.at(-1)?.fault?.code).toBe('not-authorized');
    scenario.far.open(linkOf('juliet@example.org', 'juliet@example.net', 'wrong'));
    await expect(scenario.far.deliver(juliet, romeo, [chat('x')])[0]).rejects.toMatchObject({ code: 'not-authorized' });
    expect(loginCount).toBe(seen);
    await scenario.online();
  });

  test('open again with the same words changes nothing; close ends the session and forgets', async () => {
    await begin();
    await scenario.online();
    scenario.far.open(linkOf('juliet@example.org', 'juliet@example.net', 'secret'));
    expect(scenario.statuses()).toEqual(['connecting', 'online']);
    await scenario.far.close(juliet);
    await until(() => scenario.server.sessions().filter(({ transport }) => transport !== 'inside').length === 0);
    expect(scenario.far.status(juliet)).toBe('closed');
    await scenario.far.close(juliet);
    await expect(scenario.far.roster(juliet)).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('a password is tried without keeping the session', async () => {
    await begin();
    const { signal } = new AbortController();
    await scenario.far.verify(julietAccount, 'secret', signal);
    await expect(scenario.far.verify(julietAccount, 'wrong', signal)).rejects.toMatchObject({ code: 'not-authorized' });
    await until(() => scenario.server.sessions().length === 0);
    await scenario.server.stop();
    await expect(scenario.far.verify(julietAccount, 'secret', signal)).rejects.toMatchObject({ code: 'unavailable' });
    expect(scenario.heard.statuses).toEqual([]);
  });

  test.each([
    [
      'a password that must be changed',
      (s: Scenario) => void (s.server.account('juliet@example.net').mustChangePassword = true),
    ],
    ['a second factor', (s: Scenario) => void (s.server.account('juliet@example.net').secondFactor = ['sms'])],
  ])('%s needs the user', async (_, prepare) => {
    await begin();
    prepare(scenario);
    scenario.far.open(linkOf('juliet@example.org', 'juliet@example.net', 'secret'));
    await scenario.status('refused');
    expect(scenario.heard.statuses.at(-1)?.fault?.code).toBe('needs-user');
  });

  test('a full house is named and tried again', async () => {
    await begin({ maxSessions: 1 });
    const other = linkOf('romeo@example.org', 'romeo@example.net', 'other');
    await scenario.online();
    scenario.far.open(other);
    await until(() => scenario.heard.statuses.some(({ user, status }) => user === other.user && status === 'deferred'));
    expect(scenario.heard.statuses.find(({ status }) => status === 'deferred')?.fault?.code).toBe('too-many-sessions');
    await scenario.far.close(juliet);
    await until(() => scenario.far.status(other.user) === 'online');
  });

  test('stop logs every session out', async () => {
    await begin();
    const others = ['a', 'b', 'c', 'd'].map((name) => `${name}@example.net`);
    for (const name of others) scenario.server.addAccount(name, 'pw');
    for (const name of others) scenario.far.open(linkOf(name.replace('net', 'org'), name, 'pw'));
    await scenario.online();
    await until(() => scenario.server.sessions().filter(({ isBound }) => isBound).length === 5);
    await scenario.far.stop(AbortSignal.timeout(5_000));
    await until(() => scenario.server.sessions().length === 0);
    await expect(scenario.far.deliver(juliet, romeo, [chat('x')])[0]).rejects.toMatchObject({ code: 'stopping' });
  });
});
