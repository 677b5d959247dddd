/** Sessions over HTTP: their end, their cookie, and what can be made to go wrong. */
import { until } from '../../../support/wait';
import { alice, bob } from '../harness';
import { web } from './client';
import { boot, down, get, login, post, server, ximssDocument } from './harness';

afterEach(down);

describe('sessions', () => {
  test('KILL, an unknown id, a silent session: 550', async () => {
    await boot({ idleTimeoutMs: 50 });
    const session = await login();
    expect((await post(`${session}KILL`, '')).status).toBe(200);
    expect((await get(session)).status).toBe(550);
    expect((await get('/Session/none/get')).status).toBe(550);
    const silent = await login();
    for (let tries = 0; server.sessions().length > 0 && tries < 200; tries++) await new Promise(setImmediate);
    const deadline = Date.now() + 5000;
    while (server.sessions().length > 0 && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await get(silent)).status).toBe(550);
  });

  test('the cookie comes with the first session response, unless it is not wanted', async () => {
    await boot();
    const session = await login();
    const first = await post(`${session}sync?reqSeq=1`, ximssDocument());
    expect(first.headers['set-cookie']?.[0]).toMatch(/^CGateProWebUser=/);
    expect((await post(`${session}sync?reqSeq=2`, ximssDocument())).headers['set-cookie']).toBeUndefined();
    const other = await login('&DisableUseCookie=1');
    expect((await post(`${other}sync?reqSeq=1`, ximssDocument())).headers['set-cookie']).toBeUndefined();
  });

  test.each(['/', '/Session/', '/ximss', '/Session/x/y/z'])('%s is nothing', async (path) => {
    await boot();
    expect([404, 550]).toContain((await get(path)).status);
  });

  test('stop makes sessions dead, start serves on the same port', async () => {
    await boot();
    const session = await login();
    const { httpPort } = server;
    await server.stop();
    await expect(get(session)).rejects.toThrow();
    await server.start();
    expect(server.httpPort).toBe(httpPort);
    expect((await get(session)).status).toBe(550);
  });
});

describe('faults', () => {
  const send = ximssDocument(`<sendIM id="1" peer="${bob}">once</sendIM>`);

  test.each([
    ['drop before handling', { request: 'sendIM', action: 'drop' as const }, 0],
    ['status before handling', { request: 'sendIM', action: 'status' as const, status: 503 }, 0],
    ['status for the whole POST', { request: '#sync', action: 'status' as const, status: 503 }, 0],
    ['response lost', { request: 'sendIM', action: 'loseResponse' as const }, 1],
    ['response lost by its HTTP name', { request: '#sync', account: alice, action: 'dropAfter' as const }, 1],
  ])('%s: a retry with the same number delivers exactly once', async (_what, rule, deliveredFirst) => {
    await boot();
    const far = server.client(bob);
    const session = await login();
    server.faults.add(rule);
    const first = post(`${session}sync?reqSeq=1`, send);
    if ('status' in rule) expect((await first).status).toBe(503);
    else await expect(first).rejects.toThrow();
    expect(far.of('im')).toHaveLength(deliveredFirst);
    expect((await post(`${session}sync?reqSeq=1`, send)).body).toContain('<response id="1"/>');
    expect(far.of('im')).toHaveLength(1);
  });

  test('refuse, delay, split, garbage', async () => {
    await boot();
    const session = await login();
    server.faults.add({ request: 'noop', action: 'refuse', errorNum: 9, errorText: 'no' });
    expect((await post(`${session}sync?reqSeq=1`, ximssDocument('<noop id="1"/>'))).body).toContain(
      'errorText="no" errorNum="9"',
    );
    server.faults.add({ request: 'noop', action: 'delay', ms: 5 });
    expect((await post(`${session}sync?reqSeq=2`, ximssDocument('<noop id="1"/>', '<readTime id="2"/>'))).body).toMatch(
      /response id="1".*response id="2"/,
    );
    server.faults.add({ request: 'noop', action: 'splitBytes' });
    expect((await post(`${session}sync?reqSeq=3`, ximssDocument('<noop id="1"/>'))).body).toContain(
      '<response id="1"/>',
    );
    server.faults.add({ request: '#sync', action: 'garbage', bytes: '\u0001<' });
    expect((await post(`${session}sync?reqSeq=4`, ximssDocument('<noop id="1"/>'))).body).toBe(
      '\u0001<<XIMSS><response id="1"/></XIMSS>\r\n',
    );
  });

  test('an exchange that hangs can be given up and retried', async () => {
    await boot();
    const session = await login();
    server.faults.add({ request: 'noop', action: 'never' });
    const abort = new AbortController();
    const hanging = web(server.httpPort, 'POST', `${session}sync?reqSeq=1`, {
      body: ximssDocument('<noop id="1"/>'),
      signal: abort.signal,
    });
    await until(() => server.log.list().some((entry) => entry.xml.includes('<noop')));
    abort.abort();
    await expect(hanging).rejects.toThrow();
    expect((await post(`${session}sync?reqSeq=1`, ximssDocument('<noop id="1"/>'))).body).toContain(
      '<response id="1"/>',
    );
  });
});
