/** The stand-alone program, and the wall between the test server and the bridge. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { wireClient } from './tcp/client';

const home = join(__dirname, '../../support/ximss-server');
let child: ChildProcess | null = null;
let dir = '';

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ximss-main-'));
});
afterEach(() => {
  child?.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

function run(...args: string[]): ChildProcess {
  child = spawn(process.execPath, ['--import', 'tsx', join(home, 'main.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return child;
}

test('ready line, flags and file, echo user, SIGTERM', async () => {
  const config = join(dir, 'c.json');
  const accounts = [{ account: 'echo@x.dom', password: 'pw' }];
  writeFileSync(config, JSON.stringify({ accounts, echo: ['echo@x.dom'], dialect: { formatB: 'always' } }));
  const program = run('--domain', 'x.dom', '--account', 'ann@x.dom:pw:Ann B', '--port', '0', '--config', config);
  const lines = createInterface({ input: program.stdout ?? process.stdin });
  const line = await new Promise<string>((resolve, reject) => {
    lines.once('line', resolve);
    program.once('exit', () => reject(new Error('ended early')));
  });
  const ready = JSON.parse(line) as Record<string, unknown>;
  expect(ready).toEqual({
    msg: 'ready',
    tcpPort: expect.any(Number) as number,
    httpPort: expect.any(Number) as number,
    tlsPort: null,
    httpsPort: null,
  });
  const client = await wireClient(Number(ready['tcpPort']));
  expect((await client.ask('<login id="1" authData="ann@x.dom" password="pw"/>'))[0]).toContain('realName="Ann B"');
  await client.ask('<signalBind id="2"/>');
  client.send('<sendIM id="3" peer="echo@x.dom">hi</sendIM>');
  expect(await client.until(/readIM/)).toContain('<body>echo: hi</body>');
  client.end();
  const ended = new Promise((resolve) => program.once('exit', resolve));
  program.kill('SIGTERM');
  expect(await ended).toBe(0);
});

test('with a data folder, contacts, stored messages and passwords outlive the program', async () => {
  const start = async (): Promise<number> => {
    const program = run('--account', 'ann@x.dom:pw', '--account', 'ben@x.dom:pw', '--data', join(dir, 'data'));
    const lines = createInterface({ input: program.stdout ?? process.stdin });
    const line = await new Promise<string>((resolve) => lines.once('line', resolve));
    return Number((JSON.parse(line) as Record<string, unknown>)['tcpPort']);
  };
  const first = await wireClient(await start());
  await first.ask('<login id="1" authData="ann@x.dom" password="pw"/>');
  await first.ask('<rosterSet id="2" peer="ben@x.dom" name="Ben"><group>Work</group></rosterSet>');
  await first.ask('<passwordModify id="3" oldPassword="pw" newPassword="better"/>');
  await first.ask('<sendIM id="4" peer="ben@x.dom">for later</sendIM>');
  first.end();
  const ended = new Promise((resolve) => child?.once('exit', resolve));
  child?.kill('SIGTERM');
  await ended;
  const port = await start();
  const ann = await wireClient(port);
  expect((await ann.ask('<login id="1" authData="ann@x.dom" password="better"/>')).at(-1)).toBe('<response id="1"/>');
  expect((await ann.ask('<rosterList id="2"/>'))[0]).toMatch(/peer="ben@x.dom" name="Ben".*<group>Work<\/group>/);
  const ben = await wireClient(port);
  await ben.ask('<login id="1" authData="ben@x.dom" password="pw"/>');
  ben.send('<signalBind id="2"/>');
  expect(await ben.until(/readIM/)).toContain('for later');
  for (const client of [ann, ben]) client.end();
});

test('ids of messages do not begin again when the program is started again', async () => {
  const idOfEcho = async (): Promise<string | undefined> => {
    const program = run('--account', 'ann@x.dom:pw', '--account', 'echo@x.dom:pw', '--echo', 'echo@x.dom');
    const lines = createInterface({ input: program.stdout ?? process.stdin });
    const line = await new Promise<string>((resolve) => lines.once('line', resolve));
    const ann = await wireClient(Number((JSON.parse(line) as Record<string, unknown>)['tcpPort']));
    await ann.ask('<login id="1" authData="ann@x.dom" password="pw"/>');
    await ann.ask('<signalBind id="2"/>');
    ann.send('<sendIM id="3" peer="echo@x.dom">hi</sendIM>');
    const answer = await ann.until(/readIM/);
    ann.end();
    program.kill('SIGKILL');
    return / iqid="([^"]+)"/.exec(answer)?.[1];
  };
  const first = await idOfEcho();
  expect(first).toBeDefined();
  expect(await idOfEcho()).not.toBe(first);
});

test('the echo account approves whoever asks, and asks back', async () => {
  const program = run('--account', 'ann@x.dom:pw', '--account', 'echo@x.dom:pw', '--echo', 'echo@x.dom');
  const lines = createInterface({ input: program.stdout ?? process.stdin });
  const line = await new Promise<string>((resolve) => lines.once('line', resolve));
  const ann = await wireClient(Number((JSON.parse(line) as Record<string, unknown>)['tcpPort']));
  await ann.ask('<login id="1" authData="ann@x.dom" password="pw"/>');
  await ann.ask('<signalBind id="2" presence="yes" readIM="1"/>');
  ann.send('<presenceSet id="3" peer="echo@x.dom" type="subscribe"/>');
  await ann.until(/<presence peer="echo@x.dom" type="subscribed"/);
  await ann.until(/<presence peer="echo@x.dom" type="subscribe"/);
  expect((await ann.ask('<rosterList id="4"/>'))[0]).toContain('subscription="to"');
  ann.end();
});

test.each([
  ['an account without a password', ['--account', 'ann@x.dom']],
  ['a port that is none', ['--port', '70000']],
  ['a file that is not there', ['--config', '/nonexistent/c.json']],
])('%s ends with a message', async (_what, args) => {
  const program = run(...args);
  let text = '';
  program.stderr?.on('data', (part: Buffer) => (text += part.toString()));
  const code = await new Promise((resolve) => program.once('close', resolve));
  expect(code).not.toBe(0);
  expect(text).not.toBe('');
});

test('the server imports nothing of the bridge', () => {
  const files = readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const imports = files.flatMap((file) =>
    [...readFileSync(join(home, file), 'utf8').matchAll(/from '([^']+)'/g)].map(([, path = '']) =>
      path.startsWith('.') ? `./${relative(home, join(home, dirname(file), path))}` : path,
    ),
  );
  expect(imports.length).toBeGreaterThan(100);
  expect(imports.filter((path) => !/^(\.\/[\w/-]+|\.\/\.\.\/cert|node:[\w/]+|commander|zod)$/.test(path))).toEqual([]);
});
