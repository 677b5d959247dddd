/** The doctor against real servers: what it says of a good one, of each thing that is wrong, and beside a running bridge. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { probeComponent } from '../../src/doctor/checks/component-probe';
import { prosodySnippet, secret } from '../../src/doctor/checks/snippets';
import { systemClock } from '../../src/ops/clock';
import { startBridge } from '../support/bridge-process';
import { connect } from '../support/xmpp/jabber-client';
import { freePort, freePorts } from '../support/ports';
import { startProcess } from '../support/process';
import { connectComponent } from '../support/xmpp/raw-component';
import { startEjabberd, startProsody, startRedis, type XmppServer } from '../support/servers';
import { makeTempDir, removeTempDir } from '../support/temp';
import { until } from '../support/wait';
import { startXimssServer, type XimssServer } from '../support/ximss-server/server';
import { configOf } from '../doctor/support';

const root = join(__dirname, '../..');
const never = new AbortController().signal;
let dir = '';
let ximss: XimssServer;
beforeAll(async () => {
  dir = makeTempDir('doctor-live');
  ximss = await startXimssServer({
    accounts: [
      { account: 'juliet@cgp.test', password: 'capulet-pw' },
      { account: 'romeo@cgp.test', password: 'montague-pw' },
    ],
  });
});
afterAll(async () => {
  await ximss?.stop();
  removeTempDir(dir);
});

interface Overrides {
  readonly xmpp?: object;
  readonly http?: object;
  readonly redis?: object;
}

/** Runs the program as an operator does; blanks between columns become one bar. */
async function doctor(
  server: XmppServer,
  over: Overrides = {},
  args: readonly string[] = [],
): Promise<{ code: number | null; text: string }> {
  const file = join(dir, 'bridge.yaml');
  const { componentPort, componentDomain: domain, secret } = server;
  writeFileSync(
    file,
    stringify({
      xmpp: { service: `xmpp://127.0.0.1:${componentPort}`, domain, secret, ...over.xmpp },
      ximss: { server: `ximss://127.0.0.1:${ximss.tcpPort}`, domain: 'cgp.test', starttls: 'never' },
      accounts: [{ jid: `juliet@${server.domain}`, account: 'juliet@cgp.test', password: 'capulet-pw' }],
      dataDir: join(dir, 'data'),
      http: { listen: `127.0.0.1:${await freePort()}`, ...over.http },
      ...(over.redis === undefined ? {} : { redis: over.redis }),
    }),
  );
  const program = [join(root, 'dist/main.js'), 'doctor', '--config', file, ...args];
  const child = await startProcess(process.execPath, program, { cwd: dir, deathSignal: 'TERM' });
  const { code } = await child.exited;
  const text = child.log().replace(/ {2,}/g, ' | ');
  expect(text).not.toMatch(/capulet-pw|montague-pw|test-secret/);
  return { code, text };
}

