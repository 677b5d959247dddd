/** The TCP side of the test server: framing, login, STARTTLS, messages, faults, stop and start. */
import { createHmac } from 'node:crypto';
import { testCertificate } from '../../support/cert';
import { startXimssServer, type XimssServer, type XimssServerOptions } from '../../support/ximss-server/server';
import { wireClient, type WireClient } from './wireClient';

const alice = 'alice@x.dom';
const bob = 'bob@x.dom';
const accounts = [
  { account: alice, password: 'wonder', realName: 'Alice' },
  { account: bob, password: 'builder', realName: 'Bob' },
];

let server: XimssServer;
const clients: WireClient[] = [];

async function boot(options: XimssServerOptions = {}): Promise<void> {
  server = await startXimssServer({ accounts, slowAnswerMs: 1, ...options });
}
async function dial(port = server.tcpPort, ca?: string): Promise<WireClient> {
  const client = await wireClient(port, ca);
  clients.push(client);
  return client;
}
async function loggedIn(user = alice, password = 'wonder'): Promise<WireClient> {
  const client = await dial();
  await client.ask(`<login id="l" authData="${user}" password="${password}"/>`);
  return client;
}
const hmac = (key: string, text: string): string => createHmac('md5', key).update(text).digest('hex');
const b64 = (text: string): string => Buffer.from(text).toString('base64');
const attribute = (xml: string, name: string): string => new RegExp(` ${name}="([^"]*)"`).exec(xml)?.[1] ?? '';

afterEach(async () => {
  for (const client of clients.splice(0)) client.end();
  await server.stop();
});

describe('framing', () => {
  test('two requests in one write, one request in many writes, multi-byte characters cut in half', async () => {
    await boot();
    const client = await loggedIn();
    const far = server.client(bob);
    client.send('<noop id="1"/>', '<noop id="2"/>');
    await client.until(/^<response id="2"\/>$/);
    const bytes = Buffer.from(`<sendIM id="3" peer="${bob}">привет 🐸</sendIM>\0`);
    for (const byte of bytes) client.raw(Buffer.of(byte));
    await client.until(/^<response id="3"\/>$/);
    expect((await far.waitFor((item) => item.kind === 'im')).text).toBe('привет 🐸');
  });

  test.each([
    ['a doctype', '<!DOCTYPE a><noop id="1"/>'],
    ['a comment', '<noop id="1"><!-- x --></noop>'],
    ['two roots', '<noop id="1"/><noop id="2"/>'],
    ['an undefined entity', '<noop id="&boom;"/>'],
    ['mismatched tags', '<noop id="1"></nope>'],
    ['bytes that are not UTF-8', Buffer.from('<noop id="1">\xff</noop>\0', 'latin1')],
    ['a document over the limit', `<noop id="${'x'.repeat(70_000)}"/>`],
    ['nesting over the limit', '<a>'.repeat(100)],
    ['an empty frame', ''],
  ])('%s ends the connection and is recorded', async (_what, bytes) => {
    await boot();
    const client = await dial();
    client.raw(typeof bytes === 'string' ? bytes + '\0' : bytes);
    await client.closed();
    expect(server.strict.violations.join()).toContain('malformed input');
  });

  test('Flash asks for a policy', async () => {
    await boot();
    const client = await dial();
    client.send('<policy-file-request/>');
    expect(await client.until(/policy/)).toContain('<cross-domain-policy>');
  });
});

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

