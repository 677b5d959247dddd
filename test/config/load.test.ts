import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { loadConfig } from '../../src/config';
import { base, here, load, problems, shown } from './given';

describe('a sound configuration', () => {
  test('the shortest one gets every default', () => {
    expect(load({})).toEqual({
      xmpp: { ...base.xmpp, allowRemotePlaintext: false, serverDomain: null, caFile: null },
      ximss: {
        ...base.ximss,
        starttls: 'required',
        login: 'auto',
        caFile: null,
        keepAliveSeconds: 240,
        requestTimeoutSeconds: 30,
        dialect: {},
      },
      accounts: [],
      registration: { enabled: true, triesPerHour: 10, linksPerDomain: 1_000 },
      provisioning: { enabled: false, domain: null, template: '{local}.{domain}' },
      access: { allow: ['*'], deny: [], admins: [] },
      limits: { stanzaBytes: 262_144, messagesPerMinute: 120, requestsPerMinute: 600 },
      delivery: {
        expireAfterSeconds: 259_200,
        receipts: 'accepted',
        unknownOutcome: 'retry',
        holdSeconds: 'auto',
        dedupeWindowSeconds: 86_400,
        laneMax: 10_000,
        queueMax: 1_000_000,
      },
      presence: { leaseSeconds: 90, settleSeconds: 30 },
      roster: { compareSeconds: 600 },
      redis: {
        url: null,
        sentinel: { name: 'mymaster', hosts: [], username: null, password: null },
        cluster: null,
        username: null,
        password: null,
        tls: false,
        caFile: null,
        wait: 0,
      },
      scale: { name: null, shards: 16 },
      dataDir: join(here(), 'data'),
      language: 'en',
      secretKeyFile: null,
      http: { listen: '127.0.0.1:9114', token: null },
      log: { level: 'info', messages: false },
    });
  });

  test('a section with nothing in it is an empty section', () => {
    const yaml = `${stringify(base)}accounts:\nregistration:\nlimits:\n  # all defaults\n`;
    expect(load({ yaml })).toMatchObject({ accounts: [], registration: { enabled: true } });
  });

  test('it is frozen to its last leaf', () => {
    const config = load({});
    expect(Object.isFrozen(config) && Object.isFrozen(config.access.allow)).toBe(true);
  });

  test('domains and addresses are folded, a unix socket loses its scheme', () => {
    const accounts = [{ jid: 'Juliet@Example.ORG', account: 'Juliet@Example.net', password: 'P' }];
    const config = load({ yaml: { ...base, accounts, redis: { url: 'unix:///run/redis.sock' } } });
    expect(config.accounts).toEqual([{ jid: 'juliet@example.org', account: 'juliet@example.net', password: 'P' }]);
    expect(config.redis.url).toBe('/run/redis.sock');
  });

  test('relative paths start at the folder of the file, absolute ones stay', () => {
    const config = load({ yaml: { ...base, dataDir: '../elsewhere', secretKeyFile: '/etc/bridge.key' } });
    expect(config.dataDir).toBe(resolve(here(), '../elsewhere'));
    expect(config.secretKeyFile).toBe('/etc/bridge.key');
  });

  test('the environment alone is enough', () => {
    const env = {
      BRIDGE_XMPP_SERVICE: 'xmpps://xmpp.example.org:5348',
      BRIDGE_XMPP_DOMAIN: 'ximss.example.org',
      BRIDGE_XMPP_SECRET: 'x',
      BRIDGE_XIMSS_SERVER: 'https://cgp.example.net',
      BRIDGE_XIMSS_DOMAIN: 'example.net',
    };
    expect(loadConfig({ path: null, env }).dataDir).toBe(resolve('data'));
  });
});

