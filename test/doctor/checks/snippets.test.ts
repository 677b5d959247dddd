/** What the doctor prints for the XMPP server is what the shipped files and the documents say. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ejabberdSnippet, namesOf, prosodySnippet, secret, serverAdvice } from '../../../src/doctor/checks/snippets';
import { configOf } from '../support';

const names = { domain: 'ximss.example.org', port: 5347, users: 'example.org', mistaken: null };
const root = join(__dirname, '../../..');
const shipped = (file: string): string => readFileSync(join(root, file), 'utf8').replaceAll('change-me', secret);
const block = (file: string, language: string, beginning: string): string => {
  const blocks = [...shipped(file).matchAll(/^```(\w+)\n([^]*?)^```/gm)];
  return blocks.find(([, as, text = '']) => as === language && text.includes(beginning))?.[2] ?? '';
};
/** Lua without comments and layout. */
const squeezed = (text: string): string => text.replace(/--.*$/gm, '').replace(/[\s;]+/g, '');

test.each<[string, string]>([
  ['config/prosody.cfg.lua', shipped('config/prosody.cfg.lua')],
  ['docs/prosody.md', block('docs/prosody.md', 'lua', 'Component')],
])('Prosody: the same text as %s', (_, text) => {
  expect(squeezed(prosodySnippet(names))).toBe(squeezed(text));
});

test.each<[string, string]>([
  ['config/ejabberd.yml', shipped('config/ejabberd.yml')],
  ['docs/ejabberd.md', block('docs/ejabberd.md', 'yaml', 'ejabberd_service')],
])('ejabberd: the same settings as %s', (_, text) => {
  expect(parse(ejabberdSnippet(names))).toEqual(parse(text));
});

test('what is added replaces no list of the host of the users', () => {
  const [, host = ''] = /^VirtualHost([^]*?)^Component/m.exec(shipped('config/prosody.cfg.lua')) ?? [];
  expect(host).toContain('privileged_entities');
  expect(host).not.toContain('modules_enabled');
  expect(squeezed(shipped('config/prosody.cfg.lua'))).not.toContain('network_settings');
});

test('no right is asked for that nothing uses', () => {
  expect(`${prosodySnippet(names)}${ejabberdSnippet(names)}`).not.toMatch(/outgoing|message/);
});

test("the names are the configuration's, the secret never is", () => {
  const config = configOf({ BRIDGE_XMPP_SERVICE: 'xmpp://127.0.0.1:1234', BRIDGE_XMPP_DOMAIN: 'gw.jabber.test' });
  const text = serverAdvice(namesOf(config));
  expect(text).toContain('    Component "gw.jabber.test"');
  expect(text).toContain('    component_ports = { 1234 }');
  expect(text).toContain('    VirtualHost "jabber.test"');
  expect(text).not.toContain(config.xmpp.secret);
});

test("the users' own domain is not advised as a component", () => {
  const text = serverAdvice(namesOf(configOf({ BRIDGE_XMPP_DOMAIN: 'jabber-users.org' })));
  expect(text).toContain('jabber-users.org seems to be the domain of your users');
  expect(text).toContain('      domain: ximss.jabber-users.org');
  expect(text).toContain('    VirtualHost "jabber-users.org"');
  expect(text).not.toMatch(/Component "jabber-users\.org"|^ +jabber-users\.org:/m);
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
