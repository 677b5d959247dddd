/** The short snippets say the same as the files that the test servers run on. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import {
  componentAdvice,
  ejabberdComponent,
  ejabberdPrivileges,
  namesOf,
  privilegeAdvice,
  prosodyComponent,
  prosodyPrivileges,
  secret,
} from '../../../src/doctor/checks/snippets';
import { configOf } from '../support';

const names = { domain: 'ximss.example.org', port: 5347, users: 'example.org' };
const shipped = (file: string): string =>
  readFileSync(join(__dirname, '../../../config', file), 'utf8').replaceAll('change-me', secret);

test('ejabberd: the same settings', () => {
  const whole: unknown = parse(shipped('ejabberd.yml'));
  expect(parse(`${ejabberdComponent(names)}\n${ejabberdPrivileges(names)}`)).toEqual(whole);
});

test('Prosody: every statement stands in the file', () => {
  const squeezed = (text: string): string => text.replace(/--.*$/gm, '').replace(/[\s;]+/g, '');
  const whole = squeezed(shipped('prosody.cfg.lua'));
  for (const line of `${prosodyComponent(names)}\n${prosodyPrivileges(names)}`.split('\n')) {
    expect(whole).toContain(squeezed(line).replace(/}$/, ''));
  }
});

test("the names are the configuration's, the secret never is", () => {
  const config = configOf({ BRIDGE_XMPP_SERVICE: 'xmpp://127.0.0.1:1234', BRIDGE_XMPP_DOMAIN: 'gw.jabber.test' });
  const text = `${componentAdvice(namesOf(config))}\n${privilegeAdvice(namesOf(config))}`;
  expect(text).toContain('    Component "gw.jabber.test"');
  expect(text).toContain('    component_ports = { 1234 }');
  expect(text).toContain('    VirtualHost "jabber.test"');
  expect(text).not.toContain(config.xmpp.secret);
});

const users: [string, Record<string, string>, string][] = [
  ['the parent domain', {}, 'test'],
  [
    "the first account's",
    { BRIDGE_ACCOUNTS: '[{"jid":"a@b.test","account":"a@example.net","password":"x"}]' },
    'b.test',
  ],
  ['what was configured', { BRIDGE_XMPP_SERVER_DOMAIN: 'c.test' }, 'c.test'],
];
test.each(users)('host of the users: %s', (_, env, host) => expect(namesOf(configOf(env)).users).toBe(host));
