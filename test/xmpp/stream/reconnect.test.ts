/** The component stream against a scripted server: handshake transcripts, hostile bytes, deadlines, reconnects, the end. */
import { createServer as createTlsServer } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { parseAccount, parseJid, type Account, type BareJid } from '../../../src/core/address';
import { testCertificate } from '../../support/cert';
import { envelopeOf, makeJabberSide, type JabberSide, type SideOptions } from '../../support/jabber-side';
import { until } from '../../support/wait';
import { bounce, HANDSHAKE, HEADER, startScripted, welcome, type ScriptedServer } from '../scripted-server';

const romeo = parseAccount('romeo@far.test') as Account; // a good account
const juliet = parseJid('juliet@jabber.test')?.bare as BareJid; // a good JID
const error = (condition: string): string =>
  `<stream:error><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>`;

let server: ScriptedServer | undefined;
let side: JabberSide | undefined;
afterEach(async () => {
  await side?.jabber.stop();
  await server?.close();
  side = server = undefined;
});

function makeSide(options: Partial<SideOptions> = {}): JabberSide {
  const timing = { closeMs: 100, ...options.timing }; // the scripted server does not close
  side = makeJabberSide({ service: server?.service ?? '', ...options, timing });
  return side;
}

/** A stream that is up; the scripted server goes on with `after`. */
async function up(
  options: Partial<SideOptions> = {},
  after: Parameters<typeof startScripted>[0] = bounce,
): Promise<JabberSide> {
  server = await startScripted(async (connection, index) => {
    await welcome(connection);
    await after(connection, index);
  });
  const made = makeSide(options);
  await made.jabber.start();
  return made;
}

describe('the handshake: what the server says, and what comes of it', () => {
  test.each<[string, string[], string]>([
    ['the right answer', [HEADER, '<handshake/>'], 'up'],
    ['the right answer in another form', [HEADER, '<handshake></handshake>'], 'up'],
    ['a privilege before the answer', [HEADER, `<message from='jabber.test' to='ximss.test'/><handshake/>`], 'up'],
    ['a wrong secret', [HEADER, error('not-authorized')], 'stream-refused'],
    ['an unknown domain', [HEADER, error('host-unknown')], 'stream-refused'],
    [
      'an unknown domain in a header without id',
      [HEADER.replace(`id='abc'`, '') + error('host-unknown')],
      'stream-refused',
    ],
    ['a wrong namespace', [HEADER, error('invalid-namespace')], 'stream-refused'],
    ['somebody is there already', [HEADER, error('conflict')], 'stream-conflict'],
    ['a passing trouble', [HEADER, error('system-shutdown')], 'again'],
    ['an error without a condition', [HEADER, '<stream:error/>'], 'again'],
    ['an empty id and silence', [HEADER.replace(`id='abc'`, `id=''`)], 'again'],
    ['silence from the beginning', [], 'again'],
    ['silence after the header', [HEADER], 'again'],
    ['another answer', [HEADER, '<proceed/>'], 'again'],
    ['half a header', [HEADER.slice(0, 60), 'END'], 'again'],
    ['the end instead of an answer', [HEADER, '</stream:stream>'], 'again'],
    ['another protocol', ['HTTP/1.1 400 Bad Request\r\n\r\n'], 'again'],
    ['another root', ['<html>'], 'again'],
    ['a document type', [`<!DOCTYPE x>${HEADER}`], 'again'],
    ['a header that never ends', [`<stream:stream a='${'x'.repeat(300_000)}`], 'again'],
  ])('%s', async (_what, script, outcome) => {
    server = await startScripted(async (connection, index) => {
      if (index > 0) return;
      await connection.expect('<stream:stream');
      for (const [step, text] of script.entries()) {
        if (step === 1 && text !== 'END') await connection.expect(HANDSHAKE);
        if (text === 'END') connection.end();
        else connection.send(text);
      }
    });
    const { jabber, stream } = makeSide({ timing: { handshakeMs: 300 } });
    const started = jabber.start().then(
      () => 'up',
      (fault: { code: string }) => fault.code,
    );
    const second = server.connection(1).then(() => 'again');
    second.catch(() => undefined); // no second connection comes when the outcome is another
    expect(await Promise.race([started, second])).toBe(outcome);
    expect(jabber.isUp()).toBe(outcome === 'up');
    expect(stream).toEqual(outcome === 'up' ? ['up'] : []);
  });

  test('a stop ends start with "stopping", in the handshake and in the pause', async () => {
    server = await startScripted(() => undefined);
    const first = makeSide();
    const handshaking = expect(first.jabber.start()).rejects.toMatchObject({ code: 'stopping' });
    await server.connection(0);
    await first.jabber.stop();
    await handshaking;
    await server.close();
    const second = makeSide({ timing: { backoffBaseMs: 60_000, backoffCapMs: 60_000 } });
    const pausing = expect(second.jabber.start()).rejects.toMatchObject({ code: 'stopping' });
    await until(() => second.logged().includes('component stream ended'));
    await second.jabber.stop();
    await pausing;
  });
});

