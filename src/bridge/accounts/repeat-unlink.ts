/**
 * Ends a link for a user who waits for no answer, because they deleted the gateway contact: when the store goes away in the
 * middle it is tried again until it is done, or until the user has linked anew. Who asks by a form is answered instead.
 */
import type { BareJid } from '../../core/address';
import { toFault } from '../../core/fault';
import { backoffMs } from '../../core/retry';
import type { Clock, Log } from '../../core/runtime';
import type { Links } from './links';

export interface RepeatUnlinkOptions {
  readonly links: Pick<Links, 'linkOf' | 'unlink'>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface RepeatUnlink {
  /** Resolves when the link is gone, or is another one. Rejects `not-allowed` when the operator made it. */
  unlink(user: BareJid): Promise<void>;
  /** Ends the tries. */
  stop(): void;
}

const retryMs = { baseMs: 500, capMs: 30_000 };

export function makeRepeatUnlink({ links, clock, log }: RepeatUnlinkOptions): RepeatUnlink {
  const stopping = new AbortController();

  async function unlink(user: BareJid): Promise<void> {
    const link = links.linkOf(user);
    for (let attempt = 0; link !== undefined && links.linkOf(user) === link; attempt += 1) {
      try {
        return await links.unlink(user);
      } catch (thrown) {
        const { code } = toFault(thrown);
        if (code === 'not-allowed' || stopping.signal.aborted) throw thrown;
        log.warn({ peer: user, fault: code, attempt }, 'the link could not be ended, it is tried again');
        await clock.sleep(backoffMs(attempt, clock.dice(), retryMs), stopping.signal);
      }
    }
  }

  return { unlink, stop: () => stopping.abort() };
}