describe.each([
  ['Prosody', startProsody],
  ['ejabberd', startEjabberd],
] as const)('%s', (kind, start) => {
  let server: XmppServer;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server?.dispose());

  test('all is well', async () => {
    const { code, text } = await doctor(server, {}, ['--accounts']);
    expect(text).toMatch(/ok \| component listener \| 127\.0\.0\.1 port \d+ takes connections/);
    expect(text).toMatch(/ok \| component secret \| accepted for ximss\.test/);
    expect(text).toMatch(/ok \| own domain \| a stanza to ximss\.test comes back to us/);
    // ejabberd grants it and cannot do it; 24.12 does not even answer who it is
    expect(text).toMatch(
      /(ok|skip) \| roster rights \| jabber\.test: .*roster=both.*\(((Prosody|ejabberd) \S+|server of unknown version)\)/,
    );
    expect(text).toMatch(/ok \| login juliet@cgp\.test/);
    expect(text).toMatch(/ok \| clocks/);
    expect(text).toContain(kind === 'Prosody' ? '12 ok, 0 failed, 0 skipped' : ' 0 failed');
    expect(code).toBe(0);
  });

  test('a wrong secret', async () => {
    const { code, text } = await doctor(server, { xmpp: { secret: 'not-the-one' } });
    expect(text).toMatch(/FAIL \| component secret \| the XMPP server refuses the secret of ximss\.test/);
    expect(text).toMatch(/^ \| component_secret = "THE-VALUE-OF-xmpp\.secret"$/m);
    expect(text).not.toContain('not-the-one');
    expect(code).toBe(1);
  });

  test('a domain that is not configured', async () => {
    const { code, text } = await doctor(server, { xmpp: { domain: 'unknown.test' } });
    const said =
      kind === 'Prosody' ? 'the XMPP server has no component unknown.test' : 'the XMPP server refuses the secret';
    expect(text).toContain(`FAIL | component secret | ${said}`);
    expect(text).toMatch(
      /unknown\.test must stand there letter by letter|xmpp\.domain must be the component's name there/,
    );
    expect(text).toContain('\nComponent "unknown.test"');
    expect(code).toBe(1);
  });

  test('the port of the clients', async () => {
    const { text } = await doctor(server, { xmpp: { service: `xmpp://127.0.0.1:${server.c2sPort}` } });
    expect(text).toMatch(/FAIL \| component secret \| xmpp:\/\/127\.0\.0\.1:\d+ is no component listener/);
  });

  test('a port where nothing listens', async () => {
    const { text } = await doctor(server, { xmpp: { service: `xmpp://127.0.0.1:${await freePort()}` } });
    expect(text).toMatch(/FAIL \| component listener \| nothing listens on 127\.0\.0\.1 port/);
    expect(text).toMatch(/skip \| component secret \| needs: component listener/);
    expect(text).toMatch(/ok \| XIMSS server/);
  });

  test('who writes while the doctor looks is answered by it', async () => {
    await server.register('juliet', 'pw');
    const juliet = await connect({ server, user: 'juliet', password: 'pw', resource: 'balcony' });
    const { componentPort, componentDomain: domain, secret } = server;
    const service = `xmpp://127.0.0.1:${componentPort}`;
    const { xmpp } = configOf({ BRIDGE_XMPP_SERVICE: service, BRIDGE_XMPP_DOMAIN: domain, BRIDGE_XMPP_SECRET: secret });
    let isOver = false;
    const looking = probeComponent(xmpp, systemClock, never).finally(() => (isOver = true));
    await until(() => {
      juliet.message(`romeo@${domain}`, 'are you there?', 'm1');
      return (
        juliet.stanzas.some((stanza) => stanza.child('error')?.child('service-unavailable') !== undefined) || isOver
      );
    });
    expect((await looking).echo).toBe('returned');
    expect(juliet.stanzas.map((stanza) => stanza.child('error')?.text('text') ?? '')).toContain(
      'The gateway is being restarted.',
    );
    await juliet.close();
  });

  test('beside a running bridge: it is seen, and not disturbed', async () => {
    const bridge = await startBridge({
      xmpp: server,
      ximss: { server: `ximss://127.0.0.1:${ximss.tcpPort}`, domain: 'cgp.test' },
    });
    try {
      bridge.clearLogs();
      const { code, text } = await doctor(server, { http: { listen: `127.0.0.1:${bridge.httpPort}` } });
      expect(text).toMatch(/ok \| bridge \| a bridge runs at 127\.0\.0\.1:\d+: component stream up, Redis up/);
      expect(text).toMatch(/ok \| component secret \| the running bridge is connected as ximss\.test/);
      expect(text).toMatch(/skip \| own domain/);
      expect(code).toBe(0);
      expect(bridge.logs.filter(({ msg }) => /stream (ended|up)/.test(String(msg)))).toEqual([]);
    } finally {
      await bridge.dispose();
    }
  });

  test('beside a bridge that only the lease in Redis tells of', async () => {
    const redis = await startRedis();
    const bridge = await startBridge({
      xmpp: server,
      ximss: { server: `ximss://127.0.0.1:${ximss.tcpPort}`, domain: 'cgp.test' },
      redis,
    });
    try {
      bridge.clearLogs();
      const { text } = await doctor(server, { redis: { url: redis.url } });
      expect(text).toMatch(/ok \| bridge \| a bridge runs on the same Redis/);
      expect(text).toMatch(/ok \| Redis \| Redis \d/);
      expect(text).toMatch(/skip \| own domain/);
      expect(bridge.logs.filter(({ msg }) => /stream (ended|up)/.test(String(msg)))).toEqual([]);
    } finally {
      await bridge.dispose();
      await redis.dispose();
    }
  });
});

