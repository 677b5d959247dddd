/** Logging in to the test server over HTTP (docs/XIMSS.md 3.1). */
import { createHmac } from 'node:crypto';
import { testCertificate } from '../../../support/cert';
import { alice, password } from '../harness';
import { web } from './client';
import { boot, down, get, login, post, query, server, ximssDocument } from './harness';

afterEach(down);

const nonceData = (nonce: string): string =>
  Buffer.from(createHmac('md5', password).update(nonce).digest('hex')).toString('base64');

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
    const features = await post('/ximsslogin/', ximssDocument('<listFeatures id="list" domain="x.dom"/>'));
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
      ximssDocument(
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
