/** `admin …` against a listener on an operator with a memory store: what it prints, and with which exit code it ends. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCli } from '../../src/cli';
import { adminNames } from '../../src/core/admin/table';
import type { HttpListener } from '../../src/ops/http/listener';
import { startConsole } from '../../src/ops/http/console';
import { makeMetrics } from '../../src/ops/metrics';
import type { World } from '../../src/world';
import { juliet, letter, makeOperatorScene, type OperatorScene } from '../bridge/operator/operator-scene';
import { silentLog } from '../support/silence';
import { makeTempDir, removeTempDir } from '../support/temp';

let dir = '';
let scene: OperatorScene;
let listener: HttpListener;
let config = '';
beforeEach(async () => {
  dir = makeTempDir('admin');
  scene = makeOperatorScene(['juliet', 'nurse']);
  listener = await startConsole({
    listen: { host: '127.0.0.1', port: 0 },
    token: 't0ken',
    metrics: makeMetrics({ process: false }),
    log: silentLog,
    ready: () => ({ stream: true, standsBy: false, redis: true, ximss: { links: 0, online: 0, reason: null } }),
    operator: scene.operator,
    version: '1.2.3',
  });
  config = file('bridge.yaml', `http: { listen: "127.0.0.1:${listener.port}", token: t0ken }\n`);
});
afterEach(async () => {
  await listener.stop();
  removeTempDir(dir);
});
function file(name: string, text: string): string {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
}

async function shell(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  const never = (): never => {
    throw new Error('not for admin');
  };
  const world: World = {
    env: {},
    version: '1.2.3',
    dialect: [],
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
    makeLog: never,
    makeMetrics: never,
    makeNotify: never,
    startApp: never,
    checks: never,
    testDialect: never,
    onSignal: () => () => undefined,
    onReload: () => () => undefined,
    onCrash: () => undefined,
    exit: never,
  };
  const code = await runCli(['admin', ...words], world);
  return { code, ...said };
}
const ask = (...words: string[]) => shell(...words, '--config', config);

test.each(adminNames)('%s is known, with its help', async (name) => {
  const { code, out } = await shell(...name.split(' '), '--help');
  expect(code).toBe(0);
  expect(out).toContain(`admin ${name}`);
});

test('a list in columns, and as JSON', async () => {
  expect((await ask('links', 'list', '--find', 'JUL')).out).toMatch(
    /^USER +ACCOUNT .*\njuliet@jabber\.test +juliet@far\.test +online/,
  );
  const { out } = await ask('links', 'list', '--json', '--count', '1');
  expect(JSON.parse(out)).toMatchObject({ entries: [{ user: juliet }], next: juliet });
});

test('a password comes from a file, and is in nothing that is printed or kept', async () => {
  const { code, out, err } = await ask('links', 'password', juliet, '--password-file', file('password', 'SECRET\n'));
  expect([code, err]).toEqual([0, '']);
  expect(scene.links.get(juliet)?.password).toBe('SECRET');
  expect(out + JSON.stringify(await scene.run('audit'))).not.toContain('SECRET');
  expect((await scene.run('audit')).entries).toMatchObject([{ face: 'shell', command: 'links password' }]);
});

test('an export goes to a file and comes back from it', async () => {
  const { out } = await ask('links', 'export');
  expect(await ask('links', 'import', file('links', out))).toMatchObject({
    code: 0,
    out: expect.stringContaining('Left as they were: 2') as string,
  });
});

test('several at once: what is not done makes it 1', async () => {
  await scene.addDead(letter('a'));
  expect((await ask('links', 'suspend', juliet, 'nobody@jabber.test')).code).toBe(1);
  expect(await ask('dead', 'resend', '--all')).toMatchObject({ code: 0, out: 'Done: 1.\n' });
});

test('an announcement of several words', async () => {
  expect((await ask('announce', 'Closed', 'at', 'noon', '--to', 'online')).code).toBe(0);
  expect(scene.acts[0]).toContain('headline Closed at noon');
});

test.each<[string, string[], number]>([
  ['no such command', ['links', 'steal'], 2],
  ['no user', ['links', 'show'], 2],
  ['a user that is none', ['links', 'show', 'a b'], 2],
  ['a status that is none', ['links', 'list', '--status', 'happy'], 2],
  ['a password as an argument', ['links', 'password', 'a@b', '--password', 'x'], 2],
  ['a password file that is not there', ['links', 'password', 'a@b', '--password-file', '/nowhere'], 2],
  ['nothing chosen', ['dead', 'drop'], 2],
  ['a user without a link', ['links', 'show', 'nobody@jabber.test'], 1],
  ['a letter that is gone', ['dead', 'show', '1-1'], 1],
])('%s', async (_what, words, code) => {
  const answer = await ask(...words);
  expect(answer.code).toBe(code);
  expect(answer.err).not.toBe('');
});

test('no bridge answers: 5', async () => {
  await listener.stop();
  expect(await ask('status')).toMatchObject({ code: 5, err: expect.stringContaining('no bridge answers') as string });
});

test('another token: 1, and which key is meant', async () => {
  const path = file('other.yaml', `http: { listen: "127.0.0.1:${listener.port}", token: other }\n`);
  expect(await shell('status', '--config', path)).toMatchObject({
    code: 1,
    err: expect.stringContaining('http.token') as string,
  });
});

test('a configuration that is wrong elsewhere still leads to the bridge', async () => {
  const path = file('wrong.yaml', `nonsense: 1\nhttp: { listen: "127.0.0.1:${listener.port}", token: t0ken }\n`);
  expect((await shell('reload', '--config', path)).code).toBe(0);
  expect((await shell('status', '--config', join(dir, 'missing.yaml'))).code).toBe(1);
});