describe('problems', () => {
  const one: [string, object, string][] = [
    ['an unknown key', { limits: { stanzaByte: 1 } }, 'limits.stanzaByte: unknown key; did you mean stanzaBytes?'],
    ['an unknown section', { acess: {} }, 'acess: unknown key; did you mean access?'],
    ['a wrong type', { limits: { stanzaBytes: 'many' } }, 'limits.stanzaBytes: must be a number, not a text'],
    ['a number for a text', { xmpp: { ...base.xmpp, secret: 12345 } }, 'xmpp.secret: must be a text, not a number; put it in quotes'],
    ['a text for a section', { http: 'localhost' }, 'http: must be a group of keys, not a text'],
    ['a section for a list', { access: { allow: {} } }, 'access.allow: must be a list, not a group of keys'],
    ['a duration below a second', { ximss: { ...base.ximss, keepAliveSeconds: 0 } }, 'ximss.keepAliveSeconds: must be from 1 to 86400, is 0'],
    ['a size below a kibibyte', { limits: { stanzaBytes: 1023 } }, 'limits.stanzaBytes: must be from 1024 to 67108864, is 1023'],
    ['a rate below one', { limits: { messagesPerMinute: 0 } }, 'limits.messagesPerMinute: must be from 1 to 1000000, is 0'],
    ['a duration above its bound', { delivery: { expireAfterSeconds: 1e9 } }, 'delivery.expireAfterSeconds: must be from 1 to 31622400, is 1000000000'],
    ['a fraction of a byte', { limits: { stanzaBytes: 2048.5 } }, 'limits.stanzaBytes: must be a whole number, not a number with a fraction'],
    ['a hold that is too long', { delivery: { holdSeconds: 3601 } }, 'delivery.holdSeconds: must be from 0 to 3600, is 3601'],
    ['a hold that is a word', { delivery: { holdSeconds: 'long' } }, 'delivery.holdSeconds: must be auto or a number from 0 to 3600'],
    ['a word that is none of the choices', { ximss: { ...base.ximss, starttls: 'yes' } }, 'ximss.starttls: must be one of required, preferred, never'],
    ['nothing where a value must be', { log: { level: null } }, 'log.level: is missing'],
    ['an empty secret', { xmpp: { ...base.xmpp, secret: '' } }, 'xmpp.secret: must not be empty'],
    ['a missing secret', { xmpp: { service: base.xmpp.service, domain: 'a.b' } }, 'xmpp.secret: is missing (give it, or secretFile)'],
    ['a service that is no URL', { xmpp: { ...base.xmpp, service: 'localhost:5347' } }, 'xmpp.service: must be xmpp://HOST:PORT or xmpps://HOST:PORT'],
    ['a server with another scheme', { ximss: { ...base.ximss, server: 'imap://a' } }, 'ximss.server: must be ximss://HOST:PORT, ximss+tls://HOST:PORT, http://HOST:PORT or https://HOST:PORT'],
    ['a domain with a space', { ximss: { ...base.ximss, domain: 'exa mple' } }, 'ximss.domain: must be a domain name, for instance chat.example.org'],
    ['a plaintext component on another host', { xmpp: { ...base.xmpp, service: 'xmpp://10.0.0.1' } }, 'xmpp.service: 10.0.0.1 is another host and the connection is not encrypted: use xmpps://, a tunnel to 127.0.0.1, or set xmpp.allowRemotePlaintext: true'],
    ['an open listener without a token', { http: { listen: '0.0.0.0:9114' } }, 'http.token: is missing; it is needed because http.listen (0.0.0.0) is not loopback'],
    ['a listener without a port', { http: { listen: 'localhost' } }, 'http.listen: must be HOST:PORT'],
    ['a Sentinel without a port', { redis: { sentinel: { hosts: ['10.0.0.1'] } } }, 'redis.sentinel.hosts.0: must be HOST:PORT'],
    ['a Cluster of no nodes', { redis: { cluster: [] } }, 'redis.cluster: must not be empty'],
    ['two ways to Redis', { redis: { url: 'redis://h', sentinel: { hosts: ['h:1'] } } }, 'redis: give one of redis.url and redis.sentinel: they are different servers'],
    ['three ways to Redis', { redis: { url: 'redis://h', sentinel: { hosts: ['h:1'] }, cluster: ['h:2'] } }, 'redis: give one of redis.url and redis.sentinel and redis.cluster: they are different servers'],
    ['a password beside the URL', { redis: { url: 'redis://h', password: 'p' } }, 'redis.password: belongs to redis.sentinel or redis.cluster; they stand in redis.url: redis://USER:PASSWORD@HOST:PORT'],
    ['a user at the private Redis', { redis: { username: 'u' } }, 'redis.username: belongs to redis.sentinel or redis.cluster; the private Redis has none'],
    ['TLS beside the URL', { redis: { url: 'redis://h', tls: true } }, 'redis.tls: belongs to redis.sentinel or redis.cluster; write rediss:// in redis.url'],
    ['waiting for replicas of the private Redis', { redis: { wait: 1 } }, 'redis.wait: waits for replicas, and the private Redis has none: set redis.url or redis.sentinel'],
    ['waiting for replicas in a Cluster', { redis: { cluster: ['h:1'], wait: 1 } }, 'redis.wait: does not work with redis.cluster: set min-replicas-to-write on its nodes'],
    ['an authority of Redis that is not there', { redis: { caFile: 'ca.pem' } }, 'redis.caFile: ca.pem: there is no such file'],
    ['a Redis that is no URL', { redis: { url: 'localhost:6379' } }, 'redis.url: must be redis://, rediss://, unix:///PATH or /PATH'],
    ['a JID with a resource', { accounts: [{ jid: 'a@b.c/d', account: 'a@d.e', password: 'p' }] }, 'accounts.0.jid: must be the address of a Jabber user, like juliet@example.org'],
    ['two letters changed about in a key', { limits: { stanzaBytse: 4096 } }, 'limits.stanzaBytse: unknown key; did you mean stanzaBytes?'],
    ['a JID of the component itself', { accounts: [{ jid: 'a@ximss.example.org', account: 'a@d.e', password: 'p' }] }, 'accounts.0.jid: a@ximss.example.org is in xmpp.domain, which belongs to the bridge alone: give the Jabber user here, and when that is their domain, another xmpp.domain'],
    ["the server's own domain as the component's", { xmpp: { ...base.xmpp, serverDomain: base.xmpp.domain } }, 'xmpp.domain: ximss.example.org is the domain of the XMPP server itself (xmpp.serverDomain): give the bridge one of its own, for instance ximss.ximss.example.org'],
    ['an account without a domain', { accounts: [{ jid: 'a@b.c', account: 'a', password: 'p' }] }, 'accounts.0.account: must be an account with its domain, like juliet@example.net'],
    ['an account twice, in other letters', { accounts: [{ jid: 'a@b.c', account: 'a@d.e', password: 'p' }, { jid: 'A@B.c', account: 'b@d.e', password: 'p' }] }, 'accounts.1.jid: a@b.c has an account already: accounts.0'],
    ['an access entry that is no address', { access: { deny: ['x@'] } }, 'access.deny.0: must be a JID, a domain, "*.domain" or "*"'],
    ['an administrator that is a domain', { access: { admins: ['example.org'] } }, 'access.admins.0: must be the address of a Jabber user, like admin@example.org'],
    ['provisioning without a domain', { provisioning: { enabled: true } }, 'provisioning.domain: is missing; it is needed when provisioning.enabled is true'],
    ['a template without a name', { provisioning: { template: 'guest' } }, 'provisioning.template: must contain {local}'],
    ['a template with other braces', { provisioning: { template: '{local}{x}' } }, 'provisioning.template: may hold {local} and {domain}, but no @, space or other braces'],
    ['a CA file that is not there', { ximss: { ...base.ximss, caFile: 'ca.pem' } }, 'ximss.caFile: ca.pem: there is no such file'],
  ]; // prettier-ignore
  test.each(one)('%s is told with its path', (_, change, message) => {
    expect(shown({ yaml: { ...base, ...change } })).toEqual([message]);
  });

  test('a secret with two letters changed about is guessed, and missing', () => {
    const { service, domain } = base.xmpp;
    expect(shown({ yaml: { ...base, xmpp: { service, domain, secert: 'x' } } }).sort()).toEqual([
      'xmpp.secert: unknown key; did you mean secret?',
      'xmpp.secret: is missing (give it, or secretFile)',
    ]);
  });

  test('all are told in one run, those that join keys too, each with its line', () => {
    const yaml = [
      'xmpp:', // 1
      '  service: xmpp://xmpp.example.org', // 2
      '  domain: ximss.example.org',
      '  sekret: x', // 4
      'ximss:', // 5
      '  server: ximss://h',
      '  keepAliveSeconds: 0', // 7
      'http:', // 8
      '  listen: "[::]:9114"',
      'colour: blue', // 10
      'accounts:',
      '  - { jid: a@b.c, account: a@b.c, password: p }',
      '  - { jid: a@b.c, account: nobody, password: 5 }', // 13
    ].join('\n');
    const found = problems({ yaml, env: { BRIDGE_LOG_LEVEL: 'loud' } }).map(({ path, where }) => [path, where]);
    expect(found.sort()).toEqual(
      [
        ['xmpp.service', 'line 2'],
        ['xmpp.sekret', 'line 4'],
        ['xmpp.secret', 'line 1'],
        ['ximss.domain', 'line 5'],
        ['ximss.keepAliveSeconds', 'line 7'],
        ['http.token', 'line 8'],
        ['colour', 'line 10'],
        ['accounts.1.account', 'line 13'],
        ['accounts.1.password', 'line 13'],
        ['accounts.1.jid', 'line 13'],
        ['log.level', 'BRIDGE_LOG_LEVEL'],
      ].sort(),
    );
  });

  const broken: [string, string, RegExp][] = [
    ['an unclosed bracket', 'access:\n  allow: [a, b\nhttp: {}\n', /line [23]/],
    ['a key twice', 'log:\n  level: info\n  level: warn\n', /line 3/],
    ['a tab for indentation', 'log:\n\tlevel: info\n', /line 2/],
  ];
  test.each(broken)('broken YAML is told with its line: %s', (_, yaml, where) => {
    const found = problems({ yaml });
    expect(found.length).toBeGreaterThan(0);
    expect(found[0]?.message).toMatch(/^not valid YAML/);
    expect(found[0]?.where).toMatch(where);
  });

  test('a file that is not there is one problem', () => {
    expect(() => loadConfig({ path: join(here(), 'none.yaml'), env: {} })).toThrow(/none\.yaml: there is no such file/);
  });

  test('an alias bomb is refused', () => {
    const levels = Array.from(
      { length: 12 },
      (_, at) => `l${at + 1}: &l${at + 1} [${Array(10).fill(`*l${at}`).join(', ')}]`,
    );
    expect(shown({ yaml: `l0: &l0 [x]\n${levels.join('\n')}\n` })).toEqual([
      ': not valid YAML: too many or unresolved aliases',
    ]);
  });

  test('a secret is never part of a problem', () => {
    const yaml = {
      ...base,
      xmpp: { ...base.xmpp, secret: ['hunter2'] },
      accounts: [{ jid: 'hunter', password: 'hunter2' }],
    };
    expect(JSON.stringify(problems({ yaml }))).not.toContain('hunter2');
  });
});

