/**
 * The bridge as an operator runs it: `node dist/main.js run --config FILE` as a real process on a configuration file
 * and a data directory that survive stop and kill -9, with its JSON log lines parsed. It needs `npm run build` first.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { freePort } from './ports';
import { startProcess, type Child, type Exit } from './process';
import { makeTempDir, processesInside, removeTempDir } from './temp';
import { Hopeless, until } from './wait';

const mainFile = resolve(__dirname, '../../dist/main.js');
const keptLines = 20_000;

export type Tree = { readonly [key: string]: unknown };
export type LogLine = Readonly<Record<string, unknown>>;

export interface BridgeOptions {
  /** The XMPP server whose component it is; fills `xmpp.*`. */
  readonly xmpp?: { readonly componentPort: number; readonly componentDomain: string; readonly secret: string };
  /** Fills `ximss.server` and `ximss.domain`; `ximss.starttls` becomes "never". */
  readonly ximss?: { readonly server: string; readonly domain: string };
  /** Fills `redis.url`; without it the bridge starts its own. */
  readonly redis?: { readonly url: string };
  /** Laid over all that, key by key; null is a value, undefined removes a key. */
  readonly config?: Tree;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** How long until `ready`; 20,000 when left out. */
  readonly deadlineMs?: number;
  /** False: resolve as soon as the process runs. */
  readonly waitReady?: boolean;
  /** The program; dist/main.js when left out. */
  readonly main?: string;
  /** What node is told before the program: `--cpu-prof`, for instance. */
  readonly nodeArgs?: readonly string[];
  /** Sees each log line as it comes. */
  readonly onLog?: (line: LogLine) => void;
}

export interface BridgeProcess {
  readonly dir: string;
  readonly dataDir: string;
  readonly configFile: string;
  readonly config: Tree;
  /** Port of the health, metrics and console listener on 127.0.0.1. */
  readonly httpPort: number;
  readonly pid: number;
  /** JSON log lines of all runs, oldest first; the last 20,000. Anything else on stdout is `{msg: line, raw: true}`. */
  readonly logs: readonly LogLine[];
  /** Everything written, stderr too, this run. */
  output(): string;
  /** The first log line, since `clearLogs()`, that fits. Rejects when the process ends without it. */
  waitForLog(predicate: (line: LogLine) => boolean, deadlineMs?: number, what?: string): Promise<LogLine>;
  clearLogs(): void;
  /** Resolves when this run has ended. */
  exited(): Promise<Exit>;
  isRunning(): boolean;
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM; the exit code, or null when it had to be killed after the grace (20 s). */
  stop(graceMs?: number): Promise<number | null>;
  kill9(): Promise<void>;
  /** Runs it again on the same data; `config` replaces keys of the file for good. Waits for `ready`. */
  start(config?: Tree): Promise<void>;
  /** Stops for good, ends what it left running in its data directory, removes the directory. */
  dispose(): Promise<void>;
}

