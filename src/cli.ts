/**
 * The command line without its process: what each command does with a configuration, which exit code it ends with,
 * and how signals stop a running bridge. Everything it touches is handed in, so that tests can play the operator.
 */
import { Command, CommanderError } from 'commander';
import { stringify } from 'yaml';
import type { Log } from './bridge/ports';
import { ConfigProblems, exposedSecrets, loadConfig, maskConfig, parseXimssServer } from './config';
import type { Config, DialectKey } from './config';
import { Fault, toFault } from './core/fault';
import type { FaultCode } from './core/fault';
import { readTestAccounts, type TestAccounts } from './doctor/dialect/test-accounts';
import { runChecks } from './doctor/runner';
import type { Check } from './doctor/runner';
import type { Metrics } from './ops/metrics';
import type { Notify } from './ops/notify';

/** A running bridge. */
export interface RunningApp {
  stop(): Promise<void>;
  readonly failed: Promise<Fault>;
}

export interface AppDeps {
  readonly log: Log;
  readonly metrics: Metrics;
  /** aborts when the operator wants the bridge to stop, also while it starts */
  readonly signal: AbortSignal;
}

export interface DialectTestRequest {
  readonly config: Config;
  readonly accounts: TestAccounts;
  /** URL of the HTTP binding, when it is not the configured server */
  readonly httpUrl: string | null;
  readonly print: (line: string) => void;
  /** aborts when the operator has seen enough */
  readonly signal: AbortSignal;
}

/** The process and the program, as far as the command line needs them. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly dialect: readonly DialectKey[];
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  makeLog(level: Config['log']['level']): Log;
  makeMetrics(): Metrics;
  /** Tells the service manager of the process, if there is one. */
  makeNotify(log: Log): Notify;
  startApp(config: Config, deps: AppDeps): Promise<RunningApp>;
  checks(config: Config, log: Log, wishes: { readonly accounts: boolean }): Promise<readonly Check[]>;
  /** Tries out a XIMSS server with two test accounts; see src/doctor/dialect/run.ts. */
  testDialect(options: DialectTestRequest): Promise<boolean>;
  /** Calls the listener for every SIGTERM and SIGINT until the returned function is called. */
  onSignal(listener: (name: 'SIGTERM' | 'SIGINT') => void): () => void;
  /** Calls the listener for what nobody caught. */
  onCrash(listener: (thrown: unknown) => void): void;
  /** Ends the process at once. */
  exit(code: number): void;
}

/** Options of the doctor; the other commands have none. */
interface DoctorFlags {
  readonly accounts?: boolean;
  readonly ximss?: readonly string[];
  readonly http?: string;
}

export const exitCodes = { stopped: 0, failed: 1, configuration: 2, refused: 3, store: 4 } as const;
const codeOfFault: Partial<Record<FaultCode, number>> = {
  'stream-refused': exitCodes.refused,
  'stream-conflict': exitCodes.refused,
  'store-away': exitCodes.store,
};
const signalNumbers = { SIGINT: 2, SIGTERM: 15 } as const;
/** A stop has deadlines of its own: work in flight 10 s, presence of contacts 15 s, stream and store 10 s each. */
const stopMs = 45_000;

/** Runs one command line (without the program's own name). Resolves with the exit code. Never rejects. */
export async function runCli(args: readonly string[], world: World): Promise<number> {
  let code: number = exitCodes.stopped;
  const command = (
    name: string,
    description: string,
    act: (config: Config, wishes: DoctorFlags, warnings: readonly string[]) => Promise<number>,
  ): Command =>
    program
      .command(name)
      .description(description)
      .option('-c, --config <PATH>', 'the YAML file (default: BRIDGE_CONFIG; without either, the environment alone)')
      .action(async ({ config: path, ...wishes }: { config?: string } & DoctorFlags) => {
        const file = path ?? (world.env['BRIDGE_CONFIG'] || null);
        const config = load(file, world);
        code = config === null ? exitCodes.configuration : await act(config, wishes, exposedSecrets(file));
      });
  const program = new Command('xmpp-ximss-bridge')
    .description('A bridge between XMPP (Jabber) and XIMSS (CommuniGate Pro).')
    .version(world.version)
    .exitOverride()
    .configureOutput({ writeOut: world.out, writeErr: world.err })
    .showHelpAfterError()
    .addHelpText(
      'after',
      '\nExit codes: 0 stopped, 1 failed, 2 bad configuration, 3 refused by the XMPP server, 4 Redis unusable.',
    );
  command('run', 'run the bridge until SIGTERM or SIGINT', (config, _, warnings) => run(config, warnings, world));
  command(
    'check-config',
    'say what is wrong with the configuration, or print what is in effect',
    (config, _, warnings) => {
      for (const warning of warnings) world.err(`warning: ${warning}\n`);
      world.out(stringify(maskConfig(config)));
      return Promise.resolve(exitCodes.stopped);
    },
  );
  command(
    'doctor',
    'check listener, secret, Redis, XIMSS server and the rest, and say what to do',
    (config, wishes, warnings) =>
      wishes.ximss === undefined
        ? doctor(config, wishes, warnings, world)
        : runDialectTests(config, wishes, wishes.ximss, world),
  )
    .option('--accounts', 'log in with every account of the configuration, and compare the clocks')
    .option(
      '--ximss <USER@DOMAIN...>',
      'instead of the checks: find out with two test accounts what the XIMSS server understands, and print the ' +
        'dialect to paste. Passwords: BRIDGE_DOCTOR_PASSWORD1 and 2 (or ..._FILE), or USER@DOMAIN:PASSWORD',
    )
    .option('--http <URL>', 'with --ximss: try the HTTP binding at this URL as well');
  try {
    await program.parseAsync([...args], { from: 'user' });
    return code;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCodes.stopped : exitCodes.configuration;
    world.err(`${toFault(thrown).text}\n`);
    return exitCodes.failed;
  }
}

