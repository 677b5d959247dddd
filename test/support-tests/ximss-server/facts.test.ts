/** docs/XIMSS.md 10, line by line: facts that real clients depend on. */
import { createHmac } from 'node:crypto';
import { alice, bob, makeHarness, password } from './harness';
import { web } from './http/client';

const { boot, dial, loggedIn, down } = makeHarness();
afterEach(down);

const query = `userName=${alice}&password=${password}`;

describe('over HTTP', () => {
  test.each(['/ximsslogin/', '/XIMSSLogin/', '/ximssLogin/', '/AUTH/XimssLogin/'])('login path %s', async (path) => {
    const { httpPort } = await boot();
    expect((await web(httpPort, 'GET', `${path}?${query}`)).body).toContain('<session ');
  });

  test('a POST with an XML body on the login URL is pre-login', async () => {
    const server = await boot();
    const body = '<XIMSS><listFeatures id="1"/></XIMSS>';
    const answer = await web(server.httpPort, 'POST', `/ximsslogin/?${query}`, { body, type: 'text/xml' });
    expect(answer.body).toMatch(/^<XIMSS><features id="1"/);
    expect(server.sessions()).toEqual([]);
  });

  test('session, or a failing response, is the first child', async () => {
    const { httpPort } = await boot();
    expect((await web(httpPort, 'GET', `/ximsslogin/?${query}`)).body).toMatch(/^<XIMSS><session /);
    const failed = await web(httpPort, 'GET', `/ximsslogin/?${query}x&errorAsXML=1`);
    expect(failed.body).toMatch(/^<XIMSS><response errorText=/);
  });

  test('XML content type, no declaration, ten bytes when empty, 550 for the dead, both forms of get, unknown parameters', async () => {
    const server = await boot();
    const login = await web(server.httpPort, 'GET', `/ximsslogin/?${query}&foo=1`);
    const urlID = /urlID="([^"]*)"/.exec(login.body)?.[1] ?? '';
    const answers = [
      login,
      await web(server.httpPort, 'POST', `/Session/${urlID}/sync?reqSeq=1&foo=1`, {
        body: '<XIMSS/>',
        type: 'text/xml',
      }),
      await web(server.httpPort, 'GET', `/Session/${urlID}/get?maxWait=0&random=4`),
      await web(server.httpPort, 'GET', `/Session/${urlID}/?maxWait=0&reqSeq=77`),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(200);
      expect(answer.headers['content-type']).toMatch(/^text\/xml/);
      expect(answer.body).not.toContain('<?');
    }
    for (const answer of answers.slice(1)) expect(answer.body).toBe('<XIMSS/>\r\n');
    expect((await web(server.httpPort, 'GET', '/Session/dead/')).status).toBe(550);
    expect(server.strict.violations).toEqual([]);
  });

  test('Basic authentication on the login URL', async () => {
    const { httpPort } = await boot();
    const answer = await web(httpPort, 'GET', '/ximsslogin/', { basic: `${alice}:${password}` });
    expect(answer.body).toContain('<session ');
  });

  test('gets without ackSeq', async () => {
    const server = await boot();
    const login = await web(server.httpPort, 'GET', `/ximsslogin/?${query}`);
    const urlID = /urlID="([^"]*)"/.exec(login.body)?.[1] ?? '';
    const body = '<XIMSS><signalBind id="1"/></XIMSS>';
    await web(server.httpPort, 'POST', `/Session/${urlID}/sync?reqSeq=1`, { body, type: 'text/xml' });
    const far = server.client(bob);
    for (const text of ['one', 'two']) {
      far.sendIM(alice, text);
      expect((await web(server.httpPort, 'GET', `/Session/${urlID}/get?maxWait=5`)).body).toContain(
        `>${text}</readIM>`,
      );
    }
  });
});

describe('over TCP', () => {
  test('asynchronous elements carry no id; they may stand between a request and its response', async () => {
    const server = await boot();
    server.client(bob).sendIM(alice, 'stored');
    const client = await loggedIn(alice, false);
    const answer = await client.ask('<signalBind id="1" presence="yes" readIM="1"/>');
    expect(answer).toEqual([expect.stringMatching(/^<readIM (?!.*\bid=)/), '<response id="1"/>']);
    const own = await client.ask(`<sendIM id="2" peer="${alice}">to myself</sendIM>`);
    expect(own).toEqual([expect.stringMatching(/^<readIM (?!.*\bid=)/), '<response id="2"/>']);
  });

  test('method-less login; the response begins with its id; no "error" on success', async () => {
    await boot();
    const client = await dial();
    await client.ask(`<login id="A01" authData="${alice}" password="${password}"/>`);
    expect(client.docs.at(-1)).toMatch(/^<response id=/);
    expect(client.docs.join()).not.toContain('error');
  });

  test('a CRAM-MD5 login has one final response and no "error"', async () => {
    await boot();
    const client = await dial();
    client.send('<login method="CRAM-MD5" id="login"/>');
    const text = Buffer.from(/value="([^"]*)"/.exec(await client.until(/challenge/))?.[1] ?? '', 'base64').toString();
    const proof = `${alice} ${createHmac('md5', password).update(text).digest('hex')}`;
    await client.ask(`<auth id="login" value="${Buffer.from(proof).toString('base64')}"/>`);
    expect(client.docs.map((doc) => /^<\w+/.exec(doc)?.[0])).toEqual(['<challenge', '<session', '<response']);
    expect(client.docs.join()).not.toContain('error');
  });

  test('a bare signalBind receives messages; both content formats exist', async () => {
    for (const [formatB, expected] of [
      ['never', '>x</readIM>'],
      ['always', '><body>x</body></readIM>'],
    ] as const) {
      const server = await boot({ dialect: { formatB } });
      const client = await loggedIn(alice, false);
      await client.ask('<signalBind id="1"/>');
      server.client(bob).sendIM(alice, 'x');
      expect(await client.until(/readIM/)).toContain(expected);
      await down();
    }
  });

  test('data with the id of the request comes before its response', async () => {
    await boot();
    const client = await loggedIn();
    await client.ask(`<rosterSet id="1" peer="${bob}"/>`);
    expect(await client.ask('<rosterList id="2"/>')).toEqual([
      expect.stringMatching(/^<rosterItem id="2"/),
      '<response id="2"/>',
    ]);
  });
});