test.each([
  ['Prosody', startProsody],
  ['ejabberd', startEjabberd],
] as const)('%s without rights: no failure, what is lost and what to paste', async (_, start) => {
  const server = await start({ privileges: false });
  try {
    const { code, text } = await doctor(server);
    expect(text).toMatch(/skip \| roster rights \| not granted \(XEP-0356\)/);
    expect(text).toContain('\nVirtualHost "jabber.test"');
    expect(text).toContain('\nmodules:\n | mod_privilege:');
    expect(code).toBe(0);
  } finally {
    await server.dispose();
  }
});

test('Prosody refuses a second connection: said as a conflict, not as a wrong secret', async () => {
  const server = await startProsody({ conflict: 'kick_new' });
  try {
    const other = await connectComponent({ server, domain: server.componentDomain });
    const { code, text } = await doctor(server);
    expect(text).toMatch(
      /FAIL \| component secret \| the secret is right, but another program is connected as ximss\.test/,
    );
    expect(text).toContain('component_conflict_resolve = "kick_old"');
    expect(code).toBe(1);
    expect(other.isOpen()).toBe(true);
    await other.close();
  } finally {
    await server.dispose();
  }
});

test('the snippet for Prosody, pasted as it is printed, works', async () => {
  const [c2sPort = 0, port = 0] = await freePorts(2);
  const names = { domain: 'ximss.test', port, users: 'jabber.test', mistaken: null };
  const snippet = prosodySnippet(names).replace(secret, 'pasted-secret');
  const here = makeTempDir('pasted');
  writeFileSync(join(here, 'ximss.cfg.lua'), snippet);
  writeFileSync(
    join(here, 'prosody.cfg.lua'),
    `run_as_root = true\ndata_path = "${here}"\ninterfaces = { "127.0.0.1" }\nc2s_ports = { ${c2sPort} }\n` +
      `modules_enabled = { "roster"; "saslauth"; "privilege" }\nmodules_disabled = { "s2s"; "tls" }\nauthentication = "internal_plain"\n` +
      `log = { { levels = { min = "info" }; to = "console" } }\nVirtualHost "jabber.test"\nInclude "${join(here, 'ximss.cfg.lua')}"\n`,
  );
  const prosody = await startProcess('prosody', ['-F', '--config', join(here, 'prosody.cfg.lua')], { cwd: here });
  try {
    await prosody.waitForLine(/Activated service 'component' on \[127/);
    const env = { BRIDGE_XMPP_SERVICE: `xmpp://127.0.0.1:${port}`, BRIDGE_XMPP_SECRET: 'pasted-secret' };
    const sight = await probeComponent(configOf(env).xmpp, systemClock, never);
    expect(sight).toMatchObject({ isAccepted: true, echo: 'returned' });
    expect(sight.grants.get('jabber.test')).toContain('roster=both');
  } finally {
    await prosody.kill9();
    removeTempDir(here);
  }
});

test('--ximss as an operator types it', async () => {
  const server = { componentPort: 1, componentDomain: 'ximss.test', secret: 'x', domain: 'jabber.test' } as XmppServer; // no stream is opened
  const names = ['--ximss', 'juliet@cgp.test:capulet-pw', 'romeo@cgp.test:montague-pw'];
  const { code, text } = await doctor(server, {}, [...names, '--http', `http://127.0.0.1:${ximss.httpPort}`]);
  expect(text).toMatch(/A18 \| rosterSetForm \| as assumed \| item/);
  expect(text).toMatch(/repeated reqSeq \| as assumed/);
  expect(text).toContain('no dialect is needed');
  expect(code).toBe(0);
}, 60_000);
