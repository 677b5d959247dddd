/**
 * The processes of the bridge in a chaos run: one serves, the others stand by. What is done to "the bridge" is done to the
 * one that serves; it is the one that last said that it is ready.
 */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startBridge, type BridgeOptions, type BridgeProcess, type LogLine } from '../support/bridge-process';
import { makeTempDir, removeTempDir } from '../support/temp';
import { pause, until } from '../support/wait';

export interface BridgesOptions extends Pick<BridgeOptions, 'env' | 'xmpp' | 'ximss' | 'redis' | 'config'> {
  readonly count: number;
  /** of all of them */
  readonly onLog: (line: LogLine) => void;
}

export interface Bridges {
  /** Ends the one that serves. */
  stop(): Promise<void>;
  kill9(): Promise<void>;
  /** Ends one that stands by. */
  killStandBy(): Promise<void>;
  /** The one that serves does nothing for so long; resolves when it goes on or, another having taken over, has ended. */
  freeze(ms: number): Promise<void>;
  /** Starts all that have ended; resolves when one serves. */
  start(): Promise<void>;
  signalAll(signal: NodeJS.Signals): void;
  dispose(): Promise<void>;
}

const none = -1;
/** on a busy machine */
const deadlineMs = 90_000;

/** Resolves when one serves. */
export async function startBridges({ count, onLog, config, ...same }: BridgesOptions): Promise<Bridges> {
  const dir = makeTempDir('keys');
  const secretKeyFile = join(dir, 'secret.key');
  writeFileSync(secretKeyFile, randomBytes(32).toString('base64'), { mode: 0o600 });
  const all: BridgeProcess[] = [];
  let serving = none;

  const serves = (): boolean => all[serving]?.isRunning() === true;
  /** As a service manager would: one that ended by itself, since Redis went away while it started, is started again. */
  const revive = async (): Promise<void> => {
    if (all.some((one) => one.isRunning())) return;
    for (const one of all) await one.start();
  };
  const oneServes = (): Promise<unknown> =>
    until(
      async () => {
        if (!serves()) await revive();
        return serves();
      },
      { deadlineMs, what: 'a process that serves' },
    );
  const theOne = async (): Promise<BridgeProcess> => {
    await oneServes();
    const one = all[serving];
    if (one === undefined) throw new Error('no process serves');
    return one;
  };

  for (let i = 0; i < count; i += 1) {
    const seen = (line: LogLine): void => {
      if (line['msg'] === 'ready') serving = i;
      onLog(line);
    };
    all.push(await startBridge({ ...same, waitReady: false, onLog: seen, config: { ...config, secretKeyFile } }));
    await oneServes();
  }

  return {
    async stop() {
      const one = await theOne();
      const at = serving;
      await one.stop(deadlineMs);
      if (serving === at) serving = none;
    },
    async kill9() {
      const one = await theOne();
      serving = none; // started again it stands by
      await one.kill9();
    },
    async killStandBy() {
      await all.find((one, i) => i !== serving && one.isRunning())?.kill9();
    },
    async freeze(ms) {
      const one = await theOne();
      one.signal('SIGSTOP');
      await pause(ms);
      one.signal('SIGCONT');
      await until(() => !one.isRunning() || all[serving] === one, {
        deadlineMs,
        what: 'the end of one that was frozen',
      });
    },
    async start() {
      for (const one of all) if (!one.isRunning()) await one.start();
      await oneServes();
    },
    signalAll: (signal) => {
      for (const one of all) if (one.isRunning()) one.signal(signal);
    },
    async dispose() {
      for (const one of all) one.signal('SIGCONT');
      for (const one of all) await one.dispose();
      removeTempDir(dir);
    },
  };
}
