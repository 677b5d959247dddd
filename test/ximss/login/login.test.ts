/** Logging in over TCP: the method that is chosen, TLS as demanded, what is never done. */
import { testCertificate } from '../../support/cert';
import type { XimssServerOptions } from '../../support/ximss-server/server';
import { Fault } from '../../../src/core/fault';
import { methodsFor } from '../../../src/ximss/login/login';
import { loginFault } from '../../../src/ximss/login/login-fault';
import { defaultDialect } from '../../../src/ximss/protocol/dialect';
import type { FarSettings } from '../../../src/ximss/port';
import { chat, linkOf, serverAt } from '../support';
import { juliet, startScenario, romeo, type Scenario, type Wire } from '../scenario';

const { ca, cert, key } = testCertificate();
const tls = { cert, key };
let scenario: Scenario | null = null;

afterEach(async () => {
  await scenario?.end();
  expect(scenario?.server.strict.violations ?? []).toEqual([]);
  scenario = null;
});

/** Names and methods of what the client sent before it was logged in. */
function sent(of: Scenario): string[] {
  return of.server.log
    .list()
    .filter(({ dir }) => dir === 'in')
    .map(({ xml }) => /^<(\w+)(?:.* method="([^"]*)")?/.exec(xml)?.slice(1, 3).filter(Boolean).join(' ') ?? '');
}

test.each<[string, Wire, XimssServerOptions, Partial<FarSettings>, string[]]>([
  ['method-less clear text when nothing is offered', 'tcp', { sasl: [] }, {}, ['listFeatures', 'login']],
  ['method-less clear text when only PLAIN is offered', 'tcp', { sasl: ['PLAIN'] }, {}, ['listFeatures', 'login']],
  [
    'SASL PLAIN by dialect',
    'tcp',
    {},
    { login: 'plain', dialect: { clearTextLogin: 'plain' } },
    ['listFeatures', 'login PLAIN'],
  ],
  [
    'SASL PLAIN where the server wants it after an empty challenge',
    'tcp',
    { dialect: { plainIn: 'auth' } },
    { login: 'plain', dialect: { clearTextLogin: 'plain' } },
    ['listFeatures', 'login PLAIN', 'auth'],
  ],
  [
    'CRAM-MD5 when it is the strongest',
    'tcp',
    { sasl: ['PLAIN', 'CRAM-MD5'] },
    {},
    ['listFeatures', 'login CRAM-MD5', 'auth'],
  ],
  ['CRAM-MD5 when asked for', 'tcp', {}, { login: 'cram-md5' }, ['listFeatures', 'login CRAM-MD5', 'auth']],
  [
    'CRAM-MD5 with a response to login and one to auth',
    'tcp',
    { dialect: { loginResponses: 'two' } },
    { login: 'cram-md5' },
    ['listFeatures', 'login CRAM-MD5', 'auth'],
  ],
  ['DIGEST-MD5 when offered', 'tcp', {}, {}, ['listFeatures', 'login DIGEST-MD5', 'auth', 'auth']],
  [
    'no DIGEST-MD5 by dialect',
    'tcp',
    {},
    { dialect: { challengeMethods: 'cram-md5' } },
    ['listFeatures', 'login CRAM-MD5', 'auth'],
  ],
  ['no challenge by dialect', 'tcp', {}, { dialect: { challengeMethods: 'none' } }, ['listFeatures', 'login']],
  [
    'STARTTLS, then the features once more',
    'starttls',
    { loginWithoutTls: false },
    {},
    ['listFeatures', 'starttls', 'listFeatures', 'login DIGEST-MD5', 'auth', 'auth'],
  ],
  [
    'preferred and offered',
    'tcp',
    { tls },
    { ca, starttls: 'preferred' },
    ['listFeatures', 'starttls', 'listFeatures', 'login DIGEST-MD5', 'auth', 'auth'],
  ],
  ['preferred and not offered', 'tcp', {}, { starttls: 'preferred', login: 'plain' }, ['listFeatures', 'login']],
  [
    'preferred and refused',
    'tcp',
    { tls, starttls: false },
    { ca, starttls: 'preferred', login: 'plain' },
    ['listFeatures', 'login'],
  ],
  ['TLS from the first byte', 'tls', {}, { login: 'plain' }, ['listFeatures', 'login']],
  [
    'DIGEST-MD5 that ends without a proof of the server',
    'tcp',
    { dialect: { rspauth: 'none' } },
    {},
    ['listFeatures', 'login DIGEST-MD5', 'auth'],
  ],
  [
    'DIGEST-MD5 without a proof of the server, inside TLS',
    'tls',
    { dialect: { rspauth: 'none' } },
    {},
    ['listFeatures', 'login DIGEST-MD5', 'auth'],
  ],
])('%s', async (_, wire, options, settings, expected) => {
  scenario = await startScenario(wire, options, settings);
  await scenario.online();
  expect(sent(scenario)).toEqual([...expected, 'signalBind']);
  await scenario.far.deliver(juliet, romeo, [chat('hello')])[0];
});

