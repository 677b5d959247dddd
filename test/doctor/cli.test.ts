/** The doctor's options on the command line, with the doctor itself played. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { runCli } from '../../src/cli';
import type { DialectTestRequest, World } from '../../src/world';
import { makeLog } from '../../src/ops/log';
import { makeMetrics } from '../../src/ops/metrics';
import { makeTempDir, removeTempDir } from '../support/temp';

let dir = '';
let config = '';
beforeEach(() => {
  dir = makeTempDir('doctor-cli');
  config = join(dir, 'bridge.yaml');
  const xmpp = { service: 'xmpp://127.0.0.1', domain: 'ximss.test', secret: 'x' };
  writeFileSync(config, stringify({ xmpp, ximss: { server: 'ximss://127.0.0.1', domain: 'example.net' } }));
});
afterEach(() => removeTempDir(dir));

function makeWorld(
  env: World['env'] = {},
  answer: (options: DialectTestRequest) => Promise<boolean> = () => Promise.resolve(true),
) {
  const seen = { out: '', err: '', wishes: [] as unknown[], trials: [] as DialectTestRequest[], exits: [] as number[] };
  const signals = new Set<(name: 'SIGTERM' | 'SIGINT') => void>();
  const world: World = {
    env,
    version: '1',
    dialect: [],
    out: (text) => void (seen.out += text),
    err: (text) => void (seen.err += text),
    makeLog: (level) => makeLog({ level }),
    makeMetrics: () => makeMetrics({ process: false }),
    makeNotify: () => () => undefined,
    startApp: () => Promise.reject(new Error('not here')),
    checks: (_config, _log, wishes) => {
      seen.wishes.push(wishes);
      return Promise.resolve([]);
    },
    testDialect: (options) => {
      seen.trials.push(options);
      options.print('row');
      return answer(options);
    },
    onSignal: (listener) => {
      signals.add(listener);
      return () => void signals.delete(listener);
    },
    onReload: () => () => undefined,
    onCrash: () => undefined,
    exit: (code) => void seen.exits.push(code),
  };
  const doctor = (...args: string[]): Promise<number> => runCli(['doctor', '--config', config, ...args], world);
  return { seen, signals, doctor };
}

test.each([
  [[], { accounts: false }],
  [['--accounts'], { accounts: true }],
])('checks with %j', async (args, wishes) => {
  const { seen, doctor } = makeWorld();
  expect(await doctor(...args)).toBe(0);
  expect(seen.wishes).toEqual([wishes]);
  expect(seen.trials).toEqual([]);
});

test('--ximss hands two accounts to the test, which decides the exit code; its passwords are no configuration', async () => {
  const env = { BRIDGE_DOCTOR_PASSWORD2: 'pw2' };
  const { seen, doctor } = makeWorld(env, () => Promise.resolve(false));
  expect(await doctor('--ximss', 'a@x.test:pw1', 'b@x.test', '--http', 'https://cgp.test:9100')).toBe(1);
  expect(seen.trials[0]).toMatchObject({
    accounts: [
      { account: 'a@x.test', password: 'pw1' },
      { account: 'b@x.test', password: 'pw2' },
    ],
    httpUrl: 'https://cgp.test:9100',
  });
  expect(seen.out).toBe('row\n');
  expect(seen.wishes).toEqual([]);
  expect(await makeWorld(env).doctor('--ximss', 'a@x.test:pw1', 'b@x.test')).toBe(0);
});

test.each([
  ['no password', ['--ximss', 'a@x.test:pw', 'b@x.test'], /read -rs BRIDGE_DOCTOR_PASSWORD2/],
  ['one account', ['--ximss', 'a@x.test:pw'], /two test accounts/],
  ['no account at all', ['--ximss'], /argument missing/],
  ['a URL that is none', ['--ximss', 'a@x.test:pw', 'b@x.test:pw', '--http', 'ximss://x'], /--http wants http/],
])('%s is exit code 2', async (_, args, text) => {
  const { seen, doctor } = makeWorld();
  expect(await doctor(...args)).toBe(2);
  expect(seen.err).toMatch(text);
  expect(seen.err + seen.out).not.toContain(':pw');
  expect(seen.trials).toEqual([]);
});

test('the first signal ends the test early, the second the process', async () => {
  const { seen, signals, doctor } = makeWorld(
    {},
    (options) => new Promise((resolve) => options.signal.addEventListener('abort', () => setImmediate(resolve, false))),
  );
  const code = doctor('--ximss', 'a@x.test:pw', 'b@x.test:pw');
  await new Promise((resolve) => setImmediate(resolve));
  for (const listener of [...signals]) {
    listener('SIGINT');
    listener('SIGINT');
  }
  expect(await code).toBe(1);
  expect(seen.exits).toEqual([130]);
  expect(signals.size).toBe(0);
});
