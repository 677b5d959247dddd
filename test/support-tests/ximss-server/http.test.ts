/** The HTTP binding of the test server, rule by rule (docs/XIMSS.md 3). */
import { createHmac } from 'node:crypto';
import { testCertificate } from '../../support/cert';
import type { XimssServer, XimssServerOptions } from '../../support/ximss-server/server';
import { alice, bob, makeHarness, password } from './harness';
import { web, type WebAnswer } from './webClient';

const { boot: bootServer, down } = makeHarness();
let server: XimssServer;
const boot = async (options: XimssServerOptions = {}): Promise<void> => {
  server = await bootServer(options);
};
afterEach(down);

const get = (path: string): Promise<WebAnswer> => web(server.httpPort, 'GET', path);
const post = (path: string, body: string, type = 'text/xml'): Promise<WebAnswer> =>
  web(server.httpPort, 'POST', path, { body, type });
const XIMSS = (...requests: string[]): string => `<XIMSS>${requests.join('')}</XIMSS>`;
const query = `errorAsXML=1&version=6.1&userName=${alice}&password=${password}`;
const nonceData = (nonce: string): string =>
  Buffer.from(createHmac('md5', password).update(nonce).digest('hex')).toString('base64');

/** Logs alice in and gives the session URL. */
async function login(extra = ''): Promise<string> {
  const { body } = await get(`/ximsslogin/?${query}${extra}`);
  const urlID = /urlID="([^"]+)"/.exec(body)?.[1];
  if (urlID === undefined) throw new Error(body);
  return `/Session/${urlID}/`;
}
async function bound(extra = ''): Promise<string> {
  const session = await login(extra);
  await post(`${session}sync?reqSeq=1`, XIMSS('<signalBind id="1" clientID="xmpp" presence="yes" readIM="1"/>'));
  return session;
}

