import { base, load, problems } from './given';

describe('the environment', () => {
  const values: [string, string, string, unknown][] = [
    ['a text', 'BRIDGE_XMPP_DOMAIN', 'other.example.org', { xmpp: { domain: 'other.example.org' } }],
    ['a number', 'BRIDGE_LIMITS_STANZA_BYTES', '2048', { limits: { stanzaBytes: 2048 } }],
    ['a flag', 'BRIDGE_XMPP_ALLOW_REMOTE_PLAINTEXT', 'true', { xmpp: { allowRemotePlaintext: true } }],
    ['a flag as a digit', 'BRIDGE_REGISTRATION_ENABLED', '0', { registration: { enabled: false } }],
    ['a word where a number may stand', 'BRIDGE_DELIVERY_HOLD_SECONDS', 'auto', { delivery: { holdSeconds: 'auto' } }],
    ['a number where a word may stand', 'BRIDGE_DELIVERY_HOLD_SECONDS', '7', { delivery: { holdSeconds: 7 } }],
    [
      'a list with commas',
      'BRIDGE_ACCESS_ALLOW',
      'example.org, a@b.c',
      { access: { allow: ['example.org', 'a@b.c'] } },
    ],
    ['a list as JSON', 'BRIDGE_ACCESS_DENY', '["example.org"]', { access: { deny: ['example.org'] } }],
    ['the empty list', 'BRIDGE_ACCESS_ALLOW', '[]', { access: { allow: [] } }],
    ['null', 'BRIDGE_REDIS_URL', 'null', { redis: { url: null } }],
    ['a secret that looks like a number', 'BRIDGE_XMPP_SECRET', '007', { xmpp: { secret: '007' } }],
    ['a secret with spaces', 'BRIDGE_XMPP_SECRET', ' a b ', { xmpp: { secret: ' a b ' } }],
    ['nothing, which is not set', 'BRIDGE_XMPP_SECRET', '', { xmpp: { secret: 's3cret' } }],
    ['a top-level key', 'BRIDGE_DATA_DIR', '/var/lib/bridge', { dataDir: '/var/lib/bridge' }],
    [
      'the accounts as JSON',
      'BRIDGE_ACCOUNTS',
      '[{"jid":"a@b.c","account":"a@d.e","password":"p"}]',
      { accounts: [{ jid: 'a@b.c', account: 'a@d.e', password: 'p' }] },
    ],
    ['what Kubernetes makes for a service', 'BRIDGE_PORT_9114_TCP_ADDR', '10.0.0.1', {}],
    ['the name of the file', 'BRIDGE_CONFIG', 'x.yaml', {}],
  ];
  test.each(values)('takes %s', (_, variable, value, expected) => {
    expect(load({ yaml: { ...base, redis: { url: 'redis://h' } }, env: { [variable]: value } })).toMatchObject(
      expected as object, // the fourth column of the table above
    );
  });

  const wrong: [string, Record<string, string>, string][] = [
    [
      'an unknown name',
      { BRIDGE_XMPP_SEKRET: 'x' },
      'BRIDGE_XMPP_SEKRET: unknown key; did you mean BRIDGE_XMPP_SECRET?',
    ],
    ['a number that is none', { BRIDGE_LIMITS_STANZA_BYTES: '2k' }, 'limits.stanzaBytes: must be a number, not a text'],
    [
      'a flag that is none',
      { BRIDGE_REGISTRATION_ENABLED: 'maybe' },
      'registration.enabled: must be true or false, not a text',
    ],
    ['broken JSON', { BRIDGE_ACCOUNTS: '[{"password":"hunter2"' }, 'accounts: is not valid JSON'],
  ];
  test.each(wrong)('refuses %s', (_, env, message) => {
    const found = problems({ env });
    expect(found.map((problem) => `${problem.path}: ${problem.message}`)).toEqual([message]);
    expect(found[0]?.where).not.toBeNull();
    expect(JSON.stringify(found)).not.toContain('hunter2');
  });
});