describe('hostile bytes on a stream that is up: the stream is made anew, and the log keeps the payload to itself', () => {
  const secret = 'TOPSECRET';
  test.each<[string, string | Uint8Array, string]>([
    ['a document type', `<!DOCTYPE ${secret}>`, 'xml-forbidden'],
    ['a comment', `<!-- ${secret} -->`, 'xml-forbidden'],
    ['a processing instruction', `<?${secret}?>`, 'xml-forbidden'],
    ['an entity', `<message><body>&${secret};</body></message>`, 'xml-forbidden'],
    ['a forbidden reference', `<message><body>${secret}&#0;</body></message>`, 'xml-malformed'],
    ['tags that cross', `<message><${secret}></message>`, 'xml-malformed'],
    ['bad UTF-8', Buffer.concat([Buffer.from(`<message>${secret}`), Buffer.from([0xff, 0x3c])]), 'xml-malformed'],
    ['text between stanzas', `${secret}<`, 'xml-malformed'],
    ['a stream error', error('undefined-condition'), 'unavailable'],
    ['the end of the stream', '</stream:stream>', 'unavailable'],
    ['a conflict after the beginning', error('conflict'), 'stream-conflict'],
    ['a refusal after the beginning', error('not-authorized'), 'stream-refused'],
  ])('%s', async (_what, bytes, code) => {
    const { jabber, stream, logged, counts } = await up({}, async (connection, index) => {
      if (index > 0) return bounce(connection);
      await connection.expect('<ping'); // it is up
      connection.send(bytes);
    });
    await until(() => stream.length === 3, { what: logged });
    expect(stream).toEqual(['up', `down ${code}`, 'up']);
    expect(counts.get(`faults_total ${code}`)).toBe(1);
    expect(logged()).not.toContain(secret);
    await jabber.deliver(juliet, romeo, [envelopeOf('e1', 'hello')]);
  });
});