describe('messages', () => {
  test('a message reaches a bound far user; the response follows', async () => {
    await boot();
    const far = server.client(bob);
    const client = await loggedIn();
    expect(await client.ask(`<sendIM id="1" peer="${bob}" type="chat">hi &lt;you&gt;</sendIM>`)).toEqual([
      '<response id="1"/>',
    ]);
    expect(far.of('im')).toMatchObject([{ peer: alice, text: 'hi <you>', type: 'chat' }]);
  });

  test('no bind, no messages; at bind the stored ones come in order with gmtTime, before the response', async () => {
    await boot();
    const far = server.client(bob);
    const client = await loggedIn();
    far.sendIM(alice, 'one');
    far.sendIM(alice, '', { state: 'composing' });
    far.sendIM(alice, 'two');
    await client.ask('<noop id="1"/>');
    expect(client.docs.join()).not.toContain('readIM');
    const answer = await client.ask('<signalBind id="2"/>');
    const stored = (text: string): RegExp =>
      new RegExp(
        `^<readIM peer="bob@x.dom" peerName="Bob" type="chat" clientID="inside" iqid="\\w+" gmtTime="\\d{8}T\\d{6}">${text}</readIM>$`,
      );
    expect(answer).toEqual([
      expect.stringMatching(stored('one')),
      expect.stringMatching(stored('two')),
      '<response id="2"/>',
    ]);
    expect(server.account(alice).offline).toEqual([]);
  });

  test('after signalUnbind messages are stored again', async () => {
    await boot();
    const far = server.client(bob);
    const client = await loggedIn();
    await client.ask('<signalBind id="1" presence="yes" readIM="1" clientID="c"/>');
    far.sendIM(alice, 'live');
    expect(await client.until(/live/)).not.toContain('gmtTime');
    await client.ask('<signalUnbind id="2"/>');
    far.sendIM(alice, 'later');
    expect(server.account(alice).offline).toMatchObject([{ text: 'later' }]);
  });

  test.each([
    ['an unknown peer', '<sendIM id="1" peer="no@x.dom">a</sendIM>', /unknown user account/],
    ['a remote domain', '<sendIM id="1" peer="a@far.dom">a</sendIM>', /relaying/],
    ['no peer', '<sendIM id="1">a</sendIM>', /peer/],
    ['a peer with a resource', `<sendIM id="1" peer="${bob}/home">a</sendIM>`, /peer/],
    ['an unknown type', `<sendIM id="1" peer="${bob}" type="shout">a</sendIM>`, /type/],
    ['a room message', `<sendIM id="1" peer="${bob}" type="groupchat">a</sendIM>`, /rooms are not available/],
  ])('%s is refused', async (_what, request, expected) => {
    await boot();
    const client = await loggedIn();
    expect(await client.ask(request)).toEqual([expect.stringMatching(expected)]);
  });

  test.each([
    ['none asked on TCP: text', {}, '>hello</readIM>'],
    ['always B: a body child', { formatB: 'always' as const }, '><body>hello</body></readIM>'],
  ])('content format, %s', async (_what, dialect, expected) => {
    await boot({ dialect });
    const client = await loggedIn();
    await client.ask('<signalBind id="1"/>');
    server.client(bob).sendIM(alice, 'hello');
    expect(await client.until(/readIM/)).toContain(expected);
  });

  test('chat states arrive as empty children, and body children are understood', async () => {
    await boot();
    const far = server.client(bob);
    const client = await loggedIn();
    await client.ask(`<sendIM id="1" peer="${bob}" type="chat"><composing/></sendIM>`);
    await client.ask(`<sendIM id="2" peer="${bob}" type="chat" iqid="m7"><body>b</body><subject>s</subject></sendIM>`);
    expect(far.of('im')).toMatchObject([
      { state: 'composing', text: '' },
      { text: 'b', iqid: 'm7' },
    ]);
    expect(server.strict.violations).toEqual([]);
  });

  test('a full store refuses', async () => {
    await boot({ maxOfflineCount: 1 });
    const client = await loggedIn();
    expect(await client.ask(`<sendIM id="1" peer="${bob}">a</sendIM>`)).toEqual(['<response id="1"/>']);
    expect((await client.ask(`<sendIM id="2" peer="${bob}">b</sendIM>`))[0]).toContain('storage is full');
  });
});