test.each<[string, Wire, XimssServerOptions, Partial<FarSettings>, string, string[]]>([
  [
    'TLS is required and not offered: no password leaves',
    'tcp',
    {},
    { starttls: 'required', login: 'plain' },
    'no-tls',
    ['listFeatures'],
  ],
  ['an authority that is not trusted', 'starttls', {}, { ca: null }, 'unavailable', ['listFeatures', 'starttls']],
  ['an authority that is not trusted, direct TLS', 'tls', {}, { ca: null }, 'unavailable', []],
])('not: %s', async (_, wire, options, settings, code, expected) => {
  scenario = await startScenario(wire, options, settings);
  scenario.far.open(linkOf('juliet@example.org', 'juliet@example.net', 'secret'));
  await scenario.status('waiting');
  expect(scenario.heard.statuses.at(-1)?.fault?.code).toBe(code);
  await scenario.far.close(juliet);
  expect(sent(scenario).slice(0, expected.length)).toEqual(expected);
  expect(sent(scenario)).not.toContain(expected.includes('login DIGEST-MD5') ? 'signalBind' : 'login');
});

test('a certificate for another name is refused', async () => {
  // 127.0.0.2 is this machine too, and not in the certificate
  const elsewhere = (port: number | null): string => `ximss+tls://127.0.0.2:${port}`;
  scenario = await startScenario('tls', { host: '0.0.0.0' }, ({ tlsPort }) => ({
    server: serverAt(elsewhere(tlsPort)),
  }));
  scenario.far.open(linkOf('juliet@example.org', 'juliet@example.net', 'secret'));
  await scenario.status('waiting');
  expect(scenario.heard.statuses.at(-1)?.fault).toMatchObject({
    code: 'unavailable',
    cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
  });
});

describe('the choice of a method', () => {
  const offered = ['LOGIN', 'PLAIN', 'CRAM-MD5', 'DIGEST-MD5', 'GSSAPI'];
  test.each([
    ['auto takes the strongest first', 'auto', offered, 'all', ['digest-md5', 'cram-md5']],
    ['auto without challenges is clear text', 'auto', ['PLAIN'], 'all', ['plain']],
    ['auto with nothing said is clear text', 'auto', [], 'all', ['plain']],
    ['a dialect that trusts only CRAM-MD5', 'auto', offered, 'cram-md5', ['cram-md5']],
    ['a dialect that trusts no challenge', 'auto', offered, 'none', ['plain']],
    ['what is asked for is done, offered or not', 'digest-md5', [], 'none', ['digest-md5']],
  ] as const)('%s', (_, configured, sasl, challengeMethods, expected) => {
    expect(methodsFor(configured, sasl, { challengeMethods })).toEqual(expected);
  });
});

test.each([
  ['unknown user account or incorrect password', 'not-authorized'],
  ['Incorrect Password', 'not-authorized'],
  ['wrong account name', 'not-authorized'],
  ['invalid credentials', 'not-authorized'],
  ['account is disabled', 'login-refused'],
  ['Domain is suspended', 'login-refused'],
  ['internal error', 'login-refused'],
  ['account data is locked', 'login-refused'],
  ['', 'login-refused'],
  ['too many concurrent XIMSS sessions: licence limit reached', 'too-many-sessions'],
  ['License limit exceeded', 'too-many-sessions'],
  ['login attempts limit exceeded: wrong password', 'too-many-sessions'],
  ['temporary failure', 'login-refused'],
  ['server is overloaded, try again later', 'login-refused'],
])('a login refused with "%s" is %s', (text, code) => {
  expect(loginFault(new Fault('refused', { text, number: 5 }), defaultDialect).code).toBe(code);
});
