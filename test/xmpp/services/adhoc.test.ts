import { parseJid, type Jid } from '../../../src/core/address';
import { ru } from '../../../src/core/i18n/ru';
import { Fault } from '../../../src/core/fault';
import { gatewayPeer } from '../../../src/core/model';
import type { Command } from '../../../src/bridge/ports';
import { languageOfTag } from '../../../src/core/i18n';
import { makeAdhoc, type Adhoc } from '../../../src/xmpp/services/adhoc';
import type { IqRequest } from '../../../src/xmpp/iq';
import { attr, childOf, childrenOf, elements, type Element } from '../../../src/xmpp/stanza/element';
import { manualClock } from '../../support/clock';
import { silentLog } from '../../support/silence';
import { stanzaOf } from '../stanzas';

const commandsNs = 'http://jabber.org/protocol/commands';
const clock = manualClock();
let ids = 0;
let asked: string[] = [];

const greet: Command = {
  node: 'greet',
  title: (language) => ({ en: 'Greet', ru: 'Приветствие' })[language],
  permission: 'allowed',
  run: ({ language }) => ({
    kind: 'form',
    title: language,
    hint: 'who?',
    fields: [{ var: 'name', type: 'text-single', isRequired: true }],
    next(answers) {
      const name = answers.get('name') ?? '';
      asked.push(name);
      if (name === '') throw new Fault('not-acceptable', { text: 'A name, please.' });
      if (name === 'bug') throw new TypeError('SECRET');
      return {
        kind: 'form',
        title: 'sure?',
        fields: [{ var: 'sure', type: 'boolean', value: 'true' }],
        next: () => ({
          kind: 'done',
          text: `Hello ${name}`,
          table: { title: 'T', columns: [{ var: 'a', label: 'A' }], rows: [['1'], ['2']] },
        }),
      };
    },
  }),
};
const done = (node: string, permission: Command['permission']): Command => ({
  node,
  title: () => node,
  permission,
  run: () => ({ kind: 'done', text: 'done' }),
});

let adhoc: Adhoc;
beforeEach(() => {
  asked = [];
  adhoc = makeAdhoc({
    commands: [greet, done('status', 'linked'), done('reconnect', 'admin')],
    permits: (user, permission) => permission === 'allowed' || user.startsWith(`${permission}@`),
    newId: () => `s${(ids += 1)}`,
    clock,
    log: silentLog,
  });
});

function request(from: string, inside: string, more = ''): IqRequest {
  const stanza = stanzaOf(`<iq type='set' from='${from}' to='ximss.test' id='1' ${more}>${inside}</iq>`);
  const [payload] = elements(stanza);
  if (!payload) throw new Error('no payload');
  const language = languageOfTag(attr(stanza, 'xml:lang')) ?? 'en';
  return {
    from: parseJid(from) as Jid,
    peer: gatewayPeer,
    stanza,
    payload,
    language,
    signal: new AbortController().signal,
  }; // a good JID
}

async function execute(attrs: string, inside = '', from = 'juliet@jabber.test/b', more = ''): Promise<Element> {
  const answer = await adhoc.service.set?.(
    request(from, `<command xmlns='${commandsNs}' ${attrs}>${inside}</command>`, more),
  );
  if (!answer) throw new Error('no answer');
  if ('fault' in answer) throw Object.assign(answer.fault, { detail: answer.detail.toString() });
  return answer;
}
const fill = (name: string, type = 'submit'): string =>
  `<x xmlns='jabber:x:data' type='${type}'><field var='name'><value>${name}</value></field></x>`;
const noteOf = (command: Element): string => {
  const note = childOf(command, 'note');
  return `${command.attrs['status']} ${note?.attrs['type']}: ${note?.getText()}`;
};

test('a conversation of two forms', async () => {
  const first = await execute(`node='greet'`);
  const id = `node='greet' sessionid='${first.attrs['sessionid']}'`;
  expect(first.attrs).toMatchObject({ status: 'executing', node: 'greet' });
  expect(childOf(first, 'actions')?.attrs['execute']).toBe('complete');
  const second = await execute(`${id} action='complete'`, fill('Romeo'));
  expect(second.attrs).toMatchObject({ status: 'executing', sessionid: first.attrs['sessionid'] });
  const last = await execute(id, fill('x'));
  expect(noteOf(last)).toBe('completed info: Hello Romeo');
  const table = childOf(last, 'x', 'jabber:x:data') as Element; // asserted next
  expect(childrenOf(table, 'item')).toHaveLength(2);
  await expect(execute(id, fill('x'))).rejects.toMatchObject({ code: 'bad-request' });
});

test('the language of the request', async () => {
  const first = await execute(`node='greet'`, '', 'juliet@jabber.test/b', `xml:lang='ru'`);
  expect(first.toString()).toContain('<title>ru</title>');
});

test.each<[string, string, string]>([
  ['a refusal of the command', '', 'completed error: A name, please.'],
  ['a mistake of ours', 'bug', 'completed error: The gateway made a mistake. It has been logged.'],
])('%s ends it with a sentence', async (_what, name, expected) => {
  const { attrs } = await execute(`node='greet'`);
  expect(noteOf(await execute(`node='greet' sessionid='${attrs['sessionid']}'`, fill(name)))).toBe(expected);
});

