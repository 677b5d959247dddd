/** The far port over TCP against the XIMSS test server, end to end. */
import { testCertificate } from '../support/cert';
import { startXimssServer, type XimssServer, type XimssServerOptions } from '../support/ximss-server/server';
import { until } from '../support/wait';
import type { FarSettings } from '../../src/ximss/sessions';
import { account, chat, jid, linkOf, makeRig, type Rig } from './support';

const accounts = [
  { account: 'juliet@example.net', password: 'secret', realName: 'Juliet' },
  { account: 'romeo@example.net', password: 'other', realName: 'Romeo' },
];
const juliet = jid('juliet@example.org');
const romeo = account('romeo@example.net');

let server: XimssServer;
let rig: Rig;

async function begin(options: XimssServerOptions = {}, settings: Partial<FarSettings> = {}): Promise<void> {
  server = await startXimssServer({ accounts, ...options });
  rig = makeRig({ server: `ximss://127.0.0.1:${server.tcpPort}`, ...settings });
}

async function online(): Promise<void> {
  rig.far.open(linkOf('juliet@example.org', 'juliet@example.net', 'secret'));
  await until(() => rig.far.status(juliet) === 'online', { what: () => JSON.stringify(rig.heard.statuses) });
}

afterEach(async () => {
  await rig.end();
  expect(server.strict.violations).toEqual([]);
  await server.stop();
});

const { ca, cert, key } = testCertificate();
const tls = { cert, key };

describe('logging in', () => {
  test.each<[string, XimssServerOptions, Partial<FarSettings>]>([
    ['clear text, method-less', { sasl: [] }, {}],
    ['clear text, SASL PLAIN', {}, { login: 'plain', dialect: { clearTextLogin: 'plain' } }],
    ['CRAM-MD5 when it is the strongest', { sasl: ['PLAIN', 'CRAM-MD5'] }, {}],
    ['CRAM-MD5 when it is asked for', {}, { login: 'cram-md5' }],
    ['DIGEST-MD5 when it is offered', {}, {}],
    ['DIGEST-MD5 with a server that accepts no clear text', { plainWithoutTls: false }, {}],
    ['STARTTLS because it is required', { tls, loginWithoutTls: false }, { starttls: 'required', ca }],
    ['STARTTLS because it is preferred and offered', { tls, loginWithoutTls: false }, { starttls: 'preferred', ca }],
    ['no TLS because it is only preferred', {}, { starttls: 'preferred' }],
  ])('%s', async (_, options, settings) => {
    await begin(options, settings);
    await online();
    await rig.far.deliver(juliet, romeo, [chat('hello')])[0];
    expect(rig.heard.statuses.map(({ status }) => status)).toEqual(['connecting', 'online']);
  });

  test('TLS from the first byte', async () => {
    server = await startXimssServer({ accounts, tls });
    rig = makeRig({ server: `ximss+tls://localhost:${server.tlsPort}`, ca, starttls: 'required' });
    await online();
    expect(server.sessions().map(({ transport }) => transport)).toEqual(['tls']);
  });
});

test('a message goes out, one comes in', async () => {
  await begin();
  const actor = server.client('romeo@example.net');
  await online();
  await Promise.all(rig.far.deliver(juliet, romeo, [chat('one'), chat('two'), chat('three')]));
  expect(actor.of('im').map(({ text }) => text)).toEqual(['one', 'two', 'three']);
  actor.sendIM('juliet@example.net', 'back');
  await until(() => rig.heard.bodies().length === 1);
  expect(rig.heard.events.map(({ user, peer, event }) => ({ user, peer, event }))).toMatchObject([
    { user: juliet, peer: romeo, event: { kind: 'message', body: 'back', nick: 'Romeo', type: 'chat' } },
  ]);
});
