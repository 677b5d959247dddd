/**
 * The end of a link, as the user's server sees it: presence is withdrawn, subscriptions end both ways, contacts leave the
 * roster where it can be written, and nothing is remembered. The far side keeps its roster: the account stays as it is.
 */
import type { Account, BareJid } from '../../core/address';
import { toFault } from '../../core/fault';
import { gatewayPeer } from '../../core/model';
import type { SubscriptionVerb } from '../../core/model';
import { halvesOf } from '../../core/contacts/pair';
import type { Ghosts } from '../presence/ghosts';
import { stateTables, type UserState } from '../state/user-state';
import type { JabberPort, Log, StateStore } from '../ports';
import type { Subscriptions } from './subscriptions';

export interface WithdrawOptions {
  readonly jabber: Pick<JabberPort, 'sendNow' | 'rosterAccess' | 'readRoster' | 'writeRoster'>;
  readonly state: Pick<StateStore, 'read' | 'write'>;
  readonly subscriptions: Pick<Subscriptions, 'alone'>;
  readonly ghosts: Pick<Ghosts, 'withdraw'>;
  readonly log: Log;
}

const rosterMs = 5_000;

/** Withdraws the contacts of one user, after what waits already; what the roster does not take in time stays. Rejects
 * `store-away`. */
export function makeWithdraw(options: WithdrawOptions): (userState: UserState, ended: AbortSignal) => Promise<void> {
  const { jabber, state, subscriptions, ghosts, log } = options;

  function send(user: BareJid, peer: Account, verb: SubscriptionVerb): void {
    jabber.sendNow(user, peer, { kind: 'verb', verb, status: null });
  }

  /** Where the user's roster can be written the contacts go; elsewhere they stay as names without a subscription. */
  async function removeItems(user: BareJid, signal: AbortSignal): Promise<void> {
    if (jabber.rosterAccess() !== 'both') return;
    try {
      for (const { account } of await jabber.readRoster(user, signal)) {
        await jabber.writeRoster(user, { remove: account }, signal);
      }
      await jabber.writeRoster(user, { remove: gatewayPeer }, signal);
    } catch (thrown) {
      log.info({ peer: user, fault: toFault(thrown).code }, 'contacts could not be removed from the roster');
    }
  }

  async function forget({ user }: UserState): Promise<void> {
    for (const table of Object.values(stateTables)) {
      const fields = await state.read(table, user);
      if (fields.size > 0) await state.write(table, user, new Map([...fields.keys()].map((field) => [field, null])));
    }
  }

  return async (userState, ended) => {
    const { user } = userState;
    const deadline = AbortSignal.any([AbortSignal.timeout(rosterMs), ended]);
    await subscriptions.alone(user, async () => {
      await ghosts.withdraw(userState);
      for (const { peer, pair } of userState.contacts.values()) {
        const { sees, seen } = halvesOf(pair.state);
        if (sees !== 'no') send(user, peer, 'unsubscribed');
        if (seen !== 'no') send(user, peer, 'unsubscribe');
      }
      await removeItems(user, deadline);
      await forget(userState);
    });
  };
}
