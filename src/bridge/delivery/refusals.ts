/**
 * Errors to Jabber senders for what was never accepted: written at once, past the store, which may be why. Until the XMPP
 * server has proved that it has them they are kept here, bounded, and written again on the next stream, since what goes
 * out on a stream that is breaking is lost. With the process they are gone.
 */
import type { Account, BareJid } from '../../core/address';
import { toFault } from '../../core/fault';
import type { Bounce } from '../../core/model';
import type { Log } from '../../core/runtime';
import type { JabberPort } from '../ports';

export interface RefusalsOptions {
  readonly jabber: Pick<JabberPort, 'sendNow' | 'barrier'>;
  readonly log: Log;
  /** that are kept; more are written once */
  readonly keptMax?: number;
}

export interface Refusals {
  /** Never throws. */
  send(user: BareJid, peer: Account, bounce: Bounce): void;
  /** The stream is up (again): what was not proved is written once more. */
  onStreamUp(): void;
}

interface Refusal {
  readonly user: BareJid;
  readonly peer: Account;
  readonly bounce: Bounce;
}

export function makeRefusals({ jabber, log, keptMax = 20_000 }: RefusalsOptions): Refusals {
  let kept: Refusal[] = [];
  let isProving = false;

  const write = ({ user, peer, bounce }: Refusal): boolean => jabber.sendNow(user, peer, bounce);

  /** One proof at a time, for all that was written before it. */
  async function prove(): Promise<void> {
    if (isProving) return;
    isProving = true;
    try {
      while (kept.length > 0) {
        const count = kept.length;
        await jabber.barrier();
        kept = kept.slice(count);
      }
    } catch (thrown) {
      log.debug({ fault: toFault(thrown).code, count: kept.length }, 'refusals are written again on the next stream');
    } finally {
      isProving = false;
    }
  }

  return {
    send(user, peer, bounce) {
      const refusal = { user, peer, bounce };
      write(refusal);
      if (kept.length >= keptMax) return;
      kept.push(refusal);
      void prove();
    },
    onStreamUp() {
      if (kept.length === 0) return;
      log.info({ count: kept.length }, 'refusals are written again: the last stream may have lost them');
      kept.forEach(write);
      void prove();
    },
  };
}
