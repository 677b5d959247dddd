/** One connection: handshake transcripts, hostile bytes, what is written, the end. */
import { envelopeOf } from '../../support/jabber-side';
import { until } from '../../support/wait';
import { bounce, handshakeText, streamHeader } from '../scripted-server';
import { romeo, juliet, streamError, playServer, server, makeSide, up } from '../stream-scene';

describe('the handshake: what the server says, and what comes of it', () => {
  test.each<[string, string[], string]>([
    ['the right answer', [streamHeader, '<handshake/>'], 'up'],
    ['the right answer in another form', [streamHeader, '<handshake></handshake>'], 'up'],
    [
      'a privilege before the answer',
      [streamHeader, `<message from='jabber.test' to='ximss.test'/><handshake/>`],
      'up',
    ],
    ['a wrong secret', [streamHeader, streamError('not-authorized')], 'stream-refused'],
    ['an unknown domain', [streamHeader, streamError('host-unknown')], 'stream-refused'],
    [
      'an unknown domain in a header without id',
      [streamHeader.replace(`id='abc'`, '') + streamError('host-unknown')],
      'stream-refused',
    ],
    ['a wrong namespace', [streamHeader, streamError('invalid-namespace')], 'stream-refused'],
    ['somebody is there already', [streamHeader, streamError('conflict')], 'stream-conflict'],
    ['a passing trouble', [streamHeader, streamError('system-shutdown')], 'again'],
    ['an error without a condition', [streamHeader, '<stream:error/>'], 'again'],
    ['an empty id and silence', [streamHeader.replace(`id='abc'`, `id=''`)], 'again'],
    ['silence from the beginning', [], 'again'],
    ['silence after the header', [streamHeader], 'again'],
    ['another answer', [streamHeader, '<proceed/>'], 'again'],
    ['half a header', [streamHeader.slice(0, 60), 'END'], 'again'],
    ['the end instead of an answer', [streamHeader, '</stream:stream>'], 'again'],
    ['another protocol', ['HTTP/1.1 400 Bad Request\r\n\r\n'], 'again'],
    ['another root', ['<html>'], 'again'],
    ['a document type', [`<!DOCTYPE x>${streamHeader}`], 'again'],
    ['a header that never ends', [`<stream:stream a='${'x'.repeat(300_000)}`], 'again'],
  ])('%s', async (_what, script, outcome) => {
    const server = await playServer(async (connection, index) => {
      if (index > 0) return;
      await connection.expect('<stream:stream');
      for (const [step, text] of script.entries()) {
        if (step === 1 && text !== 'END') await connection.expect(handshakeText);
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
    const server = await playServer(() => undefined);
    const first = makeSide();
    const handshaking = expect(first.jabber.start()).rejects.toMatchObject({ code: 'stopping' });
    await server.connection(0);
    await first.jabber.stop();
    await handshaking;
    await server.close();
    const second = makeSide({ timing: { retryMs: 60_000 } });
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
    ['a stream error', streamError('undefined-condition'), 'unavailable'],
    ['the end of the stream', '</stream:stream>', 'unavailable'],
    ['a conflict after the beginning', streamError('conflict'), 'stream-conflict'],
    ['a refusal after the beginning', streamError('not-authorized'), 'stream-refused'],
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

describe('what is written, and the end', () => {
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
});
