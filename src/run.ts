/**
 * `run`: starts the bridge, keeps it until a signal or a fault ends it, and says with which exit code the process ends. A
 * second signal ends it at once; SIGHUP reads the configuration again.
 */
import type { Config } from './config';
import { Fault, toFault } from './core/fault';
import type { FaultCode } from './core/fault';
import type { Log, RootLog } from './core/runtime';
import type { Notify } from './ops/notify';
import { exitCodes, type RunningApp, type World } from './world';

const codeOfFault: Partial<Record<FaultCode, number>> = {
  'stream-refused': exitCodes.refused,
  'stream-conflict': exitCodes.refused,
  'store-away': exitCodes.store,
};
export const signalNumbers = { SIGINT: 2, SIGTERM: 15 } as const;
/** A stop has deadlines of its own: work in flight 10 s, presence of contacts 15 s, stream and store 10 s each. */
const stopMs = 45_000;

/** `readConfig` reads it again, and throws ConfigProblems. Resolves with the exit code. Never rejects. */
export async function run(
  config: Config,
  warnings: readonly string[],
  readConfig: () => Config,
  world: World,
): Promise<number> {
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
  let app: RunningApp | null = null;
  const forgetReload = world.onReload(() => {
    if (app === null) log.warn({}, 'not ready yet, the configuration was not read again');
    else void app.reload();
  });
  try {
    return await runUntil(config, world, {
      log,
      notify,
      signal: stopper.signal,
      readConfig,
      onReady: (ready) => (app = ready),
    });
  } finally {
    forget();
    forgetReload();
  }
}

interface RunContext {
  readonly log: RootLog;
  readonly notify: Notify;
  readonly signal: AbortSignal;
  readonly readConfig: () => Config;
  readonly onReady: (app: RunningApp) => void;
}

async function runUntil(config: Config, world: World, context: RunContext): Promise<number> {
  const { log, notify, signal, readConfig, onReady } = context;
  log.info({ version: world.version, domain: config.xmpp.domain }, 'starting');
  const told = new Promise<null>((resolve) => signal.addEventListener('abort', () => resolve(null), { once: true }));
  const starting = world.startApp(config, { log, metrics: world.makeMetrics(), readConfig, signal });
  try {
    const app = await Promise.race([starting, told]);
    if (app === null) return await stopWhileStarting(starting, log);
    onReady(app);
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
