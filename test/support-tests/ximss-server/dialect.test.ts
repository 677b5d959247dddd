/** The other readings of the protocol, which the test server can be switched to. */
import type { Dialect } from '../../support/ximss-server/server';
import { alice, bob, makeHarness, password } from './harness';

const { boot, dial, loggedIn, down } = makeHarness();
afterEach(down);

describe('other readings', () => {
  const plain = Buffer.from(`\0${alice}\0${password}`).toString('base64');
  const cases: [string, Partial<Dialect>, string, RegExp][] = [
    [
      'no method-less login',
      { methodless: false },
      `<login id="1" authData="${alice}" password="x"/>`,
      /method is not/,
    ],
    ['PLAIN as an answer', { plainIn: 'auth' }, '<login id="1" method="PLAIN"/>', /^<challenge id="1" value=""\/>$/],
    ['PLAIN in authData', {}, `<login id="1" method="PLAIN" authData="${plain}"/>`, /^<session/],
    [
      'a response for each step',
      { loginResponses: 'two' },
      '<login id="1" method="CRAM-MD5"/>',
      /^<response id="1"\/>$/,
    ],
  ];
  test.each(cases)('%s', async (_what, dialect, request, expected) => {
    await boot({ dialect });
    const client = await dial();
    client.send(request);
    expect(await client.until(expected)).toMatch(expected);
  });

  test('version on a TCP login is honoured only in its dialect, else recorded', async () => {
    for (const tcpLoginVersion of [false, true]) {
      const server = await boot({ dialect: { tcpLoginVersion } });
      const client = await dial();
      await client.ask(`<login id="1" authData="${alice}" password="${password}" version="6.2"/>`);
      expect(server.sessions()[0]?.version).toBe(tcpLoginVersion ? '6.2' : null);
      expect(server.strict.violations).toHaveLength(tcpLoginVersion ? 0 : 1);
      await down();
    }
  });

  test.each([
    ['from6.2', '6.1', false],
    ['from6.2', '6.2', true],
    ['from6.2', '6.10', true],
    ['from6.2', '5.15', false],
    ['anyVersion', '6.1', true],
    ['never', '6.3', false],
  ] as const)('format B %s with version %s: %s', async (formatB, version, expected) => {
    const server = await boot({ dialect: { formatB, tcpLoginVersion: true } });
    const client = await dial();
    await client.ask(`<login id="1" authData="${alice}" password="${password}" version="${version}"/>`);
    await client.ask('<signalBind id="2"/>');
    server.client(bob).sendIM(alice, 'x');
    expect((await client.until(/readIM/)).includes('<body>')).toBe(expected);
  });

  test.each([
    ['refuse', ['<response id="b" errorText="clientID is in use" errorNum="566"/>'], 1],
    ['unbindOld', ['<response id="b"/>'], 1],
    ['coexist', ['<response id="b"/>'], 2],
  ] as const)('same clientID twice: %s', async (sameClientID, answer, boundCount) => {
    const server = await boot({ dialect: { sameClientID } });
    await loggedIn();
    const second = await loggedIn(alice, false);
    expect(await second.ask('<signalBind id="b" clientID="wire" presence="yes" readIM="1"/>')).toEqual(answer);
    expect(server.sessions().filter((session) => session.isBound)).toHaveLength(boundCount);
  });

  test('a bare bind may give nothing', async () => {
    const server = await boot({ dialect: { bareBind: { readIM: false, presence: false } } });
    const client = await loggedIn(alice, false);
    await client.ask('<signalBind id="1"/>');
    server.client(bob).sendIM(alice, 'x');
    expect(server.account(alice).offline).toHaveLength(1);
  });

  test('an unknown peer may be reported by message', async () => {
    await boot({ dialect: { unknownPeer: 'report' } });
    const client = await loggedIn();
    expect(await client.ask('<sendIM id="1" peer="no@x.dom" iqid="m1">a</sendIM>')).toEqual(['<response id="1"/>']);
    expect(await client.until(/readIM/)).toContain('peer="no@x.dom" type="error" iqid="m1"');
  });

  test('stored messages may follow the response, without gmtTime or iqid', async () => {
    const server = await boot({ dialect: { offlineDelivery: 'afterResponse', gmtTime: false, iqid: 'none' } });
    server.client(bob).sendIM(alice, 'x');
    const client = await loggedIn(alice, false);
    expect(await client.ask('<signalBind id="1"/>')).toEqual(['<response id="1"/>']);
    expect(await client.until(/readIM/)).toBe(
      `<readIM peer="${bob}" peerName="Bob" type="chat" clientID="inside">x</readIM>`,
    );
  });

  test('clientID may name the recipient', async () => {
    const server = await boot({ dialect: { sendIMClientID: 'recipient' } });
    const one = server.client(bob, 'one');
    const two = server.client(bob, 'two');
    await (await loggedIn()).ask(`<sendIM id="1" peer="${bob}" clientID="two">x</sendIM>`);
    expect([one.of('im').length, two.of('im').length]).toEqual([0, 1]);
  });

  test('remote domains may be accepted', async () => {
    await boot({ remoteDomains: 'accept' });
    const client = await loggedIn();
    expect(await client.ask('<sendIM id="1" peer="a@far.dom">x</sendIM>')).toEqual(['<response id="1"/>']);
    await client.ask('<presenceSet id="2" peer="a@far.dom" type="subscribe"/>');
    expect((await client.ask('<rosterList id="3"/>'))[0]).toContain('ask="subscribe"');
  });
});