describe('stanzas that do not belong here: dropped and counted, the stream stays', () => {
  test.each<[string, string, string]>([
    ['no from', `<message to='romeo@ximss.test'><body>x</body></message>`, 'no-from'],
    ['an impossible from', `<message from='@@' to='romeo@ximss.test'><body>x</body></message>`, 'no-from'],
    ['no to', `<message from='juliet@jabber.test'><body>x</body></message>`, 'no-to'],
    ['a foreign to', `<message from='juliet@jabber.test' to='a@other.test'><body>x</body></message>`, 'foreign-to'],
    ['a domain that only ends like ours', `<message from='juliet@jabber.test' to='a@notximss.test'/>`, 'foreign-to'],
    ['from a ghost', `<message from='a@ximss.test' to='b@ximss.test'><body>x</body></message>`, 'from-ourselves'],
    [
      'an iq from a ghost',
      `<iq type='get' id='1' from='a@ximss.test' to='ximss.test'><ping xmlns='urn:xmpp:ping'/></iq>`,
      'from-ourselves',
    ],
    ['a presence of no known type', `<presence type='x' from='juliet@jabber.test' to='a@ximss.test'/>`, 'unknown-type'],
    ['a message with nothing in it', `<message from='juliet@jabber.test' to='a@ximss.test'/>`, 'nothing-to-relay'],
    [
      'an error to what is no ghost',
      `<message type='error' from='juliet@jabber.test' to='a\\20@ximss.test'/>`,
      'malformed-address',
    ],
  ])('%s', async (_what, stanza, reason) => {
    const { counts, events, jabber } = await up({}, async (connection) => {
      connection.send(stanza);
      await bounce(connection);
    });
    await until(() => counts.get(`faults_total ${reason}`) === 1);
    await jabber.deliver(juliet, romeo, [envelopeOf('last', 'x')]);
    const written = server?.connections[0]?.received() ?? '';
    expect(written.match(/<(message|presence|iq)/g)).toHaveLength(1 + (written.match(/<ping/g) ?? []).length);
    expect(events).toEqual([]);
    expect(server?.connections).toHaveLength(1);
  });

  test.each<[string, string]>([
    ['too large', `<body>${'x'.repeat(9000)}</body>`],
    ['too deep', '<a>'.repeat(100) + '</a>'.repeat(100)],
  ])('a message that is %s is refused by its id, and the next one is read', async (_what, inside) => {
    const { events } = await up({ stanzaBytes: 8000 }, async (connection) => {
      const to = `from='juliet@jabber.test/b' to='romeo@ximss.test'`;
      connection.send(`<message ${to} id='m1'>${inside}</message><message type='error' ${to}>${inside}</message>`);
      connection.send(`<message ${to} id='m2' type='chat'><body>fine</body></message>`);
      await bounce(connection);
    });
    await until(() => events.length === 1);
    expect(events[0]).toMatchObject({ event: { id: 'm2', body: 'fine' } });
    const connection = await server?.connection(0);
    await connection?.expect('policy-violation');
    expect(connection?.received()).toMatch(
      /<message type="error" id="m1" from="romeo@ximss.test" to="juliet@jabber.test\/b">/,
    );
    expect(connection?.received().match(/policy-violation/g)).toHaveLength(1);
  });
});

