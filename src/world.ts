/**
 * The process and the program as the command line sees them: everything it touches is handed in, so that tests can play the
 * operator. Types, and the exit codes.
 */
import type { Config, DialectKey } from './config';
import type { Fault } from './core/fault';
import type { Log, RootLog } from './core/runtime';
import type { TestAccounts } from './doctor/dialect/test-accounts';
import type { Check } from './doctor/runner';
import type { Metrics } from './ops/metrics';
import type { Notify } from './ops/notify';

/** A running bridge. */
export interface RunningApp {
  stop(): Promise<void>;
  readonly failed: Promise<Fault>;
  /** Reads the configuration again. Never rejects. */
  reload(): Promise<void>;
}

export interface AppDeps {
  readonly log: RootLog;
  readonly metrics: Metrics;
  /** Reads the configuration again. Throws ConfigProblems. */
  readonly readConfig: () => Config;
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
  makeLog(level: Config['log']['level']): RootLog;
  makeMetrics(): Metrics;
  /** Tells the service manager of the process, if there is one. */
  makeNotify(log: Log): Notify;
  startApp(config: Config, deps: AppDeps): Promise<RunningApp>;
  checks(config: Config, log: Log, wishes: { readonly accounts: boolean }): Promise<readonly Check[]>;
  /** Tries out a XIMSS server with two test accounts; see src/doctor/dialect/run.ts. */
  testDialect(options: DialectTestRequest): Promise<boolean>;
  /** Calls the listener for every SIGTERM and SIGINT until the returned function is called. */
  onSignal(listener: (name: 'SIGTERM' | 'SIGINT') => void): () => void;
  /** Calls the listener for every SIGHUP until the returned function is called. */
  onReload(listener: () => void): () => void;
  /** Calls the listener for what nobody caught. */
  onCrash(listener: (thrown: unknown) => void): void;
  /** Ends the process at once. */
  exit(code: number): void;
}

export const exitCodes = { stopped: 0, failed: 1, configuration: 2, refused: 3, store: 4 } as const;
