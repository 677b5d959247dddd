/** The operators' commands as forms: what one fills in, what comes of it, in whose language. */
import type { CommandStep } from '../../../src/bridge/ports';
import { nodeOf } from '../../../src/bridge/commands/admin';
import { adminCommand, adminNames, type AdminName } from '../../../src/core/admin/table';
import { languages, textsFor } from '../../../src/core/i18n';
import { en } from '../../../src/core/i18n/en';
import { Fault } from '../../../src/core/fault';
import { newPair } from '../../../src/core/contacts/pair';
import { account, jid, juliet, letter, romeo } from '../operator/operator-scene';
import { admin, commandScene, end, form } from './commands-scene';

function scene(users?: string[]) {
  const made = commandScene(users);
  const walk = (name: AdminName, forms: Readonly<Record<string, string>>[] = [], language: 'en' | 'ru' = 'en') =>
    made.walk(nodeOf(name), forms, { user: admin, language });
  return { ...made, walk };
}

test.each(languages)('each argument has a text in %s, and no text is left over', (language) => {
  const names = new Set(adminNames.flatMap((name) => adminCommand(name).args.map((argument) => argument.name)));
  expect(Object.keys(textsFor(language).operator.args).sort()).toEqual([...names].sort());
});

test('every command has a title, and no title is left over', () => {
  expect(Object.keys(en.operator.titles).sort()).toEqual([...adminNames].sort());
});

test.each(adminNames)('%s shows a field for each argument', async (name) => {
  const { args } = adminCommand(name);
  const first = await scene().walk(name);
  if (args.length === 0) return void end(first);
  const { fields, title } = form(first);
  expect(title).toBe(en.operator.titles[name]);
  expect(fields.map((field) => field.var)).toEqual(args.map((argument) => argument.name));
  expect(fields.filter((field) => field.isRequired).map((field) => field.var)).toEqual(
    args.filter(({ isRequired }) => isRequired).map((argument) => argument.name),
  );
  for (const { type, options } of fields) if (type.startsWith('list')) expect(options).toBeDefined();
});

test.each([
  ['en', 'Process process 0, : stands by'],
  ['ru', 'Процесс process 0, : наготове'],
] as const)('status names the processes in %s when there are several', async (language, line) => {
  const { walk, store } = scene();
  expect(end(await walk('status', [], language)).text).not.toContain(line);
  store.sibling();
  expect(end(await walk('status', [], language)).text).toContain(line);
});

test('links: filtered, and what was left out is any', async () => {
  const { walk, status } = scene(['juliet', 'nurse']);
  status.set(jid('nurse'), 'waiting');
  const all = end(await walk('links list', [{}]));
  expect(all.text).toBe('2 shown.');
  expect(all.rows.map((row) => row.slice(0, 3))).toEqual([
    [juliet, account('juliet'), 'online'],
    [jid('nurse'), account('nurse'), 'not connected, will be tried again'],
  ]);
  expect(end(await walk('links list', [{ status: 'waiting', find: '' }])).rows).toHaveLength(1);
  expect(end(await walk('links list', [{ find: 'JUL' }])).rows).toHaveLength(1);
  expect(end(await walk('links list', [{ find: 'nobody' }])).text).toBe('Nothing.');
});

test('no more than a page, and it is said where it goes on', async () => {
  const { walk } = scene(Array.from({ length: 60 }, (_, i) => `u${i}`));
  const { text, rows } = end(await walk('links list', [{}]));
  expect(rows).toHaveLength(50);
  expect(text).toContain(`continue at ${rows[49]?.[0]}`);
  expect(end(await walk('links list', [{ after: rows[49]?.[0] ?? '' }])).rows).toHaveLength(10);
});

test('in the language of the reader', async () => {
  const { walk } = scene();
  expect(form(await walk('links list', [], 'ru')).title).toBe(textsFor('ru').operator.titles['links list']);
  expect(end(await walk('links list', [{}], 'ru')).text).toBe('Показано: 1.');
});

test('several users, one a line', async () => {
  const { walk, acts } = scene(['juliet', 'nurse']);
  const { text, rows } = end(
    await walk('links suspend', [{ users: `${juliet}\n${jid('nurse')}/phone\n\n${jid('x')}` }]),
  );
  expect(text).toBe('Done: 2. Not done: 1.');
  expect(rows).toEqual([[jid('x'), en.reasons.noLink]]);
  expect(acts).toEqual([`suspend ${juliet}`, `suspend ${jid('nurse')}`]);
});

