/**
 * The end of a link, as the user's server sees it: presence is withdrawn, subscriptions end both ways, contacts leave the
 * roster where it can be written, and nothing is remembered. The far side is not told: the account stays as it is.
 */
import type { Account, BareJid } from '../../core/address';
import { toFault } from '../../core/fault';
import type { SubscriptionVerb } from '../../core/model';
import { halvesOf } from '../../core/pair';
import type { Announce } from '../presence/ghosts';
import { tables, type Circle } from '../state/user-state';
import type { JabberPort, Log, StateStore } from '../ports';
import type { Subscribe } from './subscriptions';

export interface FarewellOptions {
  readonly jabber: Pick<JabberPort, 'sendNow' | 'rosterAccess' | 'readRoster' | 'writeRoster'>;
  readonly state: Pick<StateStore, 'read' | 'write'>;
  readonly subscribe: Pick<Subscribe, 'alone'>;
  readonly announce: Pick<Announce, 'withdraw'>;
  readonly log: Log;
}

const rosterMs = 5_000;

/** Says it all for one user, after what waits already; what the roster does not take in time stays. Rejects `store-away`. */
export function makeFarewell(options: FarewellOptions): (circle: Circle, ended: AbortSignal) => Promise<void> {
  const { jabber, state, subscribe, announce, log } = options;

  function tell(user: BareJid, peer: Account, verb: SubscriptionVerb): void {
    jabber.sendNow(user, peer, { kind: 'verb', verb, status: null });
  }

  /** Where the user's roster can be written the contacts go; elsewhere they stay as names without a subscription. */
  async function removeItems(user: BareJid, signal: AbortSignal): Promise<void> {
    if (jabber.rosterAccess() !== 'both') return;
    try {
      for (const { account } of await jabber.readRoster(user, signal)) {
        await jabber.writeRoster(user, { remove: account }, signal);
      }
    } catch (thrown) {
      log.info({ peer: user, fault: toFault(thrown).code }, 'contacts could not be removed from the roster');
    }
  }

  async function forget({ user }: Circle): Promise<void> {
    for (const table of [tables.pairs, tables.shown, tables.synced, tables.notes]) {
      const fields = await state.read(table, user);
      if (fields.size > 0) await state.write(table, user, new Map([...fields.keys()].map((field) => [field, null])));
    }
  }

  return async (circle, ended) => {
    const { user } = circle;
    const deadline = AbortSignal.any([AbortSignal.timeout(rosterMs), ended]);
    await subscribe.alone(user, async () => {
      await announce.withdraw(circle);
      for (const { peer, pair } of circle.buddies.values()) {
        const { sees, seen } = halvesOf(pair.state);
        if (sees !== 'no') tell(user, peer, 'unsubscribed');
        if (seen !== 'no') tell(user, peer, 'unsubscribe');
      }
      await removeItems(user, deadline);
      await forget(circle);
    });
  };
}
