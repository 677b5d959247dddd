/**
 * What operators get wrong, and what each command says of it: check-config, doctor and run. Every answer names the key and
 * what to do. The XMPP server is scripted, the XIMSS server and Redis are as the row says.
 */
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { startApp } from '../src/app';
import { runCli } from '../src/cli';
import type { World } from '../src/world';
import { doctorChecks } from '../src/doctor';
import { makeLog } from '../src/ops/log';
import { makeMetrics } from '../src/ops/metrics';
import { dialectOptions } from '../src/ximss/protocol/dialect';
import { freePort } from './support/ports';
import { startRedis, type RedisOptions, type RedisServer } from './support/servers/redis';
import { makeTempDir, removeTempDir } from './support/temp';
import { until } from './support/wait';
import { startXimssServer, type XimssServer } from './support/ximss-server/server';
import { streamHeader, startScripted, type ScriptedServer } from './xmpp/scripted-server';

let dir = '';
let server: ScriptedServer | null = null;
let ximss: XimssServer | null = null;
const redises: RedisServer[] = [];
const listeners: Server[] = [];
beforeEach(() => {
  dir = makeTempDir('mistakes');
});
afterEach(async () => {
  await server?.close();
  server = null;
  await ximss?.stop();
  ximss = null;
  for (const one of redises.splice(0)) await one.dispose();
  for (const one of listeners.splice(0)) one.close();
  removeTempDir(dir);
});

/** A port on which each connection is given to `take`; ends with the test. */
async function listen(take: (socket: Socket) => void): Promise<number> {
  const listener = createServer((socket) => take(socket.on('error', () => undefined)));
  listeners.push(listener);
  const port = await freePort();
  await new Promise<void>((resolve) => listener.listen(port, '127.0.0.1', resolve));
  return port;
}

interface Said {
  readonly code: number;
  readonly text: string;
}

/** One command; `run` is ended by a signal as soon as it has said what is wanted, or by itself. */
async function say(command: string, path: string, wanted: RegExp | null = null): Promise<Said> {
  let text = '';
  let signal: (name: 'SIGTERM') => void = () => undefined;
  const add = (more: string): void => void (text += more);
  const world: World = {
    env: {},
    version: '1.2.3',
    dialect: dialectOptions,
    out: add,
    err: add,
    makeLog: (level) => makeLog({ level, stream: { write: add } }),
    makeMetrics: () => makeMetrics({ process: false }),
    makeNotify: () => () => undefined,
    startApp,
    checks: (...wishes) => Promise.resolve(doctorChecks(...wishes)),
    testDialect: () => Promise.resolve(true),
    onSignal: (listener) => {
      signal = listener;
      return () => undefined;
    },
    onReload: () => () => undefined,
    onCrash: () => undefined,
    exit: () => undefined,
  };
  let isOver = false;
  const running = runCli([command, '--config', path], world).finally(() => (isOver = true));
  if (command === 'run' && wanted !== null) {
    await until(() => isOver || wanted.test(text), { deadlineMs: 20_000, what: () => `${String(wanted)} in ${text}` });
    signal('SIGTERM');
  }
  return { code: await running, text };
}

type Parts = Readonly<Record<string, Readonly<Record<string, unknown>> | readonly object[]>>;

async function write(parts: Parts): Promise<string> {
  const path = join(dir, 'bridge.yaml');
  const whole: Record<string, object> = {
    xmpp: { service: server?.service ?? 'xmpp://127.0.0.1:1', domain: 'ximss.test', secret: 'right' },
    ximss: { server: 'ximss://127.0.0.1:1', domain: 'example.net', starttls: 'never' },
    http: { listen: `127.0.0.1:${await freePort()}` },
  };
  for (const [name, keys] of Object.entries(parts))
    whole[name] = Array.isArray(keys) ? keys : { ...whole[name], ...keys };
  writeFileSync(path, stringify({ dataDir: dir, ...whole }), { mode: 0o600 });
  return path;
}

