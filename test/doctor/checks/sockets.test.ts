/** What the doctor looks at, on real sockets: HTTP address, Redis, component stream, TLS of the far server, logins. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { doctorChecks } from '../../../src/doctor';
import { probeComponent } from '../../../src/doctor/checks/component-probe';
import { checkRedis } from '../../../src/doctor/checks/redis';
import { whoListens } from '../../../src/doctor/checks/running-bridge';
import { startListener } from '../../../src/ops/http/listener';
import { systemClock } from '../../../src/ops/clock';
import { runChecks } from '../../../src/doctor/runner';
import { makeMetrics } from '../../../src/ops/metrics';
import { freePort } from '../../support/ports';
import { startRedis } from '../../support/servers/redis';
import { silentLog } from '../../support/silence';
import { makeTempDir, removeTempDir } from '../../support/temp';
import { startXimssServer } from '../../support/ximss-server/server';
import { HEADER, startScripted, type ScriptedConnection } from '../../xmpp/scripted-server';
import { accounts, caFile, configOf } from '../support';
import { testCertificate } from '../../support/cert';

const never = new AbortController().signal;
let dir = '';
beforeEach(() => {
  dir = makeTempDir('doctor');
});
afterEach(() => removeTempDir(dir));

/** All rows for a configuration, as printed. */
async function rows(
  env: Record<string, string>,
  wishes = { accounts: false },
): Promise<{ held: boolean; text: string }> {
  const config = configOf({ BRIDGE_DATA_DIR: dir, BRIDGE_HTTP_LISTEN: `127.0.0.1:${await freePort()}`, ...env });
  const lines: string[] = [];
  const checks = doctorChecks(config, silentLog, wishes);
  const held = await runChecks({ checks, print: (line) => void lines.push(line.replace(/ {2,}/g, ' | ')) });
  return { held, text: lines.join('\n') };
}

describe('http.listen', () => {
  const listening = (answer: string): Promise<Server> =>
    new Promise((resolve) => {
      const server = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.resume();
        socket.end(answer);
      });
      server.listen(0, '127.0.0.1', () => resolve(server));
    });
  const portOf = (server: Server): number => {
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  };

  test('a bridge', async () => {
    const admin = await startListener({
      listen: { host: '127.0.0.1', port: 0 },
      token: 'secret',
      metrics: makeMetrics({ process: false }),
      ready: () => ({ stream: true, redis: false }),
      log: silentLog,
    });
    expect(await whoListens(`127.0.0.1:${admin.port}`, never)).toEqual({
      kind: 'bridge',
      isStreamUp: true,
      isRedisUp: false,
    });
    expect(await whoListens(`0.0.0.0:${admin.port}`, never)).toMatchObject({ kind: 'bridge' });
    await admin.stop();
    expect(await whoListens(`127.0.0.1:${admin.port}`, never)).toEqual({ kind: 'none' });
  });

  test.each(['', 'SSH-2.0-x\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'])(
    'another program: %j',
    async (answer) => {
      const server = await listening(answer);
      expect(await whoListens(`127.0.0.1:${portOf(server)}`, never)).toEqual({ kind: 'other' });
      await new Promise((resolve) => server.close(resolve));
    },
  );
});

