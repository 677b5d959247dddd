import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { exposedSecrets } from '../../src/config';
import { here } from './given';

const write = (name: string, content: unknown, mode: number): string => {
  const path = join(here(), name);
  writeFileSync(path, typeof content === 'string' ? content : stringify(content));
  chmodSync(path, mode);
  return path;
};
const inline = { xmpp: { secret: 'x' }, accounts: [{ jid: 'a@b.c', password: 'x' }] };

test.each<[string, unknown, number, readonly string[]]>([
  [
    'secrets in the file, open to all',
    inline,
    0o644,
    ['bridge.yaml holds xmpp.secret, accounts and can be read by every user of this machine: chmod 640 bridge.yaml'],
  ],
  ['secrets in the file, for its owner and group', inline, 0o640, []],
  ['no secret in the file', { xmpp: { domain: 'x.test' } }, 0o644, []],
  ['a file that is no YAML, which others report', 'a: [', 0o644, []],
])('%s', (_, content, mode, expected) => {
  expect(exposedSecrets(write('bridge.yaml', content, mode))).toEqual(expected);
});

test('files that hold a secret each', () => {
  write('open', 'x', 0o644);
  write('closed', 'x', 0o600);
  const content = { xmpp: { secretFile: 'open' }, http: { tokenFile: 'closed' }, accounts: [{ passwordFile: 'open' }] };
  expect(exposedSecrets(write('bridge.yaml', content, 0o644))).toEqual([
    'xmpp.secretFile: open can be read by every user of this machine: chmod 640 open',
    'accounts.0.passwordFile: open can be read by every user of this machine: chmod 640 open',
  ]);
});

test('no file at all', () => {
  expect(exposedSecrets(null)).toEqual([]);
});