describe('session life', () => {
  test('readTime, exeTime, setClientName, passwordModify, bye', async () => {
    await boot();
    const client = await loggedIn();
    expect((await client.ask('<readTime id="1"/>'))[0]).toMatch(
      /^<currentTime id="1" gmtTime="\d{8}T\d{6}" localTime="\d{8}T\d{6}"\/>$/,
    );
    expect((await client.ask('<noop id="2" exeTime="1"/>'))[0]).toMatch(/^<response id="2" exeTime="\d+"\/>$/);
    await client.ask('<setClientName id="3" name="me"/>');
    expect(server.sessions()).toMatchObject([{ clientName: 'me' }]);
    expect((await client.ask('<passwordModify id="4" oldPassword="x" newPassword="y"/>'))[0]).toContain(
      'incorrect password',
    );
    await client.ask('<passwordModify id="5" oldPassword="wonder" newPassword="y"/>');
    expect(server.account(alice).password).toBe('y');
    expect(await client.ask('<bye id="6"/>')).toEqual(['<response id="6"/>']);
    await client.closed();
    expect(server.sessions()).toEqual([]);
  });

  test('a silent session is ended with bye', async () => {
    await boot({ idleTimeoutMs: 60 });
    const client = await loggedIn();
    await client.until(/^<bye\/>$/);
    await client.closed();
    expect(server.sessions()).toEqual([]);
  });

  test('alert and bye on command', async () => {
    await boot();
    const client = await loggedIn();
    server.alert('maintenance', alice);
    expect(await client.until(/alert/)).toBe('<alert>maintenance</alert>');
    server.bye(alice);
    await client.until(/^<bye\/>$/);
    await client.closed();
  });

  test('a forced password change shows in session and blocks the rest', async () => {
    await boot();
    server.account(alice).mustChangePassword = true;
    const client = await dial();
    expect((await client.ask(`<login id="1" authData="${alice}" password="wonder"/>`))[0]).toContain(
      'changePassword="1"',
    );
    expect((await client.ask('<signalBind id="2"/>'))[0]).toContain('password must be changed');
    await client.ask('<passwordModify id="3" oldPassword="wonder" newPassword="n"/>');
    expect(await client.ask('<signalBind id="4"/>')).toEqual(['<response id="4"/>']);
  });

  test('a second factor shows in session and blocks the rest', async () => {
    await boot();
    server.account(alice).secondFactor = ['sms'];
    const client = await dial();
    expect((await client.ask(`<login id="1" authData="${alice}" password="wonder"/>`))[0]).toMatch(
      /x2auth="1"><x2auth>sms</,
    );
    expect((await client.ask('<signalBind id="2"/>'))[0]).toContain('second authentication factor');
  });
});

describe('strict', () => {
  test('whatever the document does not know is recorded, and nothing else', async () => {
    await boot();
    const client = await loggedIn();
    await client.ask(`<sendIM id="1" peer="${bob}" to="x"><html/></sendIM>`);
    await client.ask('<noop id="2">text</noop>');
    await client.ask('<frobnicate id="3"/>');
    client.send('<noop/>');
    await client.ask(
      '<signalBind id="4" clientID="a" presence="yes" readIM="1" deviceName="d"><sdp><any/></sdp></signalBind>',
    );
    expect(server.strict.violations).toEqual([
      `${alice}: sendIM: unknown attribute to`,
      `${alice}: sendIM: unknown child <html>`,
      `${alice}: noop: unexpected text`,
      `${alice}: unknown request <frobnicate>`,
      `${alice}: noop: no id`,
    ]);
  });
});