describe('Redis', () => {
  test('each wrong setting is named with what to type; nothing is written; a held lease is seen', async () => {
    const redis = await startRedis({ appendonly: false, maxmemoryPolicy: 'allkeys-lru', password: 'redis-pw' });
    try {
      const config = configOf({ BRIDGE_REDIS_URL: redis.url });
      const bad = await checkRedis(config, systemClock);
      expect(bad.result).toMatchObject({ ok: false });
      expect(bad.result.advice).toMatch(/CONFIG SET appendonly yes\.\n.*CONFIG SET maxmemory-policy noeviction/);
      expect(JSON.stringify(bad)).not.toContain('redis-pw');
      await redis.cli('config', 'set', 'appendonly', 'yes');
      await redis.cli('config', 'set', 'maxmemory-policy', 'noeviction');
      expect(await checkRedis(config, systemClock)).toMatchObject({ isLed: false, result: { ok: true } });
      expect((await redis.cli('dbsize')).trim()).toBe('0');
      await redis.cli('set', 'bridge:lease', 'x', 'px', '60000');
      expect((await checkRedis(config, systemClock)).isLed).toBe(true);
      const wrong = await checkRedis(
        configOf({ BRIDGE_REDIS_URL: redis.url.replace('redis-pw', 'nope-pw') }),
        systemClock,
      );
      expect(wrong.result).toMatchObject({ ok: false });
      expect(wrong.result.detail).toMatch(/WRONGPASS/);
      expect(JSON.stringify(wrong)).not.toContain('nope-pw');
    } finally {
      await redis.dispose();
    }
  });

  test('none there', async () => {
    const { result } = await checkRedis(
      configOf({ BRIDGE_REDIS_URL: `redis://127.0.0.1:${await freePort()}` }),
      systemClock,
    );
    expect(result.ok).toBe(false);
    expect(result.detail).toMatch(/cannot be used: .*ECONNREFUSED/);
    expect(result.advice).toContain('systemctl start redis-server');
  });

  test('a private one that is not running is not started', async () => {
    const { result } = await checkRedis(configOf({ BRIDGE_DATA_DIR: join(dir, 'data') }), systemClock);
    expect(result).toMatchObject({ ok: true });
    expect(result.detail).toMatch(/redis-server \d+\.\d+\.\d+ is started with the bridge/);
    writeFileSync(join(dir, 'file'), '');
    const inFile = await checkRedis(configOf({ BRIDGE_DATA_DIR: join(dir, 'file') }), systemClock);
    expect(inFile.result).toMatchObject({ ok: false, detail: expect.stringContaining('is no directory') as string });
  });
});

