/** What the test server does over TCP before login and at it. */
import { createHmac } from 'node:crypto';
import { testCertificate } from '../../../support/cert';
import { alice, attribute, bob, boot, dial, down, loggedIn, server } from './harness';

const hmac = (key: string, text: string): string => createHmac('md5', key).update(text).digest('hex');
const b64 = (text: string): string => Buffer.from(text).toString('base64');

afterEach(down);

describe('before login', () => {
  test('features lists what is offered and answers with the id, response last', async () => {
    await boot({ tls: testCertificate() });
    const client = await dial();
    const [features, response] = await client.ask('<listFeatures id="f" domain="X.dom"/>');
    expect(features).toMatch(
      /^<features id="f" domain="x.dom"><starttls\/><sasl>PLAIN<\/sasl><sasl>CRAM-MD5<\/sasl><sasl>DIGEST-MD5<\/sasl><nonce>[0-9A-F]{32}<\/nonce><language>english<\/language><signup\/><\/features>$/,
    );
    expect(response).toBe('<response id="f"/>');
  });

  test.each([
    ['a session operation', '<noop id="1"/>', /errorText="authentication is required first"/],
    [
      'an unknown command',
      '<myCommand id="1" myParam="x"/>',
      /^<response id="1" errorText="unknown command" errorNum="500"\/>$/,
    ],
    ['a foreign domain', '<listFeatures id="1" domain="y.dom"/>', /errorText="unknown domain"/],
    ['starttls without a certificate', '<starttls id="1"/>', /errorText="TLS is not available"/],
    ['auth out of the blue', '<auth id="1" value=""/>', /errorText="no authentication is in progress"/],
    ['a wrong password', `<login id="1" authData="${alice}" password="x"/>`, /incorrect password" errorNum="535"/],
    ['an unknown account', '<login id="1" authData="no@x.dom" password="x"/>', /incorrect password/],
    ['an unknown method', '<login id="1" method="GSSAPI"/>', /method is not supported/],
    ['a login without password', `<login id="1" authData="${alice}"/>`, /parameter is missing/],
  ])('%s is refused and the connection stays', async (_what, request, expected) => {
    await boot();
    const client = await dial();
    expect(await client.ask(request)).toEqual([expect.stringMatching(expected)]);
    expect(await client.ask('<listFeatures id="2"/>')).toHaveLength(2);
  });

  test('signup makes an account, late, without logging in; a taken name is refused', async () => {
    await boot();
    const client = await dial();
    expect(await client.ask('<signup id="1" userName="carol" password="pw" realName="C"/>')).toEqual([
      '<response id="1"/>',
    ]);
    expect((await client.ask('<noop id="2"/>'))[0]).toContain('authentication');
    expect((await client.ask('<signup id="3" userName="carol" password="pw"/>'))[0]).toContain('already exists');
    expect(await client.ask('<login id="4" authData="carol@x.dom" password="pw"/>')).toHaveLength(2);
  });

  test('recoverPassword', async () => {
    await boot();
    const client = await dial();
    expect(await client.ask('<recoverPassword id="1" userName="alice"/>')).toEqual(['<response id="1"/>']);
    expect(server.world.recovered).toEqual([alice]);
  });
});

describe('login', () => {
  test('method-less: session with the id, then one response, and no word "error"', async () => {
    await boot();
    const client = await dial();
    const answer = await client.ask(`<login id="A01" authData="${alice}" password="wonder"/>`);
    expect(answer).toEqual([
      expect.stringMatching(
        /^<session id="A01" urlID="[\w-]+" userName="alice@x.dom" realName="Alice" version="[\d.]+"\/>$/,
      ),
      '<response id="A01"/>',
    ]);
    expect(answer.join()).not.toContain('error');
  });

  test('CRAM-MD5: challenge, auth with the same id, session, exactly one response', async () => {
    await boot();
    const client = await dial();
    client.send('<login method="CRAM-MD5" id="x"/>');
    const challenge = await client.until(/^<challenge id="x"/);
    const text = Buffer.from(attribute(challenge, 'value'), 'base64').toString();
    const answer = await client.ask(`<auth id="x" value="${b64(`${alice} ${hmac('wonder', text)}`)}"/>`);
    expect(answer[0]).toContain('<session id="x"');
    expect(answer[1]).toBe('<response id="x"/>');
    expect(client.docs.filter((doc) => doc.startsWith('<response'))).toHaveLength(1);
    expect(server.sessions()).toMatchObject([{ account: alice, transport: 'tcp' }]);
  });

  test('CRAM-MD5 with a wrong digest, or another id, is refused', async () => {
    await boot();
    const client = await dial();
    client.send('<login method="CRAM-MD5" id="x"/>');
    await client.until(/^<challenge/);
    expect((await client.ask(`<auth id="x" value="${b64(`${alice} ${hmac('no', 'no')}`)}"/>`))[0]).toContain('535');
    client.send('<login method="CRAM-MD5" id="y"/>');
    await client.until(/^<challenge id="y"/);
    expect((await client.ask('<auth id="z" value=""/>'))[0]).toContain('no authentication');
    expect(server.strict.violations).toEqual(['-: auth: id differs from the id of login']);
  });

  test('PLAIN in authData; impersonation is refused', async () => {
    await boot();
    const client = await dial();
    const other = await client.ask(`<login id="1" method="PLAIN" authData="${b64(`${bob}\0${alice}\0wonder`)}"/>`);
    expect(other[0]).toContain('535');
    expect((await client.ask(`<login id="2" method="PLAIN" authData="${b64(`\0${alice}\0wonder`)}"/>`))[0]).toContain(
      '<session',
    );
  });

  test('a session limit is told clearly', async () => {
    await boot({ maxSessions: 1 });
    await loggedIn();
    const second = await dial();
    expect((await second.ask(`<login id="1" authData="${bob}" password="builder"/>`))[0]).toContain('licence limit');
  });

  test('clear text only under TLS, when configured', async () => {
    const { ca, ...tls } = testCertificate();
    await boot({ tls, plainWithoutTls: false });
    const client = await dial();
    expect((await client.ask(`<login id="1" authData="${alice}" password="wonder"/>`))[0]).toContain(
      'encryption is required',
    );
    expect(await client.ask('<starttls id="2"/>')).toEqual(['<response id="2"/>']);
    await client.secure(ca);
    expect((await client.ask('<listFeatures id="3"/>'))[0]).not.toContain('starttls');
    expect(await client.ask(`<login id="4" authData="${alice}" password="wonder"/>`)).toHaveLength(2);
    expect(server.sessions()).toMatchObject([{ transport: 'tls' }]);
  });

  test('no login at all without TLS, when configured', async () => {
    await boot({ tls: testCertificate(), loginWithoutTls: false });
    const client = await dial();
    expect((await client.ask('<login id="1" method="CRAM-MD5"/>'))[0]).toContain('encryption is required');
  });

  test('a removed account is thrown out and cannot come back', async () => {
    await boot();
    const client = await loggedIn();
    server.removeAccount(alice);
    await client.until(/^<bye\/>$/);
    await client.closed();
    expect((await (await dial()).ask(`<login id="1" authData="${alice}" password="wonder"/>`))[0]).toContain('535');
  });

  test('clear text behind starttls in the same write is refused', async () => {
    await boot({ tls: testCertificate() });
    const client = await dial();
    client.send('<starttls id="1"/>', '<listFeatures id="2"/>');
    await client.closed();
    expect(server.strict.violations).toEqual(['-: data in clear text after starttls']);
  });

  test('direct TLS, and XIMSS on both HTTP ports', async () => {
    const { ca, ...tls } = testCertificate();
    await boot({ tls });
    const ports: [number | null, string | undefined][] = [
      [server.tlsPort, ca],
      [server.httpPort, undefined],
      [server.httpsPort, ca],
    ];
    for (const [port, trusted] of ports) {
      const client = await dial(port ?? 0, trusted);
      expect(await client.ask(`<login id="1" authData="${alice}" password="wonder"/>`)).toHaveLength(2);
    }
  });
});
