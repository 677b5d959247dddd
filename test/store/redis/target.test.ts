/** What the settings of Redis are to ioredis, and to people: no name carries a password. */
import { Fault } from '../../../src/core/fault';
import { targetOf } from '../../../src/store/redis/target';

describe('the URL of one server', () => {
  test.each([
    ['a plain one', 'redis://127.0.0.1', { host: '127.0.0.1', port: 6379 }, 'redis://127.0.0.1:6379'],
    [
      'with all parts',
      'redis://u:p%40ss@h:7/3',
      { host: 'h', port: 7, username: 'u', password: 'p@ss', db: 3 },
      'redis://h:7',
    ],
    ['a password alone', 'redis://:pw@h', { host: 'h', port: 6379, password: 'pw' }, 'redis://h:6379'],
    ['IPv6', 'redis://[::1]:9', { host: '::1', port: 9 }, 'redis://::1:9'],
    ['TLS', 'rediss://h', { host: 'h', port: 6379, tls: { servername: 'h' } }, 'rediss://h:6379'],
    ['a socket', 'unix:///run/r.sock', { path: '/run/r.sock' }, '/run/r.sock'],
    ['a path', '/run/r.sock', { path: '/run/r.sock' }, '/run/r.sock'],
  ])('%s', (_, url, options, name) => {
    expect(targetOf({ url })).toEqual({ kind: 'single', options, name }); // the name carries no password
  });

  test.each(['', 'redis', 'http://h', 'run/r.sock'])('%j is none', (url) => {
    expect(() => targetOf({ url })).toThrow(Fault);
  });
});

test('Sentinels: their own password beside that of the servers', () => {
  const target = targetOf({
    url: null,
    sentinel: {
      name: 'main',
      hosts: [
        { host: '10.0.0.1', port: 26379 },
        { host: '::1', port: 26380 },
      ],
      username: 's',
      password: 'sp',
    },
    username: 'u',
    password: 'p',
  });
  expect(target).toEqual({
    kind: 'sentinel',
    name: 'Sentinel main (10.0.0.1:26379, [::1]:26380)',
    options: {
      name: 'main',
      sentinels: [
        { host: '10.0.0.1', port: 26379 },
        { host: '::1', port: 26380 },
      ],
      username: 'u',
      password: 'p',
      sentinelUsername: 's',
      sentinelPassword: 'sp',
    },
  });
});

test('a Cluster', () => {
  expect(
    targetOf({
      url: null,
      cluster: [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
      ],
      password: 'p',
    }),
  ).toEqual({
    kind: 'cluster',
    name: 'Redis Cluster (a:1, b:2)',
    nodes: [
      { host: 'a', port: 1 },
      { host: 'b', port: 2 },
    ],
    options: { password: 'p' },
  });
});

test('TLS is for the servers and for the Sentinels', () => {
  const tls = { ca: 'PEM' };
  const sentinel = targetOf({
    url: null,
    sentinel: { name: 'm', hosts: [{ host: 'a', port: 1 }] },
    isTls: true,
    ca: 'PEM',
  });
  expect(sentinel.options).toMatchObject({ tls, sentinelTLS: tls, enableTLSForSentinelMode: true });
  expect(targetOf({ url: null, cluster: [{ host: 'a', port: 1 }], isTls: true, ca: 'PEM' }).options).toEqual({ tls });
  expect(targetOf({ url: 'rediss://h', ca: 'PEM' }).options).toMatchObject({ tls: { servername: 'h', ca: 'PEM' } });
});