describe('life', () => {
  test('a server that does not answer the ping is left', async () => {
    const { stream } = await up({ timing: { pongMs: 100 } }, async (connection, index) => {
      if (index > 0) await bounce(connection);
    });
    await until(() => stream.length === 3);
    expect(stream).toEqual(['up', 'down timeout', 'up']);
  });

  test('silence is ended by a ping', async () => {
    const { jabber } = await up({ timing: { keepAliveMs: 30 } });
    const connection = await server?.connection(0);
    await until(() => (connection?.received().match(/<ping/g) ?? []).length >= 3);
    expect(jabber.isUp()).toBe(true);
  });

  test('a ping may go to a domain of the server, and any answer of that domain counts', async () => {
    const { jabber } = await up({ serverDomain: 'jabber.test' }, async (connection) => {
      let done = 0;
      await until(
        () => {
          const ids = [
            ...connection.received().matchAll(/<iq type="get" id="([^"]+)" from="ximss.test" to="jabber.test">/g),
          ];
          for (const [, id] of ids.slice(done))
            connection.send(`<iq type='error' id='${id}' from='jabber.test' to='ximss.test'/>`);
          done = ids.length;
          return !connection.isOpen();
        },
        { deadlineMs: 20_000 },
      );
    });
    await jabber.deliver(juliet, romeo, [envelopeOf('e1', 'hello')]);
  });

  test('many deliveries share few pings, and each waits for its own', async () => {
    const { jabber } = await up();
    await Promise.all(Array.from({ length: 500 }, (_, i) => jabber.deliver(juliet, romeo, [envelopeOf(`e${i}`, 'x')])));
    const received = (await server?.connection(0))?.received() ?? '';
    expect(received.match(/<message /g)).toHaveLength(500);
    expect((received.match(/<ping/g) ?? []).length).toBeLessThan(10);
    expect(received.lastIndexOf('<ping')).toBeGreaterThan(received.lastIndexOf('<message'));
  });

  test('what is in flight when the stream goes down is rejected as unavailable', async () => {
    const { jabber, stream } = await up({}, async (connection, index) => {
      if (index > 0) return bounce(connection);
      await connection.expect('id="e1"');
      connection.destroy();
    });
    await expect(jabber.deliver(juliet, romeo, [envelopeOf('e1', 'x')])).rejects.toMatchObject({ code: 'unavailable' });
    await until(() => stream.length === 3);
  });

  test('offline nothing throws: deliver rejects, tell and probe say no, rosters are not allowed', async () => {
    server = await startScripted(() => undefined);
    const { jabber } = makeSide();
    await expect(jabber.deliver(juliet, romeo, [envelopeOf('e1', 'x')])).rejects.toMatchObject({ code: 'unavailable' });
    expect(jabber.sendNow(juliet, romeo, { kind: 'chatState', state: 'active' })).toBe(false);
    expect(jabber.probe(juliet, romeo)).toBe(false);
    await expect(jabber.readRoster(juliet, new AbortController().signal)).rejects.toMatchObject({
      code: 'not-allowed',
    });
  });

  test('a server that takes nothing is given a bounded amount', async () => {
    const { jabber } = await up({ timing: { closeMs: 100 } }, (connection) => connection.pause());
    const big = { kind: 'verb', verb: 'subscribe', status: null } as const;
    const message = envelopeOf('big', 'x'.repeat(200_000)).event;
    let taken = 0;
    while (jabber.sendNow(juliet, romeo, message) && taken < 1000) {
      taken += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(taken).toBeLessThan(200);
    expect(jabber.isUp()).toBe(true);
    expect(jabber.sendNow(juliet, romeo, big)).toBe(true);
  });

  test('stop writes what is waiting, says goodbye, and resolves although the server does not', async () => {
    const { jabber, stream } = await up({ timing: { closeMs: 100 } });
    jabber.sendNow(juliet, romeo, { kind: 'presence', show: 'offline', status: null, avatarHash: null });
    await Promise.all([jabber.stop(), jabber.stop()]);
    const connection = await server?.connection(0);
    await connection?.expect('</stream:stream>');
    expect(connection?.received()).toMatch(/type="unavailable"\/><\/stream:stream>$/);
    expect(stream).toEqual(['up', 'down stopping']);
    expect(server?.connections).toHaveLength(1);
  });

  test('what the server had written before it read our goodbye is still taken', async () => {
    const chat = `<message from='juliet@jabber.test/r' to='romeo@ximss.test' type='chat'><body>late</body></message>`;
    const { jabber, events, stream } = await up({ timing: { closeMs: 200 } });
    const connection = await server?.connection(0);
    const stopping = jabber.stop();
    connection?.send(`${chat}${chat}`);
    await stopping;
    expect(events.map(({ event }) => event.kind)).toEqual(['message', 'message']);
    expect(stream).toEqual(['up', 'down stopping']);
  });

  test('the socket is not ended with the goodbye: a server that drops what it has still to say then may say it', async () => {
    const chat = `<message from='juliet@jabber.test/r' to='romeo@ximss.test' type='chat'><body>late</body></message>`;
    const { jabber, events } = await up();
    const connection = await server?.connection(0);
    const stopping = jabber.stop();
    await connection?.expect('</stream:stream>');
    connection?.send(`${chat}</stream:stream>`);
    await stopping;
    expect(events.map(({ event }) => event.kind)).toEqual(['message']);
  });

  test('xmpps: the certificate is checked', async () => {
    const { ca, cert, key } = testCertificate();
    const tls = createTlsServer({ cert, key }, (socket) => {
      socket.on('error', () => undefined);
      let seen = '';
      socket.on('data', (bytes: Buffer) => {
        const isFirst = seen === '';
        seen += bytes.toString();
        if (isFirst) socket.write(HEADER);
        else if (bytes.includes('</handshake>')) socket.write('<handshake/>');
      });
    });
    tls.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve));
    const service = `xmpps://localhost:${(tls.address() as AddressInfo).port}`; // a TCP server's address is an object
    const trusting = makeSide({ service, ca });
    await trusting.jabber.start();
    await trusting.jabber.stop();
    const wary = makeSide({ service });
    const started = wary.jabber.start();
    started.catch(() => undefined); // ended by afterEach
    await until(() => wary.logged().includes('component stream ended'));
    expect(wary.jabber.isUp()).toBe(false);
    await wary.jabber.stop();
    await new Promise((resolve) => tls.close(resolve));
  });
});
