import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { runCli } from '../src/cli';
import type { AppDeps, RunningApp, World } from '../src/world';
import type { Config } from '../src/config';
import { Fault } from '../src/core/fault';
import type { Check } from '../src/doctor/runner';
import { makeLog } from '../src/ops/log';
import { makeMetrics } from '../src/ops/metrics';
import { makeTempDir, removeTempDir } from './support/temp';
import { until } from './support/wait';

const good = {
  xmpp: { service: 'xmpp://127.0.0.1:5347', domain: 'ximss.example.org', secret: 'hunter2' },
  ximss: { server: 'ximss://127.0.0.1', domain: 'example.net' },
};

let dir = '';
beforeEach(() => {
  dir = makeTempDir('cli');
});
afterEach(() => removeTempDir(dir));

/** A world whose app is played by the test. */
function makeWorld(changes: Partial<World> = {}) {
  const seen = {
    out: '',
    err: '',
    log: '',
    exits: [] as number[],
    stops: 0,
    reloads: 0,
    config: undefined as Config | undefined,
    states: [] as string[],
  };
  const signals = new Set<(name: 'SIGTERM' | 'SIGINT') => void>();
  let crash: (thrown: unknown) => void = () => undefined;
  let fail: (fault: Fault) => void = () => undefined;
  const failed = new Promise<Fault>((resolve) => (fail = resolve));
  const app: RunningApp = {
    failed,
    stop: () => Promise.resolve(void (seen.stops += 1)),
    reload: () => Promise.resolve(void (seen.reloads += 1)),
  };
  let reload: () => void = () => undefined;
  const world: World = {
    env: {},
    version: '1.2.3',
    dialect: [],
    out: (text) => void (seen.out += text),
    err: (text) => void (seen.err += text),
    makeLog: (level) => makeLog({ level, stream: { write: (line: string) => void (seen.log += line) } }),
    makeMetrics: () => makeMetrics({ process: false }),
    makeNotify: () => (state) => void seen.states.push(state),
    startApp: (config) => {
      seen.config = config;
      return Promise.resolve(app);
    },
    checks: () => Promise.resolve([]),
    testDialect: () => Promise.resolve(true),
    onSignal: (listener) => {
      signals.add(listener);
      return () => void signals.delete(listener);
    },
    onReload: (listener) => {
      reload = listener;
      return () => undefined;
    },
    onCrash: (listener) => void (crash = listener),
    exit: (code) => void seen.exits.push(code),
    ...changes,
  };
  return {
    world,
    seen,
    app,
    signals,
    signal: (name: 'SIGTERM' | 'SIGINT') => signals.forEach((listener) => listener(name)),
    reload: () => reload(),
    crash: (thrown: unknown) => crash(thrown),
    fail: (fault: Fault) => fail(fault),
  };
}

function configFile(config: unknown = good): string {
  const path = join(dir, 'bridge.yaml');
  writeFileSync(path, stringify(config));
  return path;
}

describe('run', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('%s stops the bridge, exit code 0', async (name) => {
    const { world, seen, signal, signals } = makeWorld();
    const code = runCli(['run', '--config', configFile()], world);
    await until(() => seen.config);
    await until(() => seen.states.length > 0);
    signal(name);
    expect(await code).toBe(0);
    expect(seen.stops).toBe(1);
    expect(seen.states).toEqual(['ready', 'stopping']);
    expect(signals.size).toBe(0);
  });

  test('SIGHUP reads the configuration again, once the bridge is up', async () => {
    const { world, seen, reload, signal, app } = makeWorld();
    let resolveStart: (app: RunningApp) => void = () => undefined;
    const starting = new Promise<RunningApp>((resolve) => (resolveStart = resolve));
    const code = runCli(['run', '--config', configFile()], { ...world, startApp: () => starting });
    await until(() => seen.log.includes('starting'));
    reload();
    expect(seen.reloads).toBe(0);
    resolveStart(app);
    await until(() => seen.states.includes('ready'));
    reload();
    expect(seen.reloads).toBe(1);
    signal('SIGTERM');
    expect(await code).toBe(0);
  });

  test('a second signal exits at once', async () => {
    let finish: (() => void) | undefined;
    const stop = (): Promise<void> => new Promise((resolve) => (finish = resolve));
    const { world, seen, signal } = makeWorld({
      startApp: () =>
        Promise.resolve({ failed: new Promise<Fault>(() => undefined), stop, reload: () => Promise.resolve() }),
    });
    const code = runCli(['run', '--config', configFile()], world);
    await until(() => seen.log.includes('starting'));
    signal('SIGTERM');
    expect(seen.exits).toEqual([]);
    signal('SIGINT');
    expect(seen.exits).toEqual([130]);
    (await until(() => finish))();
    expect(await code).toBe(0);
  });

  test('a signal while the bridge starts gives the start up', async () => {
    const startApp = (_: Config, { signal }: AppDeps): Promise<RunningApp> =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Fault('stopping')));
      });
    const { world, seen, signal } = makeWorld({ startApp });
    const code = runCli(['run', '--config', configFile()], world);
    await until(() => seen.log.includes('starting'));
    signal('SIGTERM');
    expect(await code).toBe(0);
    expect(seen.states).toEqual(['stopping']);
  });

  test('a start that ends all the same is stopped again', async () => {
    let resolveStart: (app: RunningApp) => void = () => undefined;
    const { world, seen, signal, app } = makeWorld({
      startApp: () => new Promise((resolve) => (resolveStart = resolve)),
    });
    const code = runCli(['run', '--config', configFile()], world);
    await until(() => seen.log.includes('starting'));
    signal('SIGTERM');
    resolveStart(app);
    expect(await code).toBe(0);
    expect(seen.stops).toBe(1);
  });

  const faults: [Fault, number][] = [
    [new Fault('stream-refused'), 3],
    [new Fault('stream-conflict'), 3],
    [new Fault('store-away'), 4],
    [new Fault('internal'), 1],
  ];
  test.each(faults)('a start that fails with %s exits with %i', async (fault, expected) => {
    const { world, seen } = makeWorld({ startApp: () => Promise.reject(fault) });
    expect(await runCli(['run', '--config', configFile()], world)).toBe(expected);
    expect(seen.log).toContain(fault.code);
  });
  test.each(faults)('a running bridge that ends with %s is stopped and exits with %i', async (fault, expected) => {
    const { world, seen, fail } = makeWorld();
    const code = runCli(['run', '--config', configFile()], world);
    await until(() => seen.config);
    fail(fault);
    expect(await code).toBe(expected);
    expect(seen.stops).toBe(1);
  });

  test('what nobody caught is logged without its payload and ends the process', async () => {
    const { world, seen, crash, signal } = makeWorld();
    const code = runCli(['run', '--config', configFile()], world);
    await until(() => seen.config);
    crash(Object.assign(new Error('hunter2'), { name: 'SyntaxError' }));
    expect(seen.exits).toEqual([1]);
    expect(seen.log).toContain('uncaught');
    expect(seen.log).not.toContain('hunter2');
    signal('SIGTERM');
    await code;
  });

  test('the configuration may come from the environment alone', async () => {
    const env = {
      BRIDGE_XMPP_SERVICE: 'xmpp://127.0.0.1',
      BRIDGE_XMPP_DOMAIN: 'ximss.example.org',
      BRIDGE_XMPP_SECRET: 'x',
      BRIDGE_XIMSS_SERVER: 'ximss://127.0.0.1',
      BRIDGE_XIMSS_DOMAIN: 'example.net',
    };
    const { world, seen, signal } = makeWorld({ env });
    const code = runCli(['run'], world);
    await until(() => seen.config);
    signal('SIGTERM');
    expect(await code).toBe(0);
  });
});

