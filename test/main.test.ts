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
const STARTED_MS = 20_000;
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
  await until(async () => (await status('/healthz')) === 200, { deadlineMs: STARTED_MS, what: 'health' });
  expect(await status('/readyz')).toBe(503);
  child.signal('SIGTERM');
  expect(await child.exited).toEqual({ code: 0, signal: null });
  expect(child.log()).toContain('"msg":"stopping"');
});