describe('what check-config refuses, doctor and run refuse with the same words', () => {
  const rows: [string, Parts, RegExp][] = [
    ['no secret', { xmpp: { secret: undefined } }, /xmpp\.secret: is missing \(give it, or secretFile\)/],
    ['a letter changed about', { xmpp: { secert: 'x' } }, /xmpp\.secert: unknown key; did you mean secret\?/],
    [
      'a port that is none',
      { xmpp: { service: 'xmpp://127.0.0.1:99999' } },
      /xmpp\.service: must be xmpp:\/\/HOST:PORT/,
    ],
    [
      'another machine in clear text',
      { xmpp: { service: 'xmpp://10.0.0.1' } },
      /xmpp\.service: .*xmpps:\/\/, a tunnel/,
    ],
    [
      "the users' own host as component",
      { xmpp: { serverDomain: 'ximss.test' } },
      /xmpp\.domain: .*give the bridge one of its own/,
    ],
    [
      'a value outside its bounds',
      { ximss: { keepAliveSeconds: 0 } },
      /ximss\.keepAliveSeconds: must be from 1 to 86400, is 0/,
    ],
    [
      'a ghost as a user of the bridge',
      { accounts: [{ jid: 'romeo@ximss.test', account: 'romeo@example.net', password: 'x' }] },
      /accounts\.0\.jid: romeo@ximss\.test is in xmpp\.domain, which belongs to the bridge alone: give the Jabber user/,
    ],
    ['an open console without a token', { http: { listen: '0.0.0.0:9114' } }, /http\.token: is missing/],
  ];
  test.each(rows)('%s', async (_, parts, words) => {
    const path = await write(parts);
    for (const command of ['check-config', 'doctor', 'run']) {
      const { code, text } = await say(command, path);
      expect([command, code]).toEqual([command, 2]);
      expect(text).toMatch(words);
    }
  });

  test('tabs in YAML', async () => {
    const path = join(dir, 'bridge.yaml');
    writeFileSync(path, 'xmpp:\n\tsecret: x\n');
    for (const command of ['check-config', 'doctor', 'run']) {
      const { code, text } = await say(command, path);
      expect([command, code]).toEqual([command, 2]);
      expect(text).toMatch(/not valid YAML: .*[Tt]abs.*\(line 2\)/);
    }
  });
});

test('a file with a secret that everybody can read is told by all, and refused by none', async () => {
  const path = await write({});
  chmodSync(path, 0o644);
  const words = /bridge\.yaml holds xmpp\.secret and can be read by every user of this machine: chmod 640 bridge\.yaml/;
  expect(await say('check-config', path)).toMatchObject({ code: 0, text: expect.stringMatching(words) as string });
  expect((await say('doctor', path)).text).toMatch(words);
  expect((await say('run', path, words)).text).toMatch(words);
  chmodSync(path, 0o640);
  expect((await say('check-config', path)).text).not.toMatch(words);
});