test.each<[string, string, string]>([
  ['by action', `action='cancel'`, ''],
  ['by form', '', fill('Romeo', 'cancel')],
])('given up %s', async (_what, action, inside) => {
  const { attrs } = await execute(`node='greet'`);
  const answer = await execute(`node='greet' sessionid='${attrs['sessionid']}' ${action}`, inside);
  expect(answer.attrs['status']).toBe('canceled');
  expect(asked).toEqual([]);
});

test('a step is taken once, although it is submitted twice', async () => {
  const { attrs } = await execute(`node='greet'`);
  const again = `node='greet' sessionid='${attrs['sessionid']}'`;
  const both = await Promise.allSettled([execute(again, fill('Romeo')), execute(again, fill('Romeo'))]);
  expect(both.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(asked).toEqual(['Romeo']);
});

test('a session belongs to one resource, one command and ten minutes', async () => {
  const { attrs } = await execute(`node='greet'`);
  const id = attrs['sessionid'];
  await expect(execute(`node='greet' sessionid='${id}'`, fill('x'), 'juliet@jabber.test/other')).rejects.toThrow(Fault);
  await expect(execute(`node='status' sessionid='${id}'`, fill('x'))).rejects.toThrow(Fault);
  await expect(execute(`node='greet' sessionid='${id}' action='prev'`)).rejects.toThrow(Fault);
  clock.advance(600_000);
  await expect(execute(`node='greet' sessionid='${id}'`, fill('x'))).rejects.toMatchObject({ code: 'not-allowed' });
  expect(asked).toEqual([]);
});

test.each<[string, (id: string) => string, string, string]>([
  ['a session that is none', () => `sessionid='forged'`, 'bad-request', 'bad-sessionid'],
  ['an action that nobody knows', (id) => `sessionid='${id}' action='jump'`, 'bad-request', 'malformed-action'],
  ['an action that is not offered', (id) => `sessionid='${id}' action='prev'`, 'bad-request', 'bad-action'],
])('says what was wrong with a request (section 4.6): %s', async (_what, attrsOf, code, condition) => {
  const { attrs } = await execute(`node='greet'`);
  const detail = `<${condition} xmlns="${commandsNs}"/>`;
  await expect(execute(`node='greet' ${attrsOf(attrs['sessionid'] ?? '')}`)).rejects.toMatchObject({ code, detail });
});

test('a session that has run out is said to have expired', async () => {
  const { attrs } = await execute(`node='greet'`);
  clock.advance(600_000);
  await expect(execute(`node='greet' sessionid='${attrs['sessionid']}'`)).rejects.toMatchObject({
    code: 'not-allowed',
    detail: `<session-expired xmlns="${commandsNs}"/>`,
  });
});

test('a step that fails says so in the language of the request', async () => {
  const [from, more] = ['juliet@jabber.test/b', `xml:lang='ru'`];
  const { attrs } = await execute(`node='greet'`, '', from, more);
  const answer = await execute(`node='greet' sessionid='${attrs['sessionid']}'`, fill('bug'), from, more);
  expect(noteOf(answer)).toBe(`completed error: ${ru.faults.internal}`);
});

test('a user has five sessions; the sixth ends the first', async () => {
  const opened: string[] = [];
  for (let i = 0; i < 6; i += 1) opened.push((await execute(`node='greet'`)).attrs['sessionid'] ?? '');
  await expect(execute(`node='greet' sessionid='${opened[0]}'`, fill('a'))).rejects.toMatchObject({
    code: 'bad-request',
  });
  expect((await execute(`node='greet' sessionid='${opened[1]}'`, fill('a'))).attrs['status']).toBe('executing');
});

test.each<[string, string, string, string]>([
  ['anybody, a command for admins', 'juliet@jabber.test/b', 'reconnect', 'forbidden'],
  ['somebody without a link, a command for the linked', 'juliet@jabber.test/b', 'status', 'not-linked'],
  ['anybody, what does not exist', 'juliet@jabber.test/b', 'nothing', 'not-found'],
  ['an admin', 'admin@jabber.test/b', 'reconnect', 'done'],
  ['somebody with a link', 'linked@jabber.test/b', 'status', 'done'],
])('%s', async (_what, from, node, outcome) => {
  const run = execute(`node='${node}'`, '', from);
  if (outcome === 'done') expect(noteOf(await run)).toBe('completed info: done');
  else await expect(run).rejects.toMatchObject({ code: outcome });
});

test('the list shows what one may run, in the own language', () => {
  const items = (from: string, more = ''): string[] => {
    const query = adhoc.items(commandsNs, request(from, '<query/>', more));
    return query ? childrenOf(query, 'item').map((item) => `${item.attrs['node']} ${item.attrs['name']}`) : [];
  };
  expect(items('juliet@jabber.test/b')).toEqual(['greet Greet']);
  expect(items('admin@jabber.test/b', `xml:lang='ru'`)).toEqual(['greet Приветствие', 'reconnect reconnect']);
});

test('disco knows the nodes one may run, and no others', () => {
  const asking = request('juliet@jabber.test/b', '<query/>');
  expect(adhoc.info('greet', asking)?.toString()).toContain('type="command-node" name="Greet"');
  expect(adhoc.info(commandsNs, asking)?.toString()).toContain('type="command-list"');
  expect(adhoc.info('reconnect', asking)).toBeNull();
  expect(adhoc.info('nothing', asking)).toBeNull();
  expect(adhoc.items('nothing', asking)).toBeNull();
});
