/** Messages of the test server: delivered, stored, in both formats, chat states. */
import { alice, bob, boot, down, loggedIn, server } from './tcp/harness';

afterEach(down);

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
