/**
 * What still waits when a link ends goes back to its senders: each of the Jabber user's messages as an error with its
 * id, each far sender's as a notice, and the rest is counted in one message. Beyond a bound only the count is told. It
 * reads the lanes and empties them; it settles nothing, since a drain of the same lanes may be running.
 */
import type { BareJid } from '../../core/address';
import { Fault, toFault } from '../../core/fault';
import { textsFor } from '../../core/i18n';
import { parseLaneKey, type Bounce, type LaneKey } from '../../core/model';
import type { Log } from '../../core/runtime';
import { bounceOf } from '../delivery/outcome';
import type { SendToUser } from '../delivery/gateway-messages';
import type { Senders } from '../delivery/senders';
import type { Backlog, LaneReader, LaneStore } from '../ports';

export interface ReturnWaitingOptions {
  readonly lanes: Pick<LaneStore, 'forget'> & LaneReader & Pick<Backlog, 'lanePage'>;
  readonly senders: Pick<Senders, 'tell'>;
  readonly sendToUser: SendToUser;
  readonly log: Log;
}

/** lanes of one user that are read, and envelopes of each; more is only counted */
const lanesMax = 200;
const envelopesMax = 100;

/** Resolves when the lanes of the user are empty and all are told. Rejects `store-away`. */
export function makeReturnWaiting(options: ReturnWaitingOptions): (user: BareJid) => Promise<void> {
  const { lanes, senders, sendToUser, log } = options;

  async function read(user: BareJid): Promise<ReadonlyMap<LaneKey, readonly Bounce[]>> {
    const { entries } = await lanes.lanePage({ user, after: null, count: lanesMax });
    const heads = await lanes.heads(
      entries.map(({ lane }) => lane),
      envelopesMax,
    );
    const fault = new Fault('not-linked', { reason: 'linkHasEnded' }).toData();
    const bounces = [...heads].map(([key, stored]) => {
      const events = stored.flatMap((one) =>
        'envelope' in one ? [bounceOf(one.envelope.event, one.envelope.acceptedAt, fault)] : [],
      );
      return [key, events.filter((bounce) => bounce !== null)] as const;
    });
    return new Map(bounces);
  }

  return async (user) => {
    const bounces = await read(user).catch((thrown: unknown) => {
      log.warn({ peer: user, fault: toFault(thrown).code }, 'what waits could not be read, it is only counted');
      return new Map<LaneKey, readonly Bounce[]>();
    });
    const count = await lanes.forget(user);
    if (count === 0) return;
    log.info({ peer: user, count }, 'lanes of a user without a link emptied');
    for (const [key, events] of bounces) {
      const lane = parseLaneKey(key);
      if (lane !== null) for (const bounce of events) senders.tell(lane, bounce);
    }
    sendToUser(user, (language) => textsFor(language).notices.linkEnded(count));
  };
}
