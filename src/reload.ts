/**
 * Reads the configuration again while the bridge runs: what can change takes effect at once, what cannot is named in the log
 * and left as it was, and a configuration that is wrong changes nothing. One at a time.
 */
import type { Bridge } from './bridge/bridge';
import type { Reloaded } from './bridge/ports';
import { ConfigProblems, type Config } from './config';
import { changesOf } from './config/changes';
import { bridgeSettings } from './config/parts';
import { Fault } from './core/fault';
import type { RootLog } from './core/runtime';

export interface ReloadOptions {
  /** what is in effect; replaced as a whole */
  readonly live: { config: Config };
  /** Reads file and environment. Throws ConfigProblems. */
  readonly readConfig: () => Config;
  readonly bridge: () => Pick<Bridge, 'change'>;
  readonly log: RootLog;
}

/** Rejects `not-acceptable` with all problems, or `store-away`; then a further call does the rest. */
export function makeReload({ live, readConfig, bridge, log }: ReloadOptions): () => Promise<Reloaded> {
  let underWay: Promise<unknown> = Promise.resolve();

  async function reload(): Promise<Reloaded> {
    const { changed, needRestart, effective } = changesOf(live.config, read(readConfig));
    await bridge().change(bridgeSettings(effective));
    live.config = effective;
    log.changeLevel(effective.log.level);
    log.info({ changed }, 'configuration read again');
    if (needRestart.length > 0) log.warn({ keys: needRestart }, 'changed keys that wait for a restart');
    return { changed, needRestart };
  }

  return () => {
    const mine = underWay.then(reload);
    underWay = mine.catch(() => undefined); // told to who asked
    return mine;
  };
}

function read(readConfig: () => Config): Config {
  try {
    return readConfig();
  } catch (thrown) {
    if (!(thrown instanceof ConfigProblems)) throw thrown;
    throw new Fault('not-acceptable', { text: `The configuration is wrong, nothing has changed:\n${thrown.message}` });
  }
}
