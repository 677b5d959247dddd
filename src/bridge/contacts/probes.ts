/**
 * Probes of the user's server (RFC 6121 section 4.3). A server probes only whom its user is subscribed to, so a probe also
 * tells what our store may have lost. While no subscription of the user is known at all, the answer waits, bounded, for the
 * first comparison of the rosters.
 */
import type { Account } from '../../core/address';
import { gatewayPeer } from '../../core/model';
import { halvesOf, maySee, newPair } from '../../core/contacts/pair';
import type { Ghosts } from '../presence/ghosts';
import type { UserState } from '../state/user-state';
import type { Verbs } from './verbs';

export interface Probes {
  /** Answers for this contact, now or when the subscriptions are known. */
  answer(userState: UserState, peer: Account): void;
  /** The user's rosters were compared: what waited is answered. */
  onPairsKnown(userState: UserState): void;
}

/** Answers that wait for one user. */
const waitingMax = 20_000;

export function makeProbes(options: {
  readonly ghosts: Pick<Ghosts, 'onProbe'>;
  readonly verbs: Pick<Verbs, 'fromJabber'>;
}): Probes {
  const { ghosts, verbs } = options;
  const waiting = new WeakMap<UserState, Set<Account>>();

  /** The gateway contact lets every linked user see it, and a contact who has approved in advance is seen from now on. */
  function answer(userState: UserState, peer: Account): void {
    const pair = userState.contacts.get(peer)?.pair ?? newPair;
    const isKnown = maySee(pair) || halvesOf(pair.state).sees === 'pending';
    if (!isKnown && (peer === gatewayPeer || pair.approved))
      return void verbs.fromJabber(userState, peer, { kind: 'verb', verb: 'subscribe', status: null });
    if (isKnown || userState.arePairsKnown) return ghosts.onProbe(userState, peer);
    const peers = waiting.get(userState) ?? new Set();
    if (peers.size < waitingMax) waiting.set(userState, peers.add(peer));
  }

  function onPairsKnown(userState: UserState): void {
    userState.arePairsKnown = true;
    const peers = waiting.get(userState) ?? [];
    waiting.delete(userState);
    for (const peer of peers) answer(userState, peer);
  }

  return { answer, onPairsKnown };
}
