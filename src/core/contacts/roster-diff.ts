/**
 * Two whole rosters and what is remembered between them: `reconcileContact` for each contact, with a brake. A roster that
 * is empty or has lost many contacts at once has more likely failed to load than been cleared (other gateways have
 * deleted nearly all contacts of a user that way), so what would take something away is then left alone and named, and
 * the rest is done. Even the last contact may go when its deletion was said by name: an empty list alone says nothing. One contact that is known to be gone is a matter for `reconcileContact` alone.
 */
import type { Account } from '../address';
import { gatewayPeer, type Contact } from '../model';
import { halvesOf, newPair, type Pair } from './pair';
import { reconcileContact, type Action, type Known, type ServerEntry } from './reconcile';

export interface Rosters {
  readonly far: readonly Contact[];
  /** null: it cannot be read */
  readonly server: readonly ServerEntry[] | null;
  /** the server roster can be written */
  readonly mayWrite: boolean;
  readonly known: ReadonlyMap<Account, Known>;
  /** contacts with verbs still on their way or pairs changed since the rosters were read: left for the next time */
  readonly busy: ReadonlySet<Account>;
  /** contacts of whom the far side has said, each by name, that they were deleted */
  readonly gone?: ReadonlySet<Account>;
  /**
   * Contacts from which something may be taken away in one run: the word of an operator who has seen what it would be. By
   * default a fifth of those known, at least 3, and none at all when a roster is empty without a word.
   */
  readonly mayDelete?: number;
}

/** Forgetting that a contact was on both rosters counts too: it is all that tells a deletion from a first sight. */
const taking = (action: Action, was: Known): boolean =>
  (action.do === 'save' && action.synced === null && was.synced !== null) ||
  action.do === 'removeServer' ||
  action.do === 'removeFar' ||
  action.do === 'hide' ||
  ((action.do === 'toFar' || action.do === 'toJabber') && action.verb.startsWith('un'));

/** `skipped`: contacts left alone because too much would be taken away at once. Never throws. */
export function reconcile(rosters: Rosters): {
  readonly actions: readonly Action[];
  readonly skipped: readonly Account[];
} {
  const { known, busy } = rosters;
  const far = new Map(rosters.far.map((contact) => [contact.account, contact]));
  const server = rosters.server && new Map(rosters.server.map((entry) => [entry.account, entry]));
  const accounts = new Set([...far.keys(), ...(server?.keys() ?? []), ...known.keys()]);

  const plans = new Map<Account, readonly Action[]>();
  const takers: Account[] = [];
  for (const account of accounts) {
    if (account === gatewayPeer || busy.has(account)) continue;
    const was = known.get(account) ?? { pair: newPair, synced: null };
    const plan = reconcileContact({
      account,
      far: far.get(account) ?? null,
      server: server === null ? 'unknown' : (server.get(account) ?? null),
      ...was,
      mayWrite: rosters.mayWrite && server !== null,
    });
    if (plan.length > 0) plans.set(account, plan);
    if (plan.some((action) => taking(action, was))) takers.push(account);
  }

  // no subscription stands: there was none, or the user's verbs have told of the deletion. Then even the last one may go
  const isLoose = ({ state }: Pair): boolean => halvesOf(state).sees !== 'yes' && halvesOf(state).seen !== 'yes';
  const areLoose = takers.every((account) => isLoose(known.get(account)?.pair ?? newPair));
  const areGone = takers.every((account) => rosters.gone?.has(account));
  const isEmpty = (far.size === 0 && !areGone) || (server?.size === 0 && !areLoose);
  const limit = rosters.mayDelete ?? (isEmpty ? 0 : Math.max(3, Math.ceil(known.size / 5)));
  const skipped = new Set(takers.length > limit ? takers : []);
  const actions = [...plans].flatMap(([account, plan]) => (skipped.has(account) ? [] : plan));
  return { actions, skipped: [...skipped] };
}
