import { accepted, isLoopback, parseXimssServer, parseXmppService, parseListen } from '../../src/config';

/** Where the servers are, as the configuration says it: what is accepted here is what runs. */
describe('the XMPP service', () => {
  test.each<[string, object | null]>([
    ['xmpp://127.0.0.1:5347', { host: '127.0.0.1', port: 5347, isTls: false }],
    ['xmpp://localhost', { host: 'localhost', port: 5347, isTls: false }],
    ['xmpp://x.localhost', { host: 'x.localhost', port: 5347, isTls: false }],
    ['xmpp://[::1]:1', { host: '::1', port: 1, isTls: false }],
    ['xmpps://xmpp.example.org:5348', { host: 'xmpp.example.org', port: 5348, isTls: true }],
    ['http://127.0.0.1:5347', null],
    ['127.0.0.1:5347', null],
    ['xmpp://', null],
    ['xmpp://user:password@host', null],
    ['xmpp://host/path', null],
  ])('%s', (text, expected) => {
    expect(parseXmppService(text)).toEqual(expected);
  });
});

describe('the XIMSS server', () => {
  const at = { isTls: false, host: 'cgp.example.net', basePath: '' };
  test.each<[string, object | null]>([
    ['ximss://cgp.example.net', { ...at, binding: 'tcp', port: 11024 }],
    ['ximss://cgp.example.net:5', { ...at, binding: 'tcp', port: 5 }],
    ['ximss+tls://cgp.example.net:443', { ...at, binding: 'tcp', isTls: true, port: 443 }],
    ['ximss+tls://cgp.example.net', null],
    ['ximss://[::1]:5', { ...at, binding: 'tcp', host: '::1', port: 5 }],
    ['http://cgp.example.net', { ...at, binding: 'http', port: 80 }],
    ['https://cgp.example.net:9100', { ...at, binding: 'http', isTls: true, port: 9100 }],
    [
      'https://proxy.example.net/cgp/',
      { binding: 'http', isTls: true, host: 'proxy.example.net', port: 443, basePath: '/cgp' },
    ],
    ['', null],
    ['cgp.example.net', null],
    ['xmpp://a', null],
    ['ximss://', null],
    ['ximss:///x', null],
  ])('"%s"', (text, expected) => {
    expect(parseXimssServer(text)).toEqual(expected);
  });
});

test.each<[string, boolean]>([
  ['localhost', true],
  ['x.localhost', true],
  ['LOCALHOST.', true],
  ['127.1.2.3', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['127.0.0.1.example.org', false],
  ['localhost.example.org', false],
  ['10.0.0.1', false],
])('%s is this machine: %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});

test.each<[string, object | null]>([
  ['127.0.0.1:9114', { host: '127.0.0.1', port: 9114 }],
  ['[::1]:0', { host: '::1', port: 0 }],
  ['localhost:65536', null],
  ['9114', null],
  ['::1:9114', null],
])('listen on %s', (text, expected) => {
  expect(parseListen(text)).toEqual(expected);
});

test('a text that no configuration could hold is refused, and named', () => {
  expect(() => accepted(parseXmppService, 'nonsense')).toThrow('"nonsense" is no address');
});
