/** Sessions over every wire: outages, refused passwords, closing, stopping. Against the XIMSS test server. */
import { until } from '../../support/wait';
import { chat, linkOf } from '../../ximss/support';
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
