/** The program as a process: what only a real one shows about exit codes, standard streams and signals. */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { freePort } from './support/ports';
import { startProcess } from './support/process';
import type { Child } from './support/process';
import { makeTempDir, removeTempDir } from './support/temp';
import { until } from './support/wait';

const root = resolve(__dirname, '..');
const startedMs = 20_000;
let dir = '';
beforeEach(() => {
  dir = makeTempDir('main');
});
afterEach(() => removeTempDir(dir));

function start(args: readonly string[], env: Record<string, string> = {}): Promise<Child> {
  const program = ['--import', require.resolve('tsx'), join(root, 'src/main.ts'), ...args];
  return startProcess(process.execPath, program, { cwd: dir, env, deathSignal: 'TERM' });
}

test('check-config prints to stdout and exits with 0', async () => {
  const child = await start(['check-config', '--config', join(root, 'config/bridge.example.yaml')]);
  expect((await child.exited).code).toBe(0);
  expect(child.log()).toContain('secret: "********"');
});

test('a bad configuration exits with 2 and starts nothing', async () => {
  const child = await start(['run'], { BRIDGE_LOG_LEVEL: 'loud' });
  expect((await child.exited).code).toBe(2);
  expect(child.log()).toContain('xmpp.secret: is missing');
  expect(child.log()).toContain('BRIDGE_LOG_LEVEL');
});

test('a reader that has seen enough ends it without a stack trace', async () => {
  const path = join(dir, 'bridge.yaml');
  const xmpp = { service: 'xmpp://127.0.0.1:1', domain: 'ximss.test', secret: 'x' };
  writeFileSync(path, stringify({ xmpp, ximss: { server: 'ximss://127.0.0.1:1', domain: 'example.net' } }));
  const program = [process.execPath, '--import', require.resolve('tsx'), join(root, 'src/main.ts')].join(' ');
  const script = `${program} doctor --config ${path} | head -n 1; echo "exit code ${'${PIPESTATUS[0]}'}"`;
  const child = await startProcess('bash', ['-c', script], { cwd: dir, deathSignal: 'TERM' });
  await child.exited;
  expect(child.log()).toContain('exit code 141');
  expect(child.log()).not.toMatch(/EPIPE|^\s+at /m);
});

test('while the XMPP server is away it is alive but not ready, and SIGTERM ends it with 0', async () => {
  const [xmppPort, httpPort] = [await freePort(), await freePort()];
  const path = join(dir, 'bridge.yaml');
  writeFileSync(
    path,
    stringify({
      xmpp: { service: `xmpp://127.0.0.1:${xmppPort}`, domain: 'ximss.test', secret: 'x' },
      ximss: { server: 'ximss://127.0.0.1:1', domain: 'example.net' },
      http: { listen: `127.0.0.1:${httpPort}` },
    }),
  );
  const child = await start(['run', '--config', path]);
  const status = async (route: string): Promise<number> =>
    (await fetch(`http://127.0.0.1:${httpPort}${route}`, { signal: AbortSignal.timeout(5000) })).status;
  await until(async () => (await status('/healthz')) === 200, { deadlineMs: startedMs, what: 'health' });
  expect(await status('/readyz')).toBe(503);
  const far = async (): Promise<unknown> => {
    const answer = await fetch(`http://127.0.0.1:${httpPort}/readyz`);
    return ((await answer.json()) as { ximss: unknown }).ximss; // the listener's own shape
  };
  await until(async () => child.log().includes('the XIMSS server cannot be used') && (await far()) !== null);
  expect(await far()).toMatchObject({
    links: 0,
    online: 0,
    state: 'down',
    reason: expect.stringMatching(/./) as string,
  });
  child.signal('SIGTERM');
  expect(await child.exited).toEqual({ code: 0, signal: null });
  expect(child.log()).toContain('"msg":"stopping"');
});
