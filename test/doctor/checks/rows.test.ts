/** The rows of the doctor from what was seen: what is said of it, and what to do. Pure tables. */
import { clockResult, loginResult } from '../../../src/doctor/checks/accounts';
import { certificateResult, type CertificateFacts } from '../../../src/doctor/checks/certificate';
import type { ComponentResult } from '../../../src/doctor/checks/component-probe';
import { serverFor, preloginFailure, type PreloginResult } from '../../../src/doctor/checks/prelogin-probe';
import { refusal, rights, routing } from '../../../src/doctor/checks/jabber';
import { whyUnreachable } from '../../../src/doctor/checks/tcp-reach';
import { runningResult, type Running } from '../../../src/doctor/checks/running-bridge';
import { encryption, offers } from '../../../src/doctor/checks/ximss';
import { Fault } from '../../../src/core/fault';
import type { CheckResult } from '../../../src/doctor/runner';
import { configOf } from '../support';

/** The row as one text, beginning with its word. */
const textOf = ({ ok, detail, advice }: CheckResult): string => `${ok} ${detail}\n${advice ?? ''}`;
const config = configOf();

describe('the component stream', () => {
  const refusals: [string, Fault, RegExp[]][] = [
    [
      'wrong secret',
      new Fault('stream-refused', { cause: 'not-authorized: Given token does not match' }),
      [/refuses the secret of ximss\.test/, /component_secret = "THE-VALUE-OF-xmpp\.secret"/, /password: "THE-VALUE/],
    ],
    [
      'unknown domain',
      new Fault('stream-refused', { cause: 'host-unknown: ximss.test does not match any configured' }),
      [/has no component ximss\.test/, /^ {4}Component "ximss\.test"$/m, /^ {10}ximss\.test:$/m],
    ],
    [
      'the port of the clients (Prosody)',
      new Fault('stream-refused', { cause: 'host-unknown: This server does not serve ximss.test' }),
      [/is no component listener/, /service: xmpp:\/\/127\.0\.0\.1:5347/, /component_ports = \{ 5347 \}/],
    ],
    [
      'the port of the clients (ejabberd)',
      new Fault('stream-refused', { cause: 'invalid-namespace' }),
      [/is no component listener/],
    ],
    [
      'no XMPP at all',
      new Fault('unavailable', { cause: 'this is not the stream of an XMPP server' }),
      [/is no component listener/],
    ],
    [
      'another one is connected',
      new Fault('stream-conflict', { cause: 'conflict' }),
      [/secret is right, but another program is connected/, /kick_old/],
    ],
    ['silence', new Fault('timeout'), [/does not finish the handshake/, /xmpps/]],
    ['a remote plain listener', new Fault('no-tls', { text: 'not encrypted' }), [/not encrypted/, /xmpp\.service/]],
    [
      'closed at once',
      new Fault('unavailable', { cause: 'the connection was closed' }),
      [/the connection was closed/, /may want TLS: write xmpps/],
    ],
  ];
  test.each(refusals)('%s', (_, fault, texts) => {
    const row = refusal(fault, config);
    expect(row.ok).toBe(false);
    for (const text of texts) expect(textOf(row)).toMatch(text);
    expect(textOf(row)).not.toContain('component-secret');
  });

  test('a TLS listener that is not trusted', () => {
    const fault = new Fault('unavailable', {
      cause: Object.assign(new Error('x'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
    });
    const tls = configOf({ BRIDGE_XMPP_SERVICE: 'xmpps://127.0.0.1:5347' });
    expect(textOf(refusal(fault, tls))).toMatch(/DEPTH_ZERO_SELF_SIGNED_CERT\n.*not trusted/s);
  });

  const seen: ComponentResult = {
    isAccepted: true,
    end: null,
    echo: 'returned',
    grants: new Map(),
    software: null,
    foreign: [],
  };
  const routes: [string, Partial<ComponentResult>, RegExp][] = [
    ['it comes back', {}, /^true a stanza to ximss\.test comes back/],
    ['nothing comes', { echo: 'silence' }, /^false .*is lost.*global_routes: false/s],
    [
      'an error comes',
      { echo: { condition: 'remote-server-not-found' } },
      /^false .*refused \(remote-server-not-found\)/,
    ],
    ['other domains come too', { foreign: ['muc.test'] }, /^false stanzas for other domains come to us too: muc\.test/],
    ['pushed out', { end: new Fault('stream-conflict'), echo: 'silence' }, /^false another program has taken/],
  ];
  test.each(routes)('own domain: %s', (_, changes, text) => {
    expect(textOf(routing({ ...seen, ...changes }, config))).toMatch(text);
  });

  const grants: [string, [string, string[]][], RegExp, string?][] = [
    [
      'ejabberd cannot do it',
      [['jabber.test', ['roster=both']]],
      /^skip jabber.*ejabberd 25\.03.*stores no subscription that a component writes.*asks instead/s,
      'ejabberd 25.03',
    ],
    ['all', [['jabber.test', ['roster=both', 'message=outgoing']]], /^true jabber\.test: roster=both message=outgoing/],
    [
      'for one host of two',
      [
        ['a.test', ['message=outgoing']],
        ['b.test', ['roster=both']],
      ],
      /^true /,
    ],
    ['reading only', [['jabber.test', ['roster=get']]], /^skip rosters may be read only/],
    ['none', [], /^skip not granted \(XEP-0356\): contacts are not written.*\nSNIPPET/s],
    ['something else', [['jabber.test', ['message=outgoing']]], /^skip not granted/],
  ];
  test.each(grants)('rights: %s', (_, list, text, software = 'Prosody 0.12.3') =>
    expect(textOf(rights({ grants: new Map(list), software }, 'SNIPPET'))).toMatch(text),
  );
});

describe('who listens at http.listen', () => {
  const rows: [string, Running, boolean, RegExp][] = [
    ['nobody', { kind: 'none' }, false, /^true no bridge runs here/],
    ['nobody, but the lease is held', { kind: 'none' }, true, /^true a bridge runs on the same Redis/],
    ['a bridge', { kind: 'bridge', isStreamUp: true, isRedisUp: true }, true, /^true .*stream up, Redis up/],
    [
      'a bridge without Redis',
      { kind: 'bridge', isStreamUp: true, isRedisUp: false },
      true,
      /^false .*stream up, Redis down/,
    ],
    [
      'a bridge whose stream is down',
      { kind: 'bridge', isStreamUp: false, isRedisUp: true },
      true,
      /^false .*stream down.*\nIts log says why/,
    ],
    ['another program', { kind: 'other' }, false, /^false another program.*\n {4}http:\n {6}listen: 127/s],
  ];
  test.each(rows)('%s', (_, running, isLed, text) => {
    expect(textOf(runningResult(running, isLed, '127.0.0.1:9114'))).toMatch(text);
  });
});

describe('certificates', () => {
  const result: CertificateFacts = {
    protocol: 'TLSv1.3',
    problem: null,
    subject: 'cgp.example.net',
    issuer: 'Some Authority',
    names: ['cgp.example.net', '*.example.net'],
    validFrom: 'Jan 1 2020',
    validTo: 'Jan 1 2030',
    fingerprint: 'AA:BB',
  };
  const setting = { host: '10.0.0.1', serverFor: (host: string) => `ximss://${host}:11024`, caFile: null };
  const rows: [string, string | null, RegExp][] = [
    ['good', null, /^true TLSv1\.3, certificate accepted for 10\.0\.0\.1, issued by Some Authority, until Jan 1 2030/],
    [
      'another name',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      /^false .*for cgp\.example\.net, \*\.example\.net, not for 10\.0\.0\.1\n.*\n {4}ximss:\n {6}server: ximss:\/\/cgp\.example\.net:11024/,
    ],
    ['expired', 'CERT_HAS_EXPIRED', /^false the certificate expired on Jan 1 2030/],
    ['too young', 'CERT_NOT_YET_VALID', /^false .*only from Jan 1 2020/],
    ['self-signed', 'DEPTH_ZERO_SELF_SIGNED_CERT', /^false .*self-signed.*\n {4}ximss:\n {6}caFile: .*AA:BB/s],
    [
      'unknown authority',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      /^false .*authority \(Some Authority\) is not trusted.*caFile/s,
    ],
    ['anything else', 'CERT_SIGNATURE_FAILURE', /^false the certificate is not accepted: CERT_SIGNATURE_FAILURE/],
  ];
  test.each(rows)('%s', (_, problem, text) => {
    expect(textOf(certificateResult({ ...result, problem }, setting))).toMatch(text);
  });

  const servers: [string, string, string][] = [
    ['ximss://10.0.0.1:11024', 'cgp.example.net', 'ximss://cgp.example.net:11024'],
    ['https://[::1]:9100/cgp', 'cgp.example.net', 'https://cgp.example.net:9100/cgp'],
    ['ximss+tls://a.test:1', '::1', 'ximss+tls://[::1]:1'],
  ];
  test.each(servers)('%s with the host %s', (server, host, expected) => {
    expect(serverFor(configOf({ BRIDGE_XIMSS_SERVER: server }), host)).toBe(expected);
  });
});

describe('the way to the XIMSS server', () => {
  const features = { domain: 'example.net', hasStarttls: true, sasl: ['CRAM-MD5'], nonce: null, hasSignup: false };
  const prelogin: PreloginResult = { features, refusal: null, starttls: null, certificate: null };
  const remote = { BRIDGE_XIMSS_SERVER: 'ximss://cgp.example.net' };
  const required = { BRIDGE_XIMSS_STARTTLS: 'required' };
  const rows: [string, Record<string, string>, PreloginResult['starttls'], RegExp][] = [
    ['never, this machine', {}, null, /^true ximss\.starttls is never; 127\.0\.0\.1 is this machine/],
    ['never, another machine', remote, null, /^skip ximss\.starttls is never, and cgp.*https:\/\/cgp\.example\.net/s],
    [
      'http to another machine',
      { BRIDGE_XIMSS_SERVER: 'http://cgp.example.net' },
      null,
      /^skip http:\/\/ is not encrypted/,
    ],
    [
      'required and not offered',
      { ...remote, ...required },
      'not-offered',
      /^false the server offers no STARTTLS, and .*required/,
    ],
    [
      'required and refused',
      { ...remote, ...required },
      { refusal: 'unknown command' },
      /^false .*unknown command.*--ximss/s,
    ],
    [
      'preferred and not offered',
      { ...remote, BRIDGE_XIMSS_STARTTLS: 'preferred' },
      'not-offered',
      /^skip .*clear text/,
    ],
  ];
  test.each(rows)('encryption: %s', (_, env, starttls, text) => {
    expect(textOf(encryption({ ...prelogin, starttls }, configOf(env)))).toMatch(text);
  });

  const offersRows: [string, Record<string, string>, Partial<PreloginResult>, RegExp][] = [
    ['what is wanted', {}, {}, /^true example\.net: login by CRAM-MD5; sign-up off/],
    [
      'a method that is missing',
      { BRIDGE_XIMSS_LOGIN: 'digest-md5' },
      {},
      /^false .*wants digest-md5\n {4}ximss:\n {6}login: auto/,
    ],
    [
      'over HTTP no method is missing',
      { BRIDGE_XIMSS_LOGIN: 'digest-md5', BRIDGE_XIMSS_SERVER: 'http://127.0.0.1' },
      {},
      /^true/,
    ],
    [
      'sign-up that is needed',
      { BRIDGE_PROVISIONING_ENABLED: 'true', BRIDGE_PROVISIONING_DOMAIN: 'example.net' },
      {},
      /^false .*provisioning needs it/,
    ],
    [
      'nothing told',
      {},
      { features: null, refusal: 'unknown domain' },
      /^false .*unknown domain\nximss\.domain is example\.net/,
    ],
  ];
  test.each(offersRows)('features: %s', (_, env, changes, text) => {
    expect(textOf(offers({ ...prelogin, ...changes }, configOf(env)))).toMatch(text);
  });

  const errors: [string, unknown, RegExp][] = [
    ['refused', { code: 'ECONNREFUSED' }, /nothing listens on h port 1/],
    ['no name', { code: 'ENOTFOUND' }, /has no address \(DNS\)/],
    ['late', { code: 'ETIMEDOUT' }, /firewall/],
    ['several addresses', { errors: [{ code: 'ECONNREFUSED' }, { code: 'ENETUNREACH' }] }, /nothing listens/],
    ['wrapped', new Fault('unavailable', { cause: { code: 'EHOSTUNREACH' } }), /no way to h/],
    ['anything', null, /^h port 1 cannot be reached$/],
  ];
  test.each(errors)('unreachable: %s', (_, cause, text) => {
    expect(whyUnreachable(cause, { host: 'h', port: 1 })).toMatch(text);
  });

  const looks: [string, unknown, string, RegExp][] = [
    [
      'clear text on a TLS port',
      new Error('write EPROTO ... wrong version number'),
      'https://h',
      /no TLS on that port/,
    ],
    ['reset during the handshake', { code: 'ECONNRESET' }, 'ximss+tls://h:1', /no TLS on that port/],
    ['reset in clear text', { code: 'ECONNRESET' }, 'ximss://h', /closes the connection/],
    [
      'silence where HTTP is expected',
      new DOMException('late', 'TimeoutError'),
      'http://h:1',
      /does not answer in HTTP: .* ximss:\/\/h:1$/,
    ],
    [
      'another protocol where HTTP is expected',
      { code: 'HPE_INVALID_CONSTANT' },
      'http://h:1',
      /does not answer in HTTP/,
    ],
    [
      'silence',
      new DOMException('late', 'TimeoutError'),
      'ximss://h:1',
      /^h port 1 takes the connection and does not answer in XIMSS$/,
    ],
    ['another protocol', new Fault('xml-malformed'), 'ximss://h:1', /does not speak XIMSS: another program/],
    [
      'closed after the first request',
      new Fault('unavailable', { cause: 'closed by the server' }),
      'ximss://h:1',
      /does not speak XIMSS/,
    ],
    ['old TLS', new Error('tlsv1 alert protocol version'), 'https://h', /no TLS 1\.2/],
  ];
  test.each(looks)('no look: %s', (_, thrown, server, text) => expect(preloginFailure(thrown, server)).toMatch(text));
});

describe('logins and clocks', () => {
  const logins: [Fault, RegExp][] = [
    [new Fault('not-authorized', { text: 'bad password' }), /^false .*bad password\nCompare accounts\.3\.account/],
    [new Fault('needs-user'), /^false .*Log in once/s],
    [new Fault('too-many-sessions'), /^false .*5 sessions/s],
    [new Fault('no-tls'), /^false .*required/],
    [new Fault('timeout'), /^false .*in time/],
  ];
  test.each(logins)('%s', (fault, text) => expect(textOf(loginResult(fault, 'accounts.3'))).toMatch(text));

  const clocks: [number | null, RegExp][] = [
    [null, /^skip/],
    [900, /^true the clocks of both machines agree/],
    [-5_000, /^true .*5 s behind/],
    [61_000, /^false .*61 s ahead of ours\n.*NTP/],
  ];
  test.each(clocks)('%s ms', (skew, text) => expect(textOf(clockResult(skew))).toMatch(text));
});