/** Polls until true; rejects after the deadline. */
async function until(check: () => boolean): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!check()) {
    if (Date.now() > deadline) throw new Error('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
const getCount = (): number => server.log.list().filter((entry) => entry.xml.startsWith('GET /Session')).length;

describe('login', () => {
  const session =
    /^<XIMSS><session urlID="[\w-]+" userName="alice@x.dom" realName="Alice" version="[\d.]+"\/><\/XIMSS>\r\n$/;

  test.each([
    ['a query', 'GET', `/ximsslogin/?${query}`, undefined],
    ['any letter case of path and names', 'GET', `/XIMSSLogin/?USERNAME=${alice}&Password=${password}`, undefined],
    ['unknown parameters', 'GET', `/ximssLogin/?${query}&random=7&counter=1`, undefined],
    ['a form', 'POST', '/ximsslogin/', query],
    ['no domain', 'GET', `/ximsslogin/?userName=alice&password=${password}`, undefined],
  ] as const)('by %s', async (_what, method, path, body) => {
    await boot();
    const options = body === undefined ? {} : { body, type: 'application/x-www-form-urlencoded' };
    const answer = await web(server.httpPort, method, path, options);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('text/xml;charset=utf-8');
    expect(answer.body).toMatch(session);
  });

  test.each([
    ['/auth/ximsslogin/', `${alice}:${password}`, 200],
    ['/ximsslogin/', `${alice}:${password}`, 200],
    ['/auth/ximsslogin/', `${alice}:wrong`, 403],
    ['/auth/ximsslogin/', undefined, 401],
  ])('by HTTP Basic at %s as %s: %i', async (path, basic, status) => {
    await boot();
    const answer = await web(server.httpPort, 'GET', path, basic === undefined ? {} : { basic });
    expect(answer.status).toBe(status);
    expect('www-authenticate' in answer.headers).toBe(status === 401);
  });

  test('by nonce and authData without padding, once', async () => {
    await boot();
    const features = await post('/ximsslogin/', XIMSS('<listFeatures id="list" domain="x.dom"/>'));
    const nonce = /<nonce>([^<]+)<\/nonce>/.exec(features.body)?.[1] ?? '';
    const path = `/ximsslogin/?errorAsXML=1&userName=${alice}&nonce=${nonce}&authData=${nonceData(nonce).replace(/=+$/, '')}`;
    expect((await get(path)).body).toMatch(session);
    expect((await get(path)).body).toContain('errorNum="535"');
  });

  test('by session id, the old one killed or not', async () => {
    await boot();
    const old = await login();
    const id = old.split('/')[2] ?? '';
    expect((await get(`/ximsslogin/?userName=${alice}&sessionid=${id}`)).body).toMatch(session);
    expect((await get(`/ximsslogin/?userName=${alice}&sessionid=${id}&killOld=1`)).body).toMatch(session);
    expect((await get(old)).status).toBe(550);
    expect((await get(`/ximsslogin/?userName=${alice}&sessionid=${id}`)).status).toBe(403);
  });

  test('a failure is an HTTP status, or XML when asked', async () => {
    await boot();
    expect((await get(`/ximsslogin/?userName=${alice}&password=x`)).status).toBe(403);
    const answer = await get(`/ximsslogin/?userName=${alice}&password=x&errorAsXML=1`);
    expect(answer.status).toBe(200);
    expect(answer.body).toBe(
      '<XIMSS><response errorText="unknown user account or incorrect password" errorNum="535"/></XIMSS>\r\n',
    );
  });

  test('a text/xml body is pre-login, never a login', async () => {
    await boot();
    const answer = await post(
      `/ximsslogin/?${query}`,
      XIMSS(
        '<listFeatures id="a"/>',
        '<signup id="b" userName="new" password="p"/>',
        '<login id="c"/>',
        '<noop id="d"/>',
      ),
      'text/xml; charset=utf-8',
    );
    expect(answer.body).toMatch(
      /^<XIMSS><features id="a" domain="x.dom">.*<\/features><response id="a"\/><response id="b"\/><response id="c" errorText="[^"]*" errorNum="504"\/><response id="d" errorText="[^"]*" errorNum="530"\/><\/XIMSS>\r\n$/,
    );
    expect(server.sessions()).toEqual([]);
    expect(server.account('new@x.dom').password).toBe('p');
  });

  test('over TLS, with clear text refused without', async () => {
    const { ca, ...tls } = testCertificate();
    await boot({ tls, plainWithoutTls: false });
    expect((await get(`/ximsslogin/?${query}`)).body).toContain('encryption is required');
    expect((await web(server.httpsPort ?? 0, 'GET', `/ximsslogin/?${query}`, { ca })).body).toMatch(session);
  });

  test('the licence limit', async () => {
    await boot({ maxSessions: 1 });
    await login();
    expect((await get(`/ximsslogin/?${query}`)).body).toContain('licence limit');
  });
});

describe('sync and async', () => {
  test('one answer, data before its response, responses in request order, CR LF behind', async () => {
    await boot();
    const session = await login();
    const answer = await post(
      `${session}sync?reqSeq=1&random=5`,
      XIMSS('<noop id="1"/>', '<readTime id="2"/>', '<what id="3"/>'),
      'application/json',
    );
    expect(answer.headers['content-type']).toBe('text/xml;charset=utf-8');
    expect(answer.body).toMatch(
      /^<XIMSS><response id="1"\/><currentTime id="2" [^>]*\/><response id="2"\/><response id="3" errorText="unknown command" errorNum="500"\/><\/XIMSS>\r\n$/,
    );
    expect((await post(`${session}sync?reqSeq=2`, XIMSS())).body).toBe('<XIMSS/>\r\n');
  });

  test('a repeated number gets the stored answer, the request is not done twice', async () => {
    await boot();
    const far = server.client(bob);
    const session = await login();
    const body = XIMSS(`<sendIM id="1" peer="${bob}">once</sendIM>`);
    const first = await post(`${session}sync?reqSeq=1`, body);
    const second = await post(`${session}sync?reqSeq=1`, body);
    expect(second.body).toBe(first.body);
    expect(far.of('im')).toHaveLength(1);
  });

  test.each([
    ['skipped', [1, 3]],
    ['gone back', [1, 2, 1]],
    ['begun at 2', [2]],
  ])('a number %s is a sequence error', async (_what, numbers) => {
    await boot();
    const session = await login();
    let answer: WebAnswer | undefined;
    for (const number of numbers) answer = await post(`${session}sync?reqSeq=${number}`, XIMSS('<noop id="1"/>'));
    expect(answer).toMatchObject({ status: 500, body: 'XIMSS request sequence error' });
    expect(server.strict.violations).toEqual([`${alice}: sync: wrong reqSeq`]);
  });

  test('numbers may begin at 0, or be missing (recorded); the error may be XML', async () => {
    await boot({ dialect: { sequenceError: 'xml' } });
    const session = await login();
    expect((await post(`${session}sync?reqSeq=0`, XIMSS('<noop id="1"/>'))).body).toContain('<response id="1"/>');
    expect((await post(`${session}sync`, XIMSS('<noop id="2"/>'))).body).toContain('<response id="2"/>');
    expect((await post(`${session}sync?reqSeq=7`, XIMSS('<noop id="3"/>'))).body).toContain(
      'XIMSS request sequence error',
    );
    expect(server.strict.violations).toEqual([`${alice}: sync: no reqSeq`, `${alice}: sync: wrong reqSeq`]);
  });

  test('async answers nothing; the responses come through the get', async () => {
    await boot();
    const session = await login();
    const answer = await post(`${session}async?reqSeq=1`, XIMSS('<noop id="1"/>', '<readTime id="2"/>'));
    expect(answer).toMatchObject({ status: 200, body: '' });
    expect((await get(`${session}get?ackSeq=0&maxWait=5`)).body).toMatch(
      /^<XIMSS respSeq="1"><response id="1"\/><currentTime id="2"[^>]*\/><response id="2"\/><\/XIMSS>\r\n$/,
    );
  });

  test('syncAsync brings what is pending, also with the last request', async () => {
    await boot();
    const session = await bound();
    server.client(bob).sendIM(alice, 'pending');
    const answer = await post(`${session}sync?reqSeq=2&syncAsync=1`, XIMSS('<bye id="1"/>'));
    expect(answer.body).toMatch(/<response id="1"\/><readIM peer="bob@x.dom".*pending/);
    expect((await get(session)).status).toBe(550);
  });

  test.each([
    ['malformed XML', '<XIMSS><noop</XIMSS>'],
    ['another root', '<noop id="1"/>'],
    ['a doctype', '<!DOCTYPE x><XIMSS/>'],
  ])('%s is a 400 and takes no number', async (_what, body) => {
    await boot();
    const session = await login();
    expect((await post(`${session}sync?reqSeq=1`, body)).status).toBe(400);
    expect((await post(`${session}sync?reqSeq=1`, XIMSS('<noop id="1"/>'))).status).toBe(200);
  });

  test('a body over the limit is refused', async () => {
    await boot({ maxDocumentBytes: 1000 });
    const session = await login();
    expect((await post(`${session}sync?reqSeq=1`, XIMSS('x'.repeat(2000)))).status).toBe(413);
  });
});

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
    await post(`${plain}sync?reqSeq=1`, XIMSS('<signalBind id="1"/>'));
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
    const first = await post(`${session}sync?reqSeq=1`, XIMSS());
    expect(first.headers['set-cookie']?.[0]).toMatch(/^CGateProWebUser=/);
    expect((await post(`${session}sync?reqSeq=2`, XIMSS())).headers['set-cookie']).toBeUndefined();
    const other = await login('&DisableUseCookie=1');
    expect((await post(`${other}sync?reqSeq=1`, XIMSS())).headers['set-cookie']).toBeUndefined();
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
  const send = XIMSS(`<sendIM id="1" peer="${bob}">once</sendIM>`);

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
    expect((await post(`${session}sync?reqSeq=1`, XIMSS('<noop id="1"/>'))).body).toContain(
      'errorText="no" errorNum="9"',
    );
    server.faults.add({ request: 'noop', action: 'delay', ms: 5 });
    expect((await post(`${session}sync?reqSeq=2`, XIMSS('<noop id="1"/>', '<readTime id="2"/>'))).body).toMatch(
      /response id="1".*response id="2"/,
    );
    server.faults.add({ request: 'noop', action: 'splitBytes' });
    expect((await post(`${session}sync?reqSeq=3`, XIMSS('<noop id="1"/>'))).body).toContain('<response id="1"/>');
    server.faults.add({ request: '#sync', action: 'garbage', bytes: '\u0001<' });
    expect((await post(`${session}sync?reqSeq=4`, XIMSS('<noop id="1"/>'))).body).toBe(
      '\u0001<<XIMSS><response id="1"/></XIMSS>\r\n',
    );
  });

  test('an exchange that hangs can be given up and retried', async () => {
    await boot();
    const session = await login();
    server.faults.add({ request: 'noop', action: 'never' });
    const abort = new AbortController();
    const hanging = web(server.httpPort, 'POST', `${session}sync?reqSeq=1`, {
      body: XIMSS('<noop id="1"/>'),
      signal: abort.signal,
    });
    await until(() => server.log.list().some((entry) => entry.xml.includes('<noop')));
    abort.abort();
    await expect(hanging).rejects.toThrow();
    expect((await post(`${session}sync?reqSeq=1`, XIMSS('<noop id="1"/>'))).body).toContain('<response id="1"/>');
  });
});