describe('the component stream', () => {
  const online = async (connection: ScriptedConnection): Promise<string> => {
    await connection.expect('<stream:stream');
    connection.send(HEADER);
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
      connection.send(HEADER + error('not-authorized'));
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
      ready: () => ({ stream: true, redis: true }),
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

describe('the far server', () => {
  test('every wire with a good certificate; every account logs in', async () => {
    const server = await startXimssServer({ accounts, tls: testCertificate() });
    const ca = { BRIDGE_XIMSS_CA_FILE: caFile(dir) };
    const entries = accounts.map(({ account, password }, at) => ({ jid: `u${at}@jabber.test`, account, password }));
    const wires: [string, RegExp][] = [
      [
        `ximss://localhost:${server.tcpPort}`,
        /ok \| XIMSS encryption \| TLSv1\.3, certificate accepted for localhost, issued by test authority/,
      ],
      [
        `ximss+tls://127.0.0.1:${server.tlsPort}`,
        /ok \| XIMSS encryption \| TLSv1\.3, certificate accepted for 127\.0\.0\.1/,
      ],
      [`https://localhost:${server.httpsPort}`, /ok \| XIMSS encryption \| TLSv1\.3/],
      [
        `http://127.0.0.1:${server.httpPort}`,
        /ok \| XIMSS encryption \| http:\/\/ is not encrypted; 127\.0\.0\.1 is this machine/,
      ],
    ];
    for (const [url, encryption] of wires) {
      const env = {
        ...ca,
        BRIDGE_XIMSS_SERVER: url,
        BRIDGE_XIMSS_STARTTLS: 'required',
        BRIDGE_ACCOUNTS: JSON.stringify(entries),
      };
      const { text } = await rows(env, { accounts: true });
      expect(text).toMatch(encryption);
      expect(text).toMatch(/ok \| XIMSS features \| example\.net: login by PLAIN CRAM-MD5 DIGEST-MD5; sign-up on/);
      expect(text).toMatch(
        /ok \| login juliet@example\.net \| for u0@jabber\.test, server version 6\.3\.17\nok \| login romeo@example\.net/,
      );
      expect(text).toMatch(/ok \| clocks \| the clocks of both machines agree/);
      for (const { password } of accounts) expect(text).not.toContain(password);
    }
    expect(server.sessions()).toEqual([]);
    await server.stop();
  });

  test('accounts are left alone unless asked for; a wrong password is told by its place', async () => {
    const server = await startXimssServer({ accounts });
    const entries = [{ jid: 'u@jabber.test', account: 'romeo@example.net', password: 'not-his-pw' }];
    const env = {
      BRIDGE_XIMSS_SERVER: `ximss://127.0.0.1:${server.tcpPort}`,
      BRIDGE_ACCOUNTS: JSON.stringify(entries),
    };
    expect((await rows(env)).text).toMatch(
      /^skip \| account logins \| 1 in the configuration; tried only with --accounts$/m,
    );
    expect(server.log.list().some(({ xml }) => xml.includes('<login'))).toBe(false);
    const { text, held } = await rows(env, { accounts: true });
    expect(held).toBe(false);
    expect(text).toMatch(/^FAIL \| login romeo@example\.net .*incorrect password\n.*accounts\.0\.password/m);
    expect(text).toMatch(/^skip \| clocks/m);
    expect(text).not.toContain('not-his-pw');
    await server.stop();
  });

  test('certificates that are no good: unknown, self-signed, of another name', async () => {
    const openssl = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
    ];
    const names = [
      '-subj',
      '/CN=other.test',
      '-addext',
      'subjectAltName=DNS:other.test',
      '-keyout',
      'key',
      '-out',
      'crt',
    ];
    execFileSync('openssl', [...openssl, ...names], { cwd: dir, stdio: 'pipe', timeout: 30_000 });
    const [key, cert] = [readFileSync(join(dir, 'key'), 'utf8'), readFileSync(join(dir, 'crt'), 'utf8')];
    const server = await startXimssServer({ accounts, tls: { key, cert } });
    const env = { BRIDGE_XIMSS_SERVER: `ximss://localhost:${server.tcpPort}`, BRIDGE_XIMSS_STARTTLS: 'required' };
    const unknown = (await rows(env)).text;
    expect(unknown).toMatch(
      /^FAIL \| XIMSS encryption \| the certificate is self-signed and not known here\n.*\nximss:\n \| caFile: /m,
    );
    expect(unknown).toMatch(/^ok \| XIMSS features/m);
    const known = (await rows({ ...env, BRIDGE_XIMSS_CA_FILE: join(dir, 'crt') })).text;
    expect(known).toMatch(
      /^FAIL \| XIMSS encryption \| the certificate is for other\.test, not for localhost\n.*\nximss:\n \| server: ximss:\/\/other\.test:\d+$/m,
    );
    await server.stop();
    const good = await startXimssServer({ accounts, tls: testCertificate() });
    const foreign = (await rows({ ...env, BRIDGE_XIMSS_SERVER: `https://localhost:${good.httpsPort}` })).text;
    expect(foreign).toMatch(
      /^FAIL \| XIMSS encryption \| the certificate's authority \(test authority\) is not trusted here$/m,
    );
    await good.stop();
  });

  test('no TLS where there should be some; nobody there; somebody else there', async () => {
    const server = await startXimssServer({ accounts });
    const required = { BRIDGE_XIMSS_STARTTLS: 'required' };
    const plain = (await rows({ ...required, BRIDGE_XIMSS_SERVER: `ximss://localhost:${server.tcpPort}` })).text;
    expect(plain).toMatch(
      /^FAIL \| XIMSS encryption \| the server offers no STARTTLS, and ximss\.starttls is required$/m,
    );
    const direct = (await rows({ BRIDGE_XIMSS_SERVER: `ximss+tls://localhost:${server.tcpPort}` })).text;
    expect(direct).toMatch(/^FAIL \| XIMSS encryption .*no TLS on that port$/m);
    expect(direct).toMatch(/^skip \| XIMSS features \| see the row above$/m);
    const domain = (
      await rows({ BRIDGE_XIMSS_SERVER: `http://127.0.0.1:${server.httpPort}`, BRIDGE_XIMSS_DOMAIN: 'other.test' })
    ).text;
    expect(domain).toMatch(/^FAIL \| XIMSS features \| the server tells no features: unknown domain$/m);
    await server.stop();
    const away = (await rows({ BRIDGE_XIMSS_SERVER: `ximss://127.0.0.1:${server.tcpPort}` })).text;
    expect(away).toMatch(/^FAIL \| XIMSS server \| nothing listens on 127\.0\.0\.1 port \d+$/m);
    expect(away).toMatch(/^skip \| XIMSS encryption \| needs: XIMSS server$/m);
  });
});
