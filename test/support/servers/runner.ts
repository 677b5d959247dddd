/** One restartable server program: the newest child, and the end of the logs of the runs before it. */
import { within } from '../wait';
import type { Child } from '../process';

/** long: a Redis of a chaos run reads a large file on a busy machine */
export const readyMs = 60_000;
const keptChars = 256 * 1024;

export interface Runner {
  /** Launches unless it runs; the launch function resolves when the server accepts connections. */
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
  readonly kill9: () => Promise<void>;
  readonly log: () => string;
  readonly isRunning: () => boolean;
}

/** `launch` starts the child; `ready` resolves when it accepts connections. A child that never gets ready is killed. */
export function makeRunner(launch: () => Promise<Child>, ready: (child: Child) => Promise<unknown>): Runner {
  let child: Child | undefined;
  let earlier = '';
  const isRunning = (): boolean => child !== undefined && child.exit() === undefined;
  return {
    async start() {
      if (isRunning()) return;
      if (child) earlier = (earlier + child.log()).slice(-keptChars);
      const launched = await launch();
      child = launched;
      try {
        await within(ready(launched), readyMs, 'a server ready for connections');
      } catch (error) {
        await launched.kill9();
        throw error;
      }
    },
    async stop() {
      await child?.stop();
    },
    async kill9() {
      await child?.kill9();
    },
    log: () => earlier + (child?.log() ?? ''),
    isRunning,
  };
}
