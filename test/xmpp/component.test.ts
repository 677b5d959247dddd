/** The component as a whole: stanzas that do not belong here, deliveries and their proof, being offline. */
import { envelopeOf } from '../support/jabber-side';
import { until } from '../support/wait';
import { bounce } from './scripted-server';
import { playServer, romeo, juliet, server, makeSide, up } from './stream-scene';

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

describe('delivery and its proof', () => {
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
            ...connection
              .received()
              .matchAll(/<iq type="get" id="([^"]+)" from="ximss.test" to="jabber.test\/barrier">/g),
          ];
          for (const [, id] of ids.slice(done))
            connection.send(`<iq type='error' id='${id}' from='jabber.test/barrier' to='ximss.test'/>`);
          done = ids.length;
          return !connection.isOpen();
        },
        { deadlineMs: 20_000 },
      );
    });
    await jabber.deliver(juliet, romeo, [envelopeOf('e1', 'hello')]);
  });

  // ejabberd 24.12 with mod_privilege drops a component's requests to addresses without a resource
  test('no ping goes to an address without a resource', async () => {
    const { jabber } = await up();
    await jabber.deliver(juliet, romeo, [envelopeOf('e1', 'hello')]);
    const received = (await server?.connection(0))?.received() ?? '';
    const targets = [...received.matchAll(/<iq [^>]* to="([^"]+)"><ping/g)].map(([, to]) => to);
    expect([...new Set(targets)]).toEqual(['ximss.test/barrier']);
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
    await playServer(() => undefined);
    const { jabber } = makeSide();
    await expect(jabber.deliver(juliet, romeo, [envelopeOf('e1', 'x')])).rejects.toMatchObject({ code: 'unavailable' });
    expect(jabber.sendNow(juliet, romeo, { kind: 'chatState', state: 'active' })).toBe(false);
    expect(jabber.probe(juliet, romeo)).toBe(false);
    await expect(jabber.readRoster(juliet, new AbortController().signal)).rejects.toMatchObject({
      code: 'not-allowed',
    });
  });
});