describe('a bad configuration', () => {
  test.each(['run', 'check-config', 'doctor'])('%s tells all problems and exits with 2', async (command) => {
    const { world, seen } = makeWorld();
    const path = configFile({ ...good, limits: { stanzaBytes: 1 }, colour: 'blue' });
    expect(await runCli([command, '--config', path], world)).toBe(2);
    expect(seen.err).toBe(
      '2 problems in the configuration:\n' +
        '  limits.stanzaBytes: must be from 1024 to 67108864, is 1 (line 9)\n' +
        '  colour: unknown key (line 10)\n',
    );
    expect(seen.config).toBeUndefined();
  });

  test('no file and no environment says how to give one', async () => {
    const { world, seen } = makeWorld();
    expect(await runCli(['run'], world)).toBe(2);
    expect(seen.err).toContain('--config PATH');
    expect(seen.err).toContain('xmpp.secret: is missing');
  });

  test('BRIDGE_CONFIG names the file, --config goes over it', async () => {
    const { world, seen } = makeWorld({ env: { BRIDGE_CONFIG: join(dir, 'none.yaml') } });
    expect(await runCli(['check-config'], world)).toBe(2);
    expect(seen.err).toContain('none.yaml: there is no such file');
    expect(await runCli(['check-config', '-c', configFile()], world)).toBe(0);
  });
});

test('check-config prints what is in effect as YAML, secrets masked', async () => {
  const { world, seen } = makeWorld({ env: { BRIDGE_LOG_LEVEL: 'debug' } });
  expect(await runCli(['check-config', '--config', configFile()], world)).toBe(0);
  expect(seen.out).not.toContain('hunter2');
  expect(parse(seen.out)).toMatchObject({
    xmpp: { secret: '********', allowRemotePlaintext: false },
    limits: { stanzaBytes: 262_144 },
    log: { level: 'debug' },
  });
});

describe('doctor', () => {
  const check = (ok: boolean): Check => ({ name: 'redis', run: () => Promise.resolve({ ok, detail: 'seen' }) });
  test.each([
    [true, 0],
    [false, 1],
  ])('all held: %s, exit code %i', async (ok, code) => {
    const { world, seen } = makeWorld({ checks: () => Promise.resolve([check(ok)]) });
    expect(await runCli(['doctor', '--config', configFile()], world)).toBe(code);
    expect(seen.out).toContain(ok ? 'ok    redis' : 'FAIL  redis');
  });
});

describe('the command line itself', () => {
  const lines: [string, string[], number, RegExp][] = [
    ['--version', ['--version'], 0, /^1\.2\.3/],
    ['--help', ['--help'], 0, /check-config/],
    ['help of a command', ['run', '--help'], 0, /--config/],
    ['an unknown command', ['walk'], 2, /unknown command/],
    ['an unknown option', ['run', '--colour'], 2, /unknown option/],
    ['a config without its path', ['run', '--config'], 2, /argument missing/],
    ['nothing', [], 2, /Usage/],
  ];
  test.each(lines)('%s', async (_, args, code, text) => {
    const { world, seen } = makeWorld();
    expect(await runCli(args, world)).toBe(code);
    expect(seen.out + seen.err).toMatch(text);
  });
});
