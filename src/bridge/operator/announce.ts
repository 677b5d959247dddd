/**
 * A word from the operator to all linked users, through the queue like any other message: what is accepted survives a
 * crash. In batches, each stored before the next, so that the intake keeps room for what people write meanwhile.
 */
import type { BareJid } from '../../core/address';
import { Fault } from '../../core/fault';
import { gatewayPeer } from '../../core/model';
import { cleanXmlText } from '../../core/text';
import type { Intake } from '../delivery/intake';
import { gatewayMessage } from '../delivery/gateway-messages';
import type { Log } from '../ports';

export interface AnnounceOptions {
  readonly intake: Pick<Intake, 'accept'>;
  readonly users: () => Iterable<BareJid>;
  readonly log: Log;
}

/** A word to every linked user, or to those who are online now. Rejects `not-acceptable`, `too-large`, `rate-limited`. */
export type Announce = (
  text: string,
  to: keyof typeof types,
) => Promise<{ readonly queued: number; readonly refused: number }>;

const textMax = 4_000;
const batchCount = 200;
/** RFC 6121 section 5.2.2: a server keeps a chat message for who is offline, and not a headline. */
const types = { everybody: 'chat', online: 'headline' } as const;

export function makeAnnounce({ intake, users, log }: AnnounceOptions): Announce {
  let isBusy = false;

  const tell = (user: BareJid, text: string, type: 'chat' | 'headline'): Promise<boolean> =>
    new Promise((resolve) =>
      intake.accept(
        { direction: 'toJabber', user, peer: gatewayPeer },
        gatewayMessage(text, null, type),
        null,
        (fault) => resolve(fault === null),
      ),
    );

  async function announce(text: string, to: 'everybody' | 'online'): Promise<{ queued: number; refused: number }> {
    const all = [...users()];
    let queued = 0;
    for (let i = 0; i < all.length; i += batchCount) {
      const batch = all.slice(i, i + batchCount);
      const stored = await Promise.all(batch.map((user) => tell(user, text, types[to])));
      queued += stored.filter(Boolean).length;
    }
    return { queued, refused: all.length - queued };
  }

  return async (text, to) => {
    const clean = cleanXmlText(text).text.trim();
    if (clean === '') throw new Fault('not-acceptable', { reason: 'nothingToAnnounce' });
    if (clean.length > textMax) throw new Fault('too-large', { reason: 'announcementLong', value: String(textMax) });
    if (isBusy) throw new Fault('rate-limited', { reason: 'announcementRunning' });
    isBusy = true;
    try {
      const result = await announce(clean, to);
      log.info({ to, ...result }, 'announced');
      return result;
    } finally {
      isBusy = false;
    }
  };
}