describe('what passes the joining rules', () => {
  const good: [string, object][] = [
    ['TLS to another host', { xmpp: { ...base.xmpp, service: 'xmpps://xmpp.example.org' } }],
    ['plaintext to another host when told so', { xmpp: { ...base.xmpp, service: 'xmpp://prosody:5347', allowRemotePlaintext: true } }],
    ['plaintext to this host by IPv6', { xmpp: { ...base.xmpp, service: 'xmpp://[::1]:5347' } }],
    ['plaintext to localhost', { xmpp: { ...base.xmpp, service: 'xmpp://localhost' } }],
    ['an open listener with a token', { http: { listen: '0.0.0.0:9114', token: 't' } }],
    ['any free port of the loopback', { http: { listen: '127.0.0.1:0' } }],
    ['the bounds themselves', { limits: { stanzaBytes: 1024, messagesPerMinute: 1 }, delivery: { expireAfterSeconds: 1 } }],
    ['a direct TLS port', { ximss: { ...base.ximss, server: 'ximss+tls://cgp:11025' } }],
    ['an international domain', { ximss: { ...base.ximss, domain: 'пример.example' } }],
  ]; // prettier-ignore
  test.each(good)('%s', (_, change) => {
    expect(shown({ yaml: { ...base, ...change } })).toEqual([]);
  });
});

test.each([
  ['the file', { redis: { sentinel: { name: 'm', hosts: ['a:1'] } } }, {}],
  ['the environment', {}, { BRIDGE_REDIS_SENTINEL_NAME: 'm', BRIDGE_REDIS_SENTINEL_HOSTS: 'a:1' }],
])('Sentinels are given in %s; null means none', (_, given, env) => {
  const { sentinel } = load({ yaml: { ...base, ...given }, env }).redis;
  expect(sentinel).toMatchObject({ name: 'm', hosts: ['a:1'] });
  expect(load({ yaml: { ...base, redis: { sentinel: null } } }).redis.sentinel.hosts).toEqual([]);
});
