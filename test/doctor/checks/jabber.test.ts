/** The component stream on a scripted server: what is probed, and that nothing is beside a running bridge. */
import { probeComponent } from '../../../src/doctor/checks/component-probe';
import { startListener } from '../../../src/ops/http/listener';
import { systemClock } from '../../../src/ops/clock';
import { makeMetrics } from '../../../src/ops/metrics';
import { silentLog } from '../../support/silence';
import { streamHeader, startScripted, type ScriptedConnection } from '../../xmpp/scripted-server';
import { configOf } from '../support';
import { rows } from './printed';

const never = new AbortController().signal;

describe('the component stream', () => {
  const online = async (connection: ScriptedConnection): Promise<string> => {
    await connection.expect('<stream:stream');
    connection.send(streamHeader);
    await connection.expect('</handshake>');
    connection.send('<handshake/>');
    await connection.expect('urn:xmpp:ping');
    return /id="([^"]+)"/.exec(connection.received().slice(connection.received().indexOf('<iq')))?.[1] ?? '';
  };
  const look = async (play: (connection: ScriptedConnection) => Promise<void>, allow = true) => {
    const server = await startScripted(play);
    const config = configOf({ BRIDGE_XMPP_SERVICE: server.service, BRIDGE_XMPP_SECRET: 'test-secret' });
    try {
      const result = await probeComponent(config.xmpp, systemClock, allow ? never : AbortSignal.timeout(100));
      return { result, server };
    } finally {
      await server.close();
    }
  };

  test('what is told before and after the handshake is seen, who writes meanwhile is answered', async () => {
    const { result, server } = await look(async (connection) => {
      const id = await online(connection);
      const advert = (host: string, xmlns: string, type: string): string =>
        `<message from='${host}' to='ximss.test'><privilege xmlns='${xmlns}'><perm access='roster' type='${type}'/></privilege></message>`;
      connection.send(
        advert('a.test', 'urn:xmpp:privilege:1', 'get') + advert('b.test', 'urn:xmpp:privilege:2', 'both'),
      );
      connection.send(`<message from='u@a.test/x' to='romeo@ximss.test' id='m1' type='chat'><body>hi</body></message>`);
      connection.send(`<message from='u@a.test/x' to='romeo@ximss.test' id='m2' type='error'/>`);
      connection.send(`<presence from='u@a.test/x' to='ximss.test'/>`);
      connection.send(`<iq from='u@a.test/x' to='muc.test' id='i1' type='get'><x xmlns='y'/></iq>`);
      connection.send(`<iq from='ximss.test' to='ximss.test' id='${id}' type='get'><ping xmlns='urn:xmpp:ping'/></iq>`);
      await connection.expect('jabber:iq:version');
      const version = /id="([^"]+)"[^>]*><query/.exec(connection.received())?.[1] ?? '';
      const query = `<query xmlns='jabber:iq:version'><name>ejabberd</name><version>23.01</version></query>`;
      connection.send(`<iq from='a.test' to='ximss.test' id='${version}' type='result'>${query}</iq>`);
    });
    expect(result).toMatchObject({
      isAccepted: true,
      end: null,
      echo: 'returned',
      software: 'ejabberd 23.01',
      foreign: ['muc.test'],
    });
    expect([...result.grants]).toEqual([['a.test', ['roster=get']], ['b.test', ['roster=both']]]); // prettier-ignore
    const written = server.connections[0]?.received() ?? '';
    expect(written).toMatch(
      /<message type="error" id="m1" from="romeo@ximss\.test" to="u@a\.test\/x"><error type="wait">/,
    );
    expect(written).not.toMatch(/m2|i1|<presence/);
    expect(written).toMatch(/<\/stream:stream>$/);
  });

  test('a ping that is refused', async () => {
    const { result } = await look(async (connection) => {
      const id = await online(connection);
      const error = `<error type='cancel'><remote-server-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`;
      connection.send(`<iq from='ximss.test' to='ximss.test' id='${id}' type='error'>${error}</iq>`);
    });
    expect(result.echo).toEqual({ condition: 'remote-server-not-found' });
  });

  test("a refusal, a conflict after the handshake, and the doctor's own impatience", async () => {
    const error = (name: string): string =>
      `<stream:error><${name} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>`;
    const refused = await look(async (connection) => {
      await connection.expect('<stream:stream');
      connection.send(streamHeader + error('not-authorized'));
    });
    expect(refused.result).toMatchObject({
      isAccepted: false,
      end: { code: 'stream-refused', cause: 'not-authorized' },
    });
    const kicked = await look(async (connection) => {
      await online(connection);
      connection.send(error('conflict'));
    });
    expect(kicked.result).toMatchObject({ isAccepted: true, end: { code: 'stream-conflict' }, echo: 'silence' });
    const late = await look(async (connection) => connection.expect('<stream:stream'), false);
    expect(late.result).toMatchObject({ isAccepted: false, end: { code: 'timeout' } });
  });

  test('beside a bridge that is connected nobody connects', async () => {
    const server = await startScripted(() => undefined);
    const admin = await startListener({
      listen: { host: '127.0.0.1', port: 0 },
      token: null,
      metrics: makeMetrics({ process: false }),
      ready: () => ({ stream: true, standsBy: false, redis: true, ximss: { links: 0, online: 0, reason: null } }),
      log: silentLog,
    });
    const env = { BRIDGE_XMPP_SERVICE: server.service, BRIDGE_HTTP_LISTEN: `127.0.0.1:${admin.port}` };
    const { text } = await rows(env);
    expect(text).toMatch(/^ok \| component secret \| the running bridge is connected as ximss\.test$/m);
    expect(text).toMatch(/^skip \| own domain .*a running one proves it/m);
    expect(text).toMatch(/^skip \| roster rights \| looked at only while no bridge runs$/m);
    expect(server.connections.map((connection) => connection.received())).toEqual(['']); // only the port was tried
    await admin.stop();
    await server.close();
  });
});