/** Starts it and waits for its `ready`; rejects with the log's end when that does not come. */
export async function startBridge(options: BridgeOptions = {}): Promise<BridgeProcess> {
  const main = options.main ?? mainFile;
  if (!existsSync(main)) throw new Error(`${main} is missing: npm run build`);
  const dir = makeTempDir('bridge');
  const dataDir = join(dir, 'data');
  mkdirSync(dataDir);
  const configFile = join(dir, 'bridge.yaml');
  const httpPort = await freePort();
  const logs: LogLine[] = [];
  let config = merge(bridgeConfig(options, dataDir, httpPort), options.config ?? {});
  let child: Child | undefined;

  const current = (): Child => {
    if (!child) throw new Error('the bridge was never started');
    return child;
  };
  const isRunning = (): boolean => child !== undefined && child.exit() === undefined;
  const waitForLog: BridgeProcess['waitForLog'] = (predicate, deadlineMs = 10_000, what = 'a log line') =>
    findLog(logs, predicate, current(), { deadlineMs, what });

  const start = async (changes: Tree = {}): Promise<void> => {
    if (isRunning()) throw new Error('the bridge runs already');
    config = merge(config, changes);
    writeFileSync(configFile, stringify(config));
    const firstLine = { at: logs.length };
    const onLine = (line: string, stream: string): void => {
      if (stream !== 'stdout') return;
      const parsed = parseLine(line);
      logs.push(parsed);
      options.onLog?.(parsed);
      if (logs.length > keptLines) {
        logs.shift();
        firstLine.at -= 1;
      }
    };
    const env = { ...options.env };
    const args = [...(options.nodeArgs ?? []), main, 'run', '--config', configFile];
    // Its own redis-server must hear of a dead test run too, so the bridge gets TERM, not KILL.
    child = await startProcess(process.execPath, args, { cwd: dir, env, onLine, deathSignal: 'TERM' });
    if (options.waitReady === false) return;
    const isReady = (line: LogLine): boolean => line['msg'] === 'ready' && logs.indexOf(line) >= firstLine.at;
    await findLog(logs, isReady, child, { deadlineMs: options.deadlineMs ?? 20_000, what: 'ready' });
  };

  const bridge: BridgeProcess = {
    dir,
    dataDir,
    configFile,
    httpPort,
    logs,
    get config() {
      return config;
    },
    get pid() {
      return current().pid;
    },
    output: () => current().log(),
    waitForLog,
    clearLogs: () => void logs.splice(0),
    exited: () => current().exited,
    isRunning,
    signal: (signal) => current().signal(signal),
    async stop(graceMs = 20_000) {
      return (await current().stop(graceMs)).code;
    },
    async kill9() {
      await current().kill9();
    },
    start,
    async dispose() {
      await child?.stop();
      removeTempDir(dir);
      await until(() => processesInside(dir).length === 0, { what: 'the end of what the bridge left running' });
    },
  };
  try {
    await start();
    return bridge;
  } catch (error) {
    await bridge.dispose();
    throw error;
  }
}

/** The configuration that fits the given servers: loopback, no encryption, a free HTTP port. */
export function bridgeConfig(options: BridgeOptions, dataDir: string, httpPort: number): Tree {
  const { xmpp, ximss, redis } = options;
  return {
    xmpp: {
      service: `xmpp://127.0.0.1:${xmpp?.componentPort ?? 5347}`,
      domain: xmpp?.componentDomain ?? 'ximss.test',
      secret: xmpp?.secret ?? 'test-secret',
    },
    ximss: {
      server: ximss?.server ?? 'ximss://127.0.0.1:11024',
      domain: ximss?.domain ?? 'cgp.test',
      starttls: 'never',
    },
    redis: { url: redis?.url ?? null },
    dataDir,
    http: { listen: `127.0.0.1:${httpPort}` },
    log: { level: 'debug' },
  };
}

/** Lays `over` on `base`: objects key by key, everything else replaced, undefined removes the key. */
export function merge(base: Tree, over: Tree): Tree {
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = result[key];
    if (value === undefined) delete result[key];
    else result[key] = isTree(value) && isTree(below) ? merge(below, value) : value;
  }
  return result;
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseLine(line: string): LogLine {
  try {
    const value: unknown = JSON.parse(line);
    if (isTree(value)) return value;
  } catch {
    // Not JSON: kept as it is.
  }
  return { msg: line, raw: true };
}

function findLog(
  logs: readonly LogLine[],
  predicate: (line: LogLine) => boolean,
  child: Child,
  { deadlineMs, what }: { deadlineMs: number; what: string },
): Promise<LogLine> {
  const tail = (): string => child.log().slice(-3000);
  const look = (): LogLine | undefined => {
    const line = logs.find(predicate);
    const exit = child.exit();
    if (line === undefined && exit) {
      throw new Hopeless(`the bridge ended (code ${exit.code}, signal ${exit.signal}) without ${what}\n${tail()}`);
    }
    return line;
  };
  return until(look, { deadlineMs, what: () => `${what} from the bridge; its log ends\n${tail()}\n` });
}