describe('faults', () => {
  test('drop: the request is not handled', async () => {
    await boot();
    const far = server.client(bob);
    const client = await loggedIn();
    server.faults.add({ request: 'sendIM', action: 'drop' });
    client.send(`<sendIM id="1" peer="${bob}">a</sendIM>`);
    await client.closed();
    expect(far.of('im')).toEqual([]);
  });

  test('dropAfter: handled, but nobody learns', async () => {
    await boot();
    const far = server.client(bob);
    const client = await loggedIn();
    server.faults.add({ request: 'sendIM', action: 'dropAfter', nth: 2 });
    await client.ask(`<sendIM id="1" peer="${bob}">a</sendIM>`);
    client.send(`<sendIM id="2" peer="${bob}">b</sendIM>`);
    await client.closed();
    expect(far.of('im').map((item) => item.text)).toEqual(['a', 'b']);
    expect(client.docs.join()).not.toContain('id="2"');
  });

  test('refuse, for one account, a number of times', async () => {
    await boot();
    const client = await loggedIn();
    const other = await loggedIn(bob, 'builder');
    server.faults.add({ request: 'noop', account: alice, count: 2, action: 'refuse', errorNum: 7, errorText: 'no' });
    expect(await other.ask('<noop id="1"/>')).toEqual(['<response id="1"/>']);
    for (const id of ['1', '2']) {
      expect(await client.ask(`<noop id="${id}"/>`)).toEqual([`<response id="${id}" errorText="no" errorNum="7"/>`]);
    }
    expect(await client.ask('<noop id="3"/>')).toEqual(['<response id="3"/>']);
  });

  test('delay holds the later requests in order; the other dialect lets them pass', async () => {
    await boot();
    const client = await loggedIn();
    server.faults.add({ request: 'readTime', action: 'delay', ms: 20 });
    client.send('<readTime id="1"/>', '<noop id="2"/>');
    await client.until(/response id="2"/);
    expect(client.docs.slice(-2).map((doc) => attribute(doc, 'id'))).toEqual(['1', '2']);
    await server.stop();
    await boot({ dialect: { inOrder: false } });
    const second = await loggedIn();
    server.faults.add({ request: 'readTime', action: 'delay', ms: 20 });
    second.send('<readTime id="1"/>', '<noop id="2"/>');
    await second.until(/response id="1"/);
    expect(second.docs.filter((doc) => doc.startsWith('<response')).map((doc) => attribute(doc, 'id'))).toEqual([
      'l',
      '2',
      '1',
    ]);
  });

  test('never, garbage, splitBytes', async () => {
    await boot();
    const client = await loggedIn();
    server.faults.add({ request: 'noop', action: 'never' });
    client.send('<noop id="1"/>');
    server.faults.add({ request: 'readTime', action: 'garbage', bytes: '<<>>\0' });
    expect((await client.ask('<readTime id="2"/>'))[0]).toBe('<<>>');
    server.faults.add({ request: 'readTime', action: 'splitBytes' });
    expect(await client.ask('<readTime id="3"/>')).toHaveLength(2);
    expect(client.docs.join()).not.toContain('response id="1"');
  });

  test('a push can be lost with its connection', async () => {
    await boot();
    const client = await loggedIn();
    await client.ask('<signalBind id="1"/>');
    server.faults.add({ push: 'readIM', action: 'drop' });
    server.client(bob).sendIM(alice, 'x');
    await client.closed();
    expect(client.docs.join()).not.toContain('readIM');
  });

  test('connections can be refused', async () => {
    await boot();
    server.faults.add({ request: '#connect', action: 'drop' });
    await (await dial()).closed();
    expect(await (await dial()).ask('<listFeatures id="1"/>')).toHaveLength(2);
  });
});

describe('stop and start', () => {
  test('same ports, same accounts, stored messages kept; actors come back', async () => {
    await boot();
    const far = server.client(bob);
    const client = await loggedIn();
    far.sendIM(alice, 'kept');
    const { tcpPort } = server;
    await server.stop();
    await client.closed();
    await expect(wireClient(tcpPort)).rejects.toThrow();
    expect(() => far.sendIM(alice, 'down')).toThrow();
    await server.start();
    expect(server.tcpPort).toBe(tcpPort);
    const again = await loggedIn();
    expect((await again.ask('<signalBind id="1"/>'))[0]).toContain('kept');
    await again.ask(`<sendIM id="2" peer="${bob}">back</sendIM>`);
    expect(far.of('im').at(-1)).toMatchObject({ text: 'back' });
  });

  test('dropAll cuts connections and ends their sessions', async () => {
    await boot();
    const client = await loggedIn();
    server.dropAll();
    await client.closed();
    expect(server.sessions()).toEqual([]);
  });

  test('the wire log has both directions and no passwords', async () => {
    await boot();
    const client = await loggedIn();
    await client.ask('<noop id="1"/>');
    expect(server.log.list().map((entry) => `${entry.dir} ${entry.account} ${entry.xml}`)).toEqual([
      'in null <login id="l" authData="…" password="…"/>',
      expect.stringContaining(`out ${alice} <session`),
      `out ${alice} <response id="l"/>`,
      `in ${alice} <noop id="1"/>`,
      `out ${alice} <response id="1"/>`,
    ]);
  });
});
