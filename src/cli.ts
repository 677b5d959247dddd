/**
 * The command line without its process: what each command does with a configuration, and which exit code it ends with.
 * Everything it touches is handed in, so that tests can play the operator.
 */
import { Command, CommanderError } from 'commander';
import { stringify } from 'yaml';
import { addAdmin } from './admin/shell';
import { ConfigProblems, exposedSecrets, loadConfig, maskConfig, parseXimssServer } from './config';
import type { Config } from './config';
import { Fault, toFault } from './core/fault';
import { readTestAccounts } from './doctor/dialect/test-accounts';
import { runChecks } from './doctor/runner';
import { run, signalNumbers } from './run';
import { exitCodes, type World } from './world';

/** Options of the doctor; the other commands have none. */
interface DoctorFlags {
  readonly accounts?: boolean;
  readonly ximss?: readonly string[];
  readonly http?: string;
}

/** Runs one command line (without the program's own name). Resolves with the exit code. Never rejects. */
export async function runCli(args: readonly string[], world: World): Promise<number> {
  let code: number = exitCodes.stopped;
  const command = (
    name: string,
    description: string,
    act: (config: Config, wishes: DoctorFlags, file: string | null) => Promise<number>,
  ): Command =>
    program
      .command(name)
      .description(description)
      .option('-c, --config <PATH>', 'the YAML file (default: BRIDGE_CONFIG; without either, the environment alone)')
      .action(async ({ config: path, ...wishes }: { config?: string } & DoctorFlags) => {
        const file = path ?? (world.env['BRIDGE_CONFIG'] || null);
        const config = load(file, world);
        code = config === null ? exitCodes.configuration : await act(config, wishes, file);
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
  command('run', 'run the bridge until SIGTERM or SIGINT', (config, _, file) =>
    run(config, exposedSecrets(file), () => readConfig(file, world), world),
  );
  command('check-config', 'say what is wrong with the configuration, or print what is in effect', (config, _, file) => {
    for (const warning of exposedSecrets(file)) world.err(`warning: ${warning}\n`);
    world.out(stringify(maskConfig(config)));
    return Promise.resolve(exitCodes.stopped);
  });
  command(
    'doctor',
    'check listener, secret, Redis, XIMSS server and the rest, and say what to do',
    (config, wishes, file) =>
      wishes.ximss === undefined
        ? doctor(config, wishes, exposedSecrets(file), world)
        : runDialectTests(config, wishes, wishes.ximss, world),
  )
    .option('--accounts', 'log in with every account of the configuration, and compare the clocks')
    .option(
      '--ximss <USER@DOMAIN...>',
      'instead of the checks: find out with two test accounts what the XIMSS server understands, and print the ' +
        'dialect to paste. Passwords: BRIDGE_DOCTOR_PASSWORD1 and 2 (or ..._FILE), or USER@DOMAIN:PASSWORD',
    )
    .option('--http <URL>', 'with --ximss: try the HTTP binding at this URL as well');
  addAdmin(program, world, (ended) => (code = ended));
  try {
    await program.parseAsync([...args], { from: 'user' });
    return code;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCodes.stopped : exitCodes.configuration;
    world.err(`${toFault(thrown).text}\n`);
    return exitCodes.failed;
  }
}

/** Throws ConfigProblems. */
function readConfig(path: string | null, { env, dialect }: World): Config {
  return loadConfig({ path, env: withoutDoctor(env), dialect });
}

function load(path: string | null, world: World): Config | null {
  const { err } = world;
  try {
    return readConfig(path, world);
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
