/**
 * Subscriptions as they happen: one verb at a time per user, the pair stepped by the table of core/contacts/subscription, stored,
 * then its effects: verbs on the lane of the messages (so order holds), presence through ghosts. The pair is stored
 * before anything is sent; what cannot be sent while the store is away is sent when it is back. Nothing is mirrored to
 * its sender, and nothing is decided here.
 */
import type { Account, BareJid } from '../../core/address';
import { Fault } from '../../core/fault';
import type { Durable, Lane, SubscriptionVerb, Verb } from '../../core/model';
import { isBlank, newPair, serialisePair, type Pair } from '../../core/contacts/pair';
import { backoffMs } from '../../core/retry';
import { applyVerb, type Effect, type Side } from '../../core/contacts/subscription';
import type { Ghosts } from '../presence/ghosts';
import { contactStateOf, sharedPair, fieldOf, forgetIfBlank, stateTables, type UserState } from '../state/user-state';
import type { Intake } from '../delivery/intake';
import type { Clock, Log, Meter, StateStore } from '../ports';

export interface SubscriptionsOptions {
  readonly intake: Pick<Intake, 'accept'>;
  readonly state: Pick<StateStore, 'write'>;
  readonly ghosts: Pick<Ghosts, 'awaitSubscribed' | 'show' | 'hide'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** verbs of one user that may wait */
  readonly waitingMax?: number;
}

export interface Subscriptions {
  /**
   * One verb of the user (`inbound`) or of the far side (`outbound`). Resolves when it is stored and its effects are on
   * their way; rejects `store-away` (nothing has changed), `lane-full` (too much waits) or `stopping`.
   */
  onVerb(userState: UserState, peer: Account, side: Side, verb: Verb): Promise<void>;
  /** Runs changes of a user's pairs alone, after those that wait already. Rejects as `change` does, or `lane-full`. */
  alone<T>(user: BareJid, change: () => Promise<T>): Promise<T>;
  /** Stores pairs, in one step, and takes them over; only within `alone`. Rejects `store-away`: none has changed. */
  save(userState: UserState, pairs: ReadonlyMap<Account, Pair>): Promise<void>;
  /** Carries out effects in order; only within `alone`. */
  carryOut(userState: UserState, peer: Account, effects: readonly Effect[], verb: Verb | null): Promise<void>;
  /** What waits is refused, what waits for the store is given up. */
  stop(): void;
}

const retryMs = { baseMs: 50, capMs: 5_000 };

export function makeSubscriptions(options: SubscriptionsOptions): Subscriptions {
  const { intake, state, ghosts, clock, log, meter, waitingMax = 1_000 } = options;
  const stopping = new AbortController();
  const lines = new Map<BareJid, { tail: Promise<unknown>; count: number }>();

  async function alone<T>(user: BareJid, change: () => Promise<T>): Promise<T> {
    const line = lines.get(user) ?? { tail: Promise.resolve(), count: 0 };
    if (line.count >= waitingMax) throw new Fault('lane-full');
    lines.set(user, line);
    line.count += 1;
    const mine = line.tail.then(() => {
      if (stopping.signal.aborted) throw new Fault('stopping');
      return change();
    });
    line.tail = mine.catch(() => undefined); // the caller hears of it
    try {
      return await mine;
    } finally {
      line.count -= 1;
      if (line.count === 0) lines.delete(user);
    }
  }

  function onVerb(userState: UserState, peer: Account, side: Side, said: Verb): Promise<void> {
    return alone(userState.user, async () => {
      const { next, effects } = applyVerb(userState.contacts.get(peer)?.pair ?? newPair, side, said.verb);
      await save(userState, new Map([[peer, next]]));
      await carryOut(userState, peer, effects, said);
    });
  }

  async function save(userState: UserState, pairs: ReadonlyMap<Account, Pair>): Promise<void> {
    const before = (peer: Account): Pair => userState.contacts.get(peer)?.pair ?? newPair;
    const after = [...pairs].map(([peer, pair]) => [peer, sharedPair(pair)] as const);
    const changes = after.filter(([peer, next]) => next !== before(peer));
    const fields = changes.map(([peer, next]) => [fieldOf(peer), isBlank(next) ? null : serialisePair(next)] as const);
    if (changes.length > 0) await state.write(stateTables.pairs, userState.user, new Map(fields));
    for (const [peer, next] of changes) {
      log.debug({ peer, kind: 'pair', before: before(peer).state, after: next.state }, 'subscription changed');
    }
    for (const [peer, next] of after) {
      const contact = contactStateOf(userState, peer);
      contact.pair = next;
      forgetIfBlank(userState, contact);
    }
  }

  async function carryOut(
    userState: UserState,
    peer: Account,
    effects: readonly Effect[],
    cause: Verb | null,
  ): Promise<void> {
    const { user } = userState;
    for (const effect of effects) {
      switch (effect.do) {
        case 'toJabber':
        case 'toFar':
          if (effect.do === 'toJabber' && effect.verb === 'subscribed') ghosts.awaitSubscribed(userState, peer);
          await send(
            { direction: effect.do, user, peer },
            effect.verb,
            effect.verb === cause?.verb ? cause : undefined,
          );
          break;
        case 'show':
          ghosts.show(userState, peer);
          break;
        case 'hide':
          ghosts.hide(userState, peer);
          break;
      }
    }
  }

  /** Puts a verb on its lane, surely; only within `alone`. */
  async function send(
    lane: Lane,
    verb: SubscriptionVerb,
    said: Pick<Verb, 'status' | 'nick'> = { status: null },
  ): Promise<void> {
    const { status, nick } = said;
    const event: Verb = { kind: 'verb', verb, status, ...(nick === undefined ? {} : { nick }) };
    for (let attempt = 1; ; attempt += 1) {
      const fault = await accept(lane, event);
      if (fault === null) return void meter.count('verbs_total', { dir: lane.direction, verb });
      if (attempt === 1) log.warn({ dir: lane.direction, peer: lane.peer, fault: fault.code }, 'a verb must wait');
      if (fault.code === 'stopping' || stopping.signal.aborted) throw new Fault('stopping', { cause: fault });
      await clock.sleep(backoffMs(attempt, clock.dice(), retryMs), stopping.signal).catch(() => undefined); // stop ends it
    }
  }

  function accept(lane: Lane, event: Durable): Promise<Fault | null> {
    return new Promise((resolve) => intake.accept(lane, event, null, resolve));
  }

  return { onVerb, alone, save, carryOut, stop: () => stopping.abort() };
}
