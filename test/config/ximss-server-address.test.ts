/** The address of the XIMSS server: each scheme with its default port, and what is none. */
import { parseFarServer } from '../../src/config';

test.each([
  ['ximss://cgp.example.net', { binding: 'tcp', isTls: false, host: 'cgp.example.net', port: 11024, basePath: '' }],
  ['ximss://cgp.example.net:5', { binding: 'tcp', isTls: false, host: 'cgp.example.net', port: 5, basePath: '' }],
  [
    'ximss+tls://cgp.example.net:443',
    { binding: 'tcp', isTls: true, host: 'cgp.example.net', port: 443, basePath: '' },
  ],
  ['ximss://[::1]:5', { binding: 'tcp', isTls: false, host: '::1', port: 5, basePath: '' }],
  ['http://cgp.example.net', { binding: 'http', isTls: false, host: 'cgp.example.net', port: 80, basePath: '' }],
  [
    'https://proxy.example.net/cgp/',
    { binding: 'http', isTls: true, host: 'proxy.example.net', port: 443, basePath: '/cgp' },
  ],
  ['https://cgp.example.net:9100', { binding: 'http', isTls: true, host: 'cgp.example.net', port: 9100, basePath: '' }],
])('the server %s', (text, expected) => {
  expect(parseFarServer(text)).toEqual(expected);
});

test.each(['', 'cgp.example.net', 'xmpp://a', 'ximss://', 'ximss:///x'])('"%s" is no server', (text) => {
  expect(parseFarServer(text)).toBeNull();
});
