/** The audit log: what changed or was revealed, by whom, through what; nothing that only reads, and no secret. */
import { Fault } from '../../../src/core/fault';
import { account, juliet, letter, makeOperatorScene } from './operator-scene';

const shell = { face: 'shell', name: 'root' } as const;

test('has who, what, when and by which face', async () => {
  const { run, clock } = makeOperatorScene();
  await run('links suspend', { users: [juliet] }, shell);
  const { entries } = await run('audit');
  expect(entries).toMatchObject([
    { face: 'shell', name: 'root', command: 'links suspend', input: { users: [juliet] }, fault: null, at: clock.now() },
  ]);
});

test('has what was refused, with the reason', async () => {
  const { run } = makeOperatorScene([]);
  await expect(run('rosters compare', { user: juliet })).rejects.toMatchObject({ code: 'not-linked' });
  expect((await run('audit')).entries).toMatchObject([{ command: 'rosters compare', fault: 'not-linked' }]);
});

test('has nothing of what only reads', async () => {
  const { run } = makeOperatorScene();
  for (const name of ['status', 'links list', 'lanes', 'dead list', 'audit', 'log-level'] as const) await run(name);
  expect((await run('audit')).entries).toEqual([]);
});

test('has who read what somebody wrote, and not what', async () => {
  const { run, addDead } = makeOperatorScene();
  await addDead(letter('a'));
  const id = (await run('dead list')).entries[0]?.id ?? '';
  await run('dead show', { id });
  await run('announce', { text: 'SECRET plans' });
  await run('links add', { user: 'nurse@jabber.test', account: account('nurse'), password: 'SECRET' });
  const { sealed } = await run('links export');
  await run('links import', { sealed });
  const { entries } = await run('audit');
  expect(entries.map(({ command, input }) => [command, input])).toEqual([
    ['links import', {}],
    ['links export', {}],
    ['links add', { user: 'nurse@jabber.test', account: account('nurse') }],
    ['announce', {}],
    ['dead show', { id }],
  ]);
  expect(JSON.stringify(entries)).not.toContain('SECRET');
});

test.each<[string, object, number]>([
  ['by a part of anything', { find: 'NURSE' }, 1],
  ['by face', { face: 'shell' }, 1],
  ['by time', { since: '1h' }, 1],
  ['by all of it', { find: 'log-level', face: 'jabber', since: '2h' }, 1],
  ['by what nobody did', { find: 'tybalt' }, 0],
])('is searched %s', async (_what, filter, count) => {
  const { run, clock } = makeOperatorScene();
  await run('links suspend', { users: ['nurse@jabber.test'] }, shell);
  clock.advance(5_400_000);
  await run('log-level', { level: 'debug' });
  expect((await run('audit', filter)).entries).toHaveLength(count);
});

test('goes on in pages, newest first', async () => {
  const { run } = makeOperatorScene();
  for (const level of ['debug', 'info', 'warn']) await run('log-level', { level });
  const first = await run('audit', { count: 2 });
  const second = await run('audit', { count: 2, before: first.next });
  expect([...first.entries, ...second.entries].map(({ input }) => input['level'])).toEqual(['warn', 'info', 'debug']);
  expect(second.next).toBeNull();
});

test('an entry that cannot be stored is in the log, and the command is done', async () => {
  const { run, store, logged } = makeOperatorScene();
  store.setAway(true);
  expect(await run('log-level', { level: 'debug' })).toEqual({ level: 'debug' });
  expect(logged.join()).toContain(new Fault('store-away').code);
});