describe('what only a connection shows', () => {
  /** What the XMPP server says instead of accepting the handshake. */
  const refusing = (error: string) => async () => {
    server = await startScripted(async (connection) => {
      await connection.expect('<stream:stream');
      connection.send(streamHeader);
      await connection.expect('</handshake>');
      connection.send(error);
      connection.end();
    });
    return {};
  };
  const streamError = (condition: string, text: string): string =>
    `<stream:error><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>` +
    `<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>${text}</text></stream:error></stream:stream>`;
  const startXimss = async (): Promise<XimssServer> => {
    ximss = await startXimssServer({ domains: ['example.net'] });
    return ximss;
  };
  /** A Redis as it should not be; its password is not in the configuration. */
  const redis = (options: RedisOptions) => async (): Promise<Parts> => {
    const started = await startRedis(options);
    redises.push(started);
    return { redis: { url: `redis://127.0.0.1:${started.port}` } };
  };
  /** What Redis says in protected mode to another machine. */
  const protectedRedis = async (): Promise<Parts> => {
    const denied =
      '-DENIED Redis is running in protected mode because protected mode is enabled and no password is set ' +
      'for the default user. In this mode connections are only accepted from the loopback interface.\r\n';
    const port = await listen((socket) => socket.end(denied));
    return { redis: { url: `redis://127.0.0.1:${port}` } };
  };

  const rows: [string, () => Promise<Parts>, RegExp, RegExp, number][] = [
    [
      'a wrong secret',
      refusing(streamError('not-authorized', 'Given token does not match')),
      /FAIL +component secret +the XMPP server refuses the secret of ximss\.test\n.*xmpp\.secret must be the same/,
      /Given token does not match.*xmpp\.secret, xmpp\.domain.*xmpp-ximss-bridge doctor/,
      3,
    ],
    [
      'a domain that the server does not have',
      refusing(streamError('host-unknown', 'ximss.test does not match any configured external components')),
      /FAIL +component secret +the XMPP server has no component ximss\.test\n.*xmpp\.domain must be/,
      /does not match any configured.*xmpp\.domain.*xmpp-ximss-bridge doctor/,
      3,
    ],
    [
      'a second bridge',
      refusing(streamError('conflict', 'Component already connected')),
      /FAIL +component secret +the secret is right, but another program is connected/,
      /another program is connected as xmpp\.domain.*xmpp-ximss-bridge doctor/,
      3,
    ],
    [
      "the clients' port",
      refusing(streamError('invalid-namespace', 'wrong')),
      /FAIL +component secret +xmpp:.* is no component listener[^]*service: xmpp:\/\/127\.0\.0\.1:5347/,
      /xmpp\.service must be as the XMPP server has them/,
      3,
    ],
    [
      'a wrong port',
      () => Promise.resolve({}),
      /FAIL +component listener +nothing listens on 127\.0\.0\.1 port 1\n.*\(xmpp\.service\)/,
      /"hint":"see xmpp\.service; run: xmpp-ximss-bridge doctor"/,
      0,
    ],
    [
      'a XIMSS server that is not there',
      () => Promise.resolve({}),
      /FAIL +XIMSS server +nothing listens on 127\.0\.0\.1 port 1\n.*ximss\.server right/,
      /see ximss\.server; run: xmpp-ximss-bridge doctor","msg":"the XIMSS server cannot be used/,
      0,
    ],
    [
      'TLS that is required and not offered',
      async () => ({ ximss: { server: `ximss://127.0.0.1:${(await startXimss()).tcpPort}`, starttls: 'required' } }),
      /FAIL +XIMSS encryption +the server offers no STARTTLS[^]*starttls: never/,
      /see ximss\.starttls; run: xmpp-ximss-bridge doctor/,
      0,
    ],
    [
      'a Redis that is not there',
      () => Promise.resolve({ redis: { url: 'redis://127.0.0.1:1' } }),
      /FAIL +Redis +Redis at redis:\/\/127\.0\.0\.1:1 does not run, or not there: .*redis\.url.*ECONNREFUSED/,
      /nothing listens at redis\.url.*xmpp-ximss-bridge doctor","msg":"redis is waited for/,
      0, // it may still come: for 15 s
    ],
    [
      'a Redis in protected mode, on another machine',
      protectedRedis,
      /FAIL +Redis +.*protected mode.*requirepass.*redis\.url/,
      /protected mode.*requirepass.*redis\.url.*xmpp-ximss-bridge doctor/,
      4,
    ],
    [
      'a Redis without an append-only file',
      redis({ appendonly: false }),
      /FAIL +Redis [^]*appendonly yes/,
      /appendonly yes.*redis\.url.*xmpp-ximss-bridge doctor/,
      4,
    ],
    [
      'a Redis with a password',
      redis({ password: 'hidden' }),
      /FAIL +Redis [^]*(NOAUTH|password)/,
      /NOAUTH.*redis\.url.*xmpp-ximss-bridge doctor/,
      4,
    ],
  ];
  test.each(rows)('%s', async (_, prepare, byDoctor, byRun, code) => {
    const path = await write(await prepare().then((parts) => parts));
    expect((await say('check-config', path)).code).toBe(0);
    const doctor = await say('doctor', path);
    expect(doctor.text.replace(/ {2,}→ /g, '')).toMatch(byDoctor);
    expect(doctor.code).toBe(1);
    const run = await say('run', path, byRun);
    expect(run.text).toMatch(byRun);
    expect(run.code).toBe(code);
  });
});
