/**
 * Tells systemd how the service is: READY=1, STOPPING=1, and WATCHDOG=1 at half the interval that the unit asks for, from
 * the event loop, so that a loop that hangs is a service that is started anew (sd_notify(3), sd_watchdog_enabled(3)).
 * Node has no datagram sockets of the Unix kind, so systemd's own program `systemd-notify` says it, one run at a time.
 * It never holds up or ends the bridge: what cannot be said is logged. Without NOTIFY_SOCKET nothing is started.
 */
import { execFile } from 'node:child_process';
import type { Log } from '../core/runtime';

export type ServiceState = 'ready' | 'stopping';

/** Says the state; the watchdog's signs of life begin with `ready` and end with `stopping`. Returns at once, never throws. */
export type Notify = (state: ServiceState) => void;

export interface NotifyOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  readonly log: Log;
  /** the program that says it; another one in tests */
  readonly program?: string;
}

const runMs = 5_000;
const assignments = { ready: 'READY=1', stopping: 'STOPPING=1' } as const;

/** For the service that the environment describes. The timer does not keep the process alive. */
export function makeNotify({ env, pid, log, program = 'systemd-notify' }: NotifyOptions): Notify {
  if (!env['NOTIFY_SOCKET']) return () => undefined;
  let queue = Promise.resolve();
  let isSignDue = false;
  const say = (assignment: string): Promise<void> => (queue = queue.then(() => run(program, assignment, env, log)));

  /** A sign that still waits for the one before it is not doubled. */
  async function signOfLife(): Promise<void> {
    if (isSignDue) return;
    isSignDue = true;
    await say('WATCHDOG=1');
    isSignDue = false;
  }

  let timer: NodeJS.Timeout | undefined;
  return (state) => {
    void say(assignments[state]);
    clearInterval(timer);
    const everyMs = watchdogMs(env, pid) / 2;
    if (state === 'ready' && everyMs > 0) timer = setInterval(() => void signOfLife(), everyMs).unref();
  };
}

/** What the unit's WatchdogSec is, in milliseconds; 0: none, or meant for another process. */
function watchdogMs(env: NotifyOptions['env'], pid: number): number {
  const ms = Number(env['WATCHDOG_USEC'] ?? 0) / 1000;
  const isOurs = env['WATCHDOG_PID'] === undefined || Number(env['WATCHDOG_PID']) === pid;
  return isOurs && ms >= 1 ? ms : 0;
}

/** Never rejects. */
function run(program: string, assignment: string, env: NotifyOptions['env'], log: Log): Promise<void> {
  return new Promise((resolve) => {
    execFile(program, [assignment], { env: { ...env }, timeout: runMs, killSignal: 'SIGKILL' }, (error) => {
      if (error) log.warn({ err: error }, 'systemd could not be told the state of the service');
      resolve();
    });
  });
}
