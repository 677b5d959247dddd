/** A stream that is ready before it is wanted, and one that is given to another process. */
import { envelopeOf, type JabberSide } from '../../support/jabber-side';
import { until } from '../../support/wait';
import { bounce, streamHeader, welcome, type ScriptedConnection } from '../scripted-server';
import { juliet, makeSide, playServer, romeo, server, streamError } from '../stream-scene';

const message = (id: string): string =>
  `<message from='juliet@jabber.test/a' to='romeo@ximss.jabber.test' id='${id}' type='chat'><body>hello</body></message>`;
const idsOf = ({ events }: JabberSide): unknown[] => events.map(({ event }) => 'id' in event && event.id);

/** Answers what is asked of the server: its software, and that the rest is not there. */
async function answerAs(connection: ScriptedConnection, software: string): Promise<void> {
  void bounce(connection);
  let answered = 0;
  await until(
    () => {
      const asked = [...connection.received().matchAll(/<iq [^>]*id="([^"]*)"[^>]*><query xmlns="([^"]*)"\/><\/iq>/g)];
      for (const [, id, xmlns] of asked.slice(answered)) {
        const query = `<query xmlns='${xmlns}'><name>${software}</name></query>`;
        connection.send(`<iq type='result' id='${id}' from='jabber.test' to='ximss.jabber.test'>${query}</iq>`);
      }
      answered = asked.length;
      return !connection.isOpen();
    },
    { deadlineMs: 25_000, everyMs: 2 },
  );
}

const options = { serverDomain: null, domain: 'ximss.jabber.test', timing: { closeMs: 500 } } as const;

describe('prepared', () => {
  test('the handshake is withheld, and sent on the same connection by start', async () => {
    await playServer(async (connection) => {
      await connection.expect('<stream:stream');
      connection.send(streamHeader);
      await connection.expect('<handshake>');
      connection.send('<handshake/>');
      await bounce(connection);
    });
    const { jabber } = makeSide({ timing: { handshakeMs: 50 } });
    jabber.prepare();
    await until(() => jabber.isPrepared());
    const first = await server?.connection(0);
    // longer than a handshake may take: the phase has no deadline yet
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(first?.received()).not.toContain('<handshake>');
    await jabber.start();
    expect(server?.connections).toHaveLength(1);
    expect(jabber.isUp()).toBe(true);
  });

  test('a server that ends a stream without a handshake is connected to again', async () => {
    await playServer(async (connection, index) => {
      await connection.expect('<stream:stream');
      connection.send(streamHeader);
      if (index < 2) return connection.end();
      await connection.expect('<handshake>');
      connection.send('<handshake/>');
      await bounce(connection);
    });
    const { jabber } = makeSide();
    jabber.prepare();
    await until(() => server?.connections.length === 3 && jabber.isPrepared());
    await jabber.start();
    expect(server?.connections).toHaveLength(3);
  });

  test('one that ends in the moment of the handshake is replaced without a pause', async () => {
    await playServer(async (connection, index) => {
      await connection.expect('<stream:stream');
      connection.send(streamHeader);
      await connection.expect('<handshake>');
      if (index === 0) return connection.end();
      connection.send('<handshake/>');
      await bounce(connection);
    });
    const { jabber } = makeSide({ timing: { retryMs: 60_000 } });
    jabber.prepare();
    await until(() => jabber.isPrepared());
    await jabber.start();
    expect(server?.connections).toHaveLength(2);
  });

  test('stop ends what is prepared', async () => {
    await playServer(async (connection) => {
      await connection.expect('<stream:stream');
      connection.send(streamHeader);
    });
    const { jabber } = makeSide();
    jabber.prepare();
    await until(() => jabber.isPrepared());
    await jabber.stop();
    expect(jabber.isPrepared()).toBe(false);
  });

  test('a refusal is found when the stream is wanted', async () => {
    await playServer(async (connection) => {
      await connection.expect('<stream:stream');
      connection.send(streamHeader + streamError('host-unknown'));
    });
    const { jabber } = makeSide();
    jabber.prepare();
    await until(() => (server?.connections.length ?? 0) > 1);
    await expect(jabber.start()).rejects.toMatchObject({ code: 'stream-refused' });
  });
});

describe('given away', () => {
  test('Prosody: the other process is called when all is proved, and what comes before the conflict is read', async () => {
    await playServer(async (connection) => {
      await welcome(connection);
      await answerAs(connection, 'Prosody');
    });
    const side = makeSide(options);
    await side.jabber.start();
    const connection = await server?.connection(0);
    const unwritten = await side.jabber.giveAway(() => {
      connection?.send(message('last') + streamError('conflict'));
    });
    expect(idsOf(side)).toEqual(['last']);
    expect(side.stream).toEqual(['up', 'down stopping']);
    expect(connection?.received()).not.toContain('</stream:stream>');
    expect(unwritten).toEqual([]);
  });

  test('another server: this stream ends first, and the other process is called then', async () => {
    const order: string[] = [];
    await playServer(async (connection) => {
      await welcome(connection);
      void answerAs(connection, 'ejabberd');
      await connection.expect('</stream:stream>');
      order.push('closed');
      connection.send(`${message('last')}</stream:stream>`);
    });
    const side = makeSide(options);
    await side.jabber.start();
    await side.jabber.giveAway(() => order.push(`go after ${String(idsOf(side)[0])}`));
    expect(order).toEqual(['closed', 'go after last']);
  });

  test('what would have been written is kept for the other process; a delivery is not', async () => {
    await playServer(async (connection) => {
      await welcome(connection);
      await answerAs(connection, 'Prosody');
    });
    const side = makeSide(options);
    await side.jabber.start();
    const connection = await server?.connection(0);
    let delivery: unknown;
    const unwritten = await side.jabber.giveAway(() => {
      side.jabber.sendNow(juliet, romeo, { kind: 'verb', verb: 'subscribed', status: null });
      delivery = side.jabber.deliver(juliet, romeo, [envelopeOf('e1', 'hello')]).catch((fault: unknown) => fault);
      connection?.send(streamError('conflict'));
    });
    expect(unwritten).toEqual([expect.stringContaining('type="subscribed"')]);
    expect(await delivery).toMatchObject({ code: 'unavailable' });
    expect(connection?.received()).not.toContain('subscribed');
  });

  test('a server that does not end the stream for the other is said goodbye to', async () => {
    await playServer(async (connection) => {
      await welcome(connection);
      void answerAs(connection, 'Prosody');
      await connection.expect('</stream:stream>');
      connection.send(`${message('last')}</stream:stream>`);
    });
    const side = makeSide({ ...options, timing: { closeMs: 100, takenMs: 50 } });
    await side.jabber.start();
    await side.jabber.giveAway(() => undefined);
    expect(idsOf(side)).toEqual(['last']);
  });

  test('a stream that is down is given away at once', async () => {
    const side = makeSide({ ...options, service: 'xmpp://127.0.0.1:9' });
    const started = side.jabber.start().catch((fault: { code: string }) => fault.code);
    let isCalled = false;
    await side.jabber.giveAway(() => (isCalled = true));
    expect(isCalled).toBe(true);
    expect(await started).toBe('stopping');
  });
});
