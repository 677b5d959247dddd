import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { base, here, load, shown, type Given } from './given';

describe('secrets in files', () => {
  beforeEach(() => {
    writeFileSync(join(here(), 'secret'), 'from a file\n');
    writeFileSync(join(here(), 'empty'), '\n');
    mkdirSync(join(here(), 'folder'));
  });
  const unsecret = { service: base.xmpp.service, domain: base.xmpp.domain };
  const entry = { jid: 'a@b.c', account: 'a@d.e' };

  const good: [string, Given, unknown][] = [
    ['beside the key', { yaml: { ...base, xmpp: { ...unsecret, secretFile: 'secret' } } }, { xmpp: { secret: 'from a file' } }],
    ['of an account', { yaml: { ...base, accounts: [{ ...entry, passwordFile: './secret' }] } }, { accounts: [{ password: 'from a file' }] }],
    ['by the environment, over the file', { env: { BRIDGE_XMPP_SECRET_FILE: 'secret' } }, { xmpp: { secret: 'from a file' } }],
    ['under a secret of the environment', { yaml: { ...base, xmpp: { ...unsecret, secretFile: 'none' } }, env: { BRIDGE_XMPP_SECRET: 'mine' } }, { xmpp: { secret: 'mine' } }],
    ['of the Sentinels', { yaml: { ...base, redis: { sentinel: { hosts: ['a:1'], passwordFile: 'secret' }, password: 'own' } } }, { redis: { password: 'own', sentinel: { password: 'from a file' } } }],
    ['of the Sentinels, by the environment', { env: { BRIDGE_REDIS_SENTINEL_PASSWORD_FILE: 'secret', BRIDGE_REDIS_SENTINEL_HOSTS: 'a:1' } }, { redis: { sentinel: { password: 'from a file' } } }],
    ['for the console', { env: { BRIDGE_HTTP_TOKEN_FILE: 'secret' } }, { http: { token: 'from a file' } }],
  ]; // prettier-ignore
  test.each(good)('are read: %s', (_, given, expected) => {
    expect(load(given)).toMatchObject(expected as object); // the third column of the table above
  });

  const bad: [string, Given, RegExp][] = [
    ['both forms at once', { yaml: { ...base, xmpp: { ...base.xmpp, secretFile: 'secret' } } }, /^xmpp\.secretFile: give secret or secretFile, not both$/],
    ['both forms in the environment', { env: { BRIDGE_XMPP_SECRET: 'a', BRIDGE_XMPP_SECRET_FILE: 'secret' } }, /^xmpp\.secretFile: give secret or/],
    ['a file that is not there', { yaml: { ...base, xmpp: { ...unsecret, secretFile: 'none' } } }, /^xmpp\.secretFile: none: there is no such file$/],
    ['a folder', { yaml: { ...base, xmpp: { ...unsecret, secretFile: 'folder' } } }, /^xmpp\.secretFile: folder: is a folder/],
    ['an empty file', { yaml: { ...base, http: { tokenFile: 'empty' } } }, /^http\.tokenFile: empty: is empty$/],
    ['a number for a name', { yaml: { ...base, accounts: [{ ...entry, passwordFile: 5 }] } }, /^accounts\.0\.passwordFile: must be the name of a file$/],
    ['neither', { yaml: { ...base, accounts: [entry] } }, /^accounts\.0\.password: is missing \(give it, or passwordFile\)$/],
  ]; // prettier-ignore
  test.each(bad)('are refused, as the only problem: %s', (_, given, message) => {
    expect(shown(given)).toEqual([expect.stringMatching(message)]);
  });
});