function load(path: string | null, { env, dialect, err }: World): Config | null {
  try {
    return loadConfig({ path, env: withoutDoctor(env), dialect });
  } catch (thrown) {
    if (!(thrown instanceof ConfigProblems)) throw thrown;
    const count = thrown.problems.length;
    const hint = path === null ? ' (no file was given: --config PATH)' : '';
    err(`${count === 1 ? '1 problem' : `${count} problems`} in the configuration${hint}:\n`);
    err(`${thrown.message.replace(/^/gm, '  ')}\n`);
    return null;
  }
}

/** The doctor's own variables are no part of the configuration, which refuses what it does not know. */
function withoutDoctor(env: World['env']): World['env'] {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('BRIDGE_DOCTOR_')));
}

async function doctor(
  config: Config,
  { accounts = false }: DoctorFlags,
  warnings: readonly string[],
  world: World,
): Promise<number> {
  for (const warning of warnings) world.out(`warn  ${warning}\n`);
  const checks = await world.checks(config, world.makeLog('silent'), { accounts });
  const allPassed = await runChecks({ checks, print: (line) => world.out(`${line}\n`) });
  return allPassed ? exitCodes.stopped : exitCodes.failed;
}

async function runDialectTests(
  config: Config,
  { http }: DoctorFlags,
  names: readonly string[],
  world: World,
): Promise<number> {
  const accounts = readTestAccounts(names, world.env);
  const isHttp = http === undefined || parseXimssServer(http)?.binding === 'http';
  if (typeof accounts === 'string' || !isHttp) {
    world.err(`${typeof accounts === 'string' ? accounts : '--http wants http://HOST:PORT or https://HOST:PORT'}\n`);
    return exitCodes.configuration;
  }
  const stopper = new AbortController();
  const forget = world.onSignal((name) => {
    if (stopper.signal.aborted) return world.exit(128 + signalNumbers[name]);
    stopper.abort(new Fault('stopping'));
  });
  try {
    const print = (line: string): void => world.out(`${line}\n`);
    const isRight = await world.testDialect({ config, accounts, httpUrl: http ?? null, print, signal: stopper.signal });
    return isRight ? exitCodes.stopped : exitCodes.failed;
  } finally {
    forget();
  }
}

async function run(config: Config, warnings: readonly string[], world: World): Promise<number> {
  const log = world.makeLog(config.log.level);
  for (const warning of warnings) log.warn({ warning }, 'a file with secrets is open to all');
  world.onCrash((thrown) => {
    try {
      log.error({ err: thrown }, 'uncaught, the bridge ends');
    } finally {
      world.exit(exitCodes.failed);
    }
  });
  const notify = world.makeNotify(log);
  const stopper = new AbortController();
  const forget = world.onSignal((name) => {
    if (stopper.signal.aborted) return world.exit(128 + signalNumbers[name]);
    log.info({ signal: name }, 'stopping');
    notify('stopping');
    stopper.abort(new Fault('stopping'));
  });
  try {
    return await runUntil(config, world, { log, notify, signal: stopper.signal });
  } finally {
    forget();
  }
}

interface RunContext {
  readonly log: Log;
  readonly notify: Notify;
  readonly signal: AbortSignal;
}

async function runUntil(config: Config, world: World, { log, notify, signal }: RunContext): Promise<number> {
  log.info({ version: world.version, domain: config.xmpp.domain }, 'starting');
  const told = new Promise<null>((resolve) => signal.addEventListener('abort', () => resolve(null), { once: true }));
  const starting = world.startApp(config, { log, metrics: world.makeMetrics(), signal });
  try {
    const app = await Promise.race([starting, told]);
    if (app === null) return await stopWhileStarting(starting, log);
    notify('ready');
    const fault = await Promise.race([app.failed, told]);
    if (fault !== null) log.error({ fault }, 'the bridge cannot go on');
    const isStopped = await within(app.stop(), log);
    return fault !== null ? codeOf(fault) : isStopped ? exitCodes.stopped : exitCodes.failed;
  } catch (thrown) {
    const fault = toFault(thrown);
    const said = typeof fault.cause === 'string' ? { why: fault.cause } : {};
    log.error({ fault, ...said, hint: hintOf(fault) }, 'the bridge could not start');
    return codeOf(fault);
  }
}

/** The start is given up by its signal; what had been started meanwhile is stopped. */
async function stopWhileStarting(starting: Promise<RunningApp>, log: Log): Promise<number> {
  const ended = starting.then((app) => app.stop()).catch(() => undefined);
  return (await within(ended, log)) ? exitCodes.stopped : exitCodes.failed;
}

async function within(stopping: Promise<unknown>, log: Log): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), stopMs)));
  const isInTime = await Promise.race([stopping.then(() => true), late]);
  clearTimeout(timer);
  if (!isInTime) log.error({ ms: stopMs }, 'could not stop in time');
  return isInTime;
}

/** Which keys to look at, and who finds out more. */
const doctorHint = 'run: xmpp-ximss-bridge doctor';
const keysOfFault: Partial<Record<FaultCode, string>> = {
  'stream-refused': 'xmpp.secret, xmpp.domain and xmpp.service must be as the XMPP server has them',
  'stream-conflict': 'another program is connected as xmpp.domain: one bridge per domain',
  'store-away': 'see redis.url, or dataDir for the private Redis',
};

function hintOf({ code }: Fault): string {
  const keys = keysOfFault[code];
  return keys === undefined ? doctorHint : `${keys}; ${doctorHint}`;
}

function codeOf(fault: Fault): number {
  return codeOfFault[fault.code] ?? exitCodes.failed;
}
