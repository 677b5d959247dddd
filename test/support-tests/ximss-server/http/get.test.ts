/** The waiting get (docs/XIMSS.md 3.2, rules 1-5). */
import { until } from '../../../support/wait';
import { alice, bob, password } from '../harness';
import { web } from './client';
import { boot, bound, down, get, login, post, server, ximssDocument } from './harness';

afterEach(down);

const getCount = (): number => server.log.list().filter((entry) => entry.xml.startsWith('GET /Session')).length;

describe('the waiting get', () => {
  test('empty after maxWait: ten bytes; the long and the short form', async () => {
    await boot();
    const session = await login();
    for (const path of [`${session}get?ackSeq=0&maxWait=0.05`, `${session}?ackSeq=0&maxWait=0.05&reqSeq=99`]) {
      const answer = await get(path);
      expect(answer.body).toBe('<XIMSS/>\r\n');
      expect(answer.headers['content-length']).toBe('10');
    }
  });

  test('a message wakes it; format B for a session with a version, A without; nothing has an id', async () => {
    await boot();
    const far = server.client(bob);
    const session = await bound();
    const waiting = get(`${session}?ackSeq=0&maxWait=5`);
    far.sendIM(alice, 'hi');
    expect((await waiting).body).toMatch(
      /^<XIMSS respSeq="1"><readIM peer="bob@x.dom" peerName="Bob" type="chat" clientID="inside" iqid="\w+"><body>hi<\/body><\/readIM><\/XIMSS>\r\n$/,
    );
    const { body } = await get(`/ximsslogin/?userName=${alice}&password=${password}`);
    const plain = `/Session/${/urlID="([^"]+)"/.exec(body)?.[1]}/`;
    await post(`${plain}sync?reqSeq=1`, ximssDocument('<signalBind id="1"/>'));
    far.sendIM(alice, 'hi');
    expect((await get(`${plain}?maxWait=5`)).body).toMatch(/iqid="\w+">hi<\/readIM>/);
  });

  test('an answer is kept until acknowledged, and repeated when it is not', async () => {
    await boot();
    const far = server.client(bob);
    const session = await bound();
    far.sendIM(alice, 'one');
    const first = await get(`${session}?ackSeq=0&maxWait=5`);
    far.sendIM(alice, 'two');
    expect((await get(`${session}?ackSeq=0&maxWait=5`)).body).toBe(first.body);
    const second = await get(`${session}?ackSeq=1&maxWait=5`);
    expect(second.body).toMatch(/respSeq="2".*two/);
    expect((await get(`${session}?ackSeq=2&maxWait=0`)).body).toBe('<XIMSS/>\r\n');
    expect((await get(`${session}?ackSeq=2&maxWait=0`)).body).toBe('<XIMSS/>\r\n');
    expect(server.strict.violations).toEqual([]);
  });

  test('a get without ackSeq acknowledges everything', async () => {
    await boot();
    const session = await bound();
    server.client(bob).sendIM(alice, 'one');
    expect((await get(`${session}get?maxWait=1`)).body).toContain('respSeq="1"');
    expect((await get(`${session}get?maxWait=0`)).body).toBe('<XIMSS/>\r\n');
  });

  test('the session and its messages survive a lost connection', async () => {
    await boot();
    const far = server.client(bob);
    const session = await bound();
    const abort = new AbortController();
    const waiting = web(server.httpPort, 'GET', `${session}?ackSeq=0&maxWait=9`, { signal: abort.signal });
    setImmediate(() => abort.abort());
    await expect(waiting).rejects.toThrow();
    far.sendIM(alice, 'still here');
    expect((await get(`${session}?ackSeq=0&maxWait=5`)).body).toContain('still here');
    server.faults.add({ request: '#get', action: 'loseResponse' });
    far.sendIM(alice, 'again');
    await expect(get(`${session}?ackSeq=1&maxWait=5`)).rejects.toThrow();
    expect((await get(`${session}?ackSeq=1&maxWait=5`)).body).toContain('again');
  });

  test('a new get ends the one that waits', async () => {
    await boot();
    const session = await bound();
    const first = get(`${session}?ackSeq=0&maxWait=9`);
    await until(() => getCount() === 1);
    const second = get(`${session}?ackSeq=0&maxWait=9`);
    expect((await first).body).toBe('<XIMSS/>\r\n');
    server.client(bob).sendIM(alice, 'x');
    expect((await second).body).toContain('respSeq="1"');
  });

  test('bye by the server reaches the waiting get, then 550', async () => {
    await boot();
    const session = await bound();
    const waiting = get(`${session}?ackSeq=0&maxWait=9`);
    await until(() => getCount() === 1);
    server.bye(alice);
    expect((await waiting).body).toBe('<XIMSS respSeq="1"><bye/></XIMSS>\r\n');
    expect((await get(session)).status).toBe(550);
  });
});