test('a password is asked for in a field of its kind, and kept as it was typed', async () => {
  const { walk, links } = scene();
  expect(form(await walk('links password')).fields[1]).toMatchObject({ var: 'password', type: 'text-private' });
  end(await walk('links password', [{ user: juliet, password: ' with spaces ' }]));
  expect(links.get(juliet)?.password).toBe(' with spaces ');
  await expect(walk('links password', [{ user: juliet, password: '' }])).rejects.toMatchObject({ code: 'bad-request' });
});

describe('dead letters', () => {
  const options = (step: CommandStep): readonly (readonly string[])[] => form(step).fields[0]?.options ?? [];

  test('are chosen from a list of the newest', async () => {
    const { walk, addDead } = scene();
    await addDead(letter('a'), letter('b'));
    const list = options(await walk('dead show'));
    expect(list.map(([, label]) => label)).toEqual([
      expect.stringContaining(`${juliet} → ${romeo}, no such account`),
      expect.stringContaining(`${juliet} → ${romeo}, no such account`),
    ]);
    const { text } = end(await walk('dead show', [{ id: list[0]?.[0] ?? '' }]));
    expect(text).toContain('SECRET of b');
    expect(text).toContain('m-b');
  });

  test.each<[string, 'dead resend' | 'dead drop', number, number]>([
    ['sent again', 'dead resend', 2, 0],
    ['dropped', 'dead drop', 0, 0],
  ])('several are %s', async (_what, name, waiting, left) => {
    const { walk, addDead, store } = scene();
    await addDead(letter('a'), letter('b'));
    const ids = options(await walk(name)).map(([id]) => id);
    expect(end(await walk(name, [{ ids: ids.join('\n'), all: '0' }])).text).toBe('Done: 2.');
    expect(await store.lanes.counts()).toMatchObject({ envelopes: waiting, dead: left });
  });
});

test('rosters: what would be done, and doing it', async () => {
  const { walk, plan, acts } = scene();
  plan({
    actions: [
      { do: 'toFar', account: romeo, verb: 'subscribe' },
      { do: 'save', account: romeo, pair: newPair, synced: null },
    ],
    skipped: [account('a')],
  });
  expect(end(await walk('rosters show', [{ user: juliet }])).rows).toEqual([
    [account('a'), 'left alone'],
    [romeo, 'toFar subscribe'],
  ]);
  end(await walk('rosters compare', [{ user: juliet, mayTake: '1' }]));
  expect(acts).toEqual([`compare ${juliet} 1`]);
});

test('an export is shown, and taken in again as it was shown', async () => {
  const { text } = end(await scene().walk('links export'));
  const sealed = text.split('\n')[1] ?? '';
  expect(end(await scene([]).walk('links import', [{ sealed }])).text).toBe(
    'Added: 1. Replaced: 0. Left as they were: 0.',
  );
});

test('the status in words, with what helps', async () => {
  const { walk, status } = scene();
  status.set(juliet, 'refused');
  expect(
    end(await walk('status'))
      .text.split('\n')
      .slice(-2),
  ).toEqual(['Wrong now:', '- 1 password refused: → links list']);
});

test('the audit log names the admin', async () => {
  const { walk } = scene();
  end(await walk('log-level', [{ level: 'debug' }]));
  expect(end(await walk('audit', [{}])).rows[0]?.slice(1)).toEqual([
    admin,
    'jabber',
    'log-level',
    'level debug',
    'done',
  ]);
});

test.each<[string, AdminName, Record<string, string>, string]>([
  ['no user', 'links show', {}, 'bad-request'],
  ['a user that is none', 'lanes', { user: 'a b@c' }, 'bad-request'],
  ['a count that is none', 'lanes', { count: 'many' }, 'bad-request'],
  ['nothing chosen', 'dead drop', {}, 'bad-request'],
  ['a user without a link', 'links show', { user: 'x@jabber.test' }, 'not-linked'],
  ['a letter that is gone', 'dead show', { id: '1-1' }, 'not-found'],
  ['an empty announcement', 'announce', { text: ' ' }, 'bad-request'],
])('%s', async (_what, name, answers, code) => {
  await expect(scene().walk(name, [answers])).rejects.toMatchObject({ code });
});

test('with the store away it is said', async () => {
  const { walk, store } = scene();
  store.setAway(true);
  await expect(walk('lanes', [{}])).rejects.toBeInstanceOf(Fault);
});
