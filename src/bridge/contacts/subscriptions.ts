/**
 * Subscriptions as they happen: one verb at a time per user, the pair stepped by the table of core/subscription, stored,
 * then its effects: verbs on the lane of the messages (so order holds), presence through announce. The pair is stored
 * before anything is said; what could not be said for want of the store is said when it is back. Nothing is mirrored to
 * its sender, and nothing is decided here.
 */
import type { Account, BareJid } from '../../core/address';
import { Fault } from '../../core/fault';
import type { Durable, Lane, SubscriptionVerb, Verb } from '../../core/model';
import { isBlank, newPair, serialisePair, type Pair } from '../../core/pair';
import { backoffMs } from '../../core/retry';
import { step, type Effect, type Side } from '../../core/subscription';
import type { Announce } from '../presence/ghosts';
import { buddyOf, compactPair, fieldOf, prune, tables, type Circle } from '../state/user-state';
import type { Intake } from '../delivery/intake';
import type { Clock, Log, Meter, StateStore } from '../ports';

export interface SubscribeOptions {
  readonly intake: Pick<Intake, 'accept'>;
  readonly state: Pick<StateStore, 'write'>;
  readonly announce: Pick<Announce, 'hold' | 'show' | 'hide'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** verbs of one user that may wait */
  readonly waitingMax?: number;
}

export interface Subscribe {
  /**
   * One verb of the user (`inbound`) or of the far side (`outbound`). Resolves when it is stored and its effects are on
   * their way; rejects `store-away` (nothing has changed), `lane-full` (too much waits) or `stopping`.
   */
  verb(circle: Circle, peer: Account, side: Side, verb: Verb): Promise<void>;
  /** Runs changes of a user's pairs alone, after those that wait already. Rejects as `change` does, or `lane-full`. */
  alone<T>(user: BareJid, change: () => Promise<T>): Promise<T>;
  /** Stores pairs, in one step, and takes them over; only within `alone`. Rejects `store-away`: none has changed. */
  put(circle: Circle, pairs: ReadonlyMap<Account, Pair>): Promise<void>;
  /** Puts a verb on its lane, surely; only within `alone`. */
  say(lane: Lane, verb: SubscriptionVerb, status?: string | null): Promise<void>;
  /** Carries out effects in order; only within `alone`. */
  act(circle: Circle, peer: Account, effects: readonly Effect[], verb: Verb | null): Promise<void>;
  /** What waits is refused, what waits for the store is given up. */
  stop(): void;
}

const retryMs = { baseMs: 50, capMs: 5_000 };

export function makeSubscribe(options: SubscribeOptions): Subscribe {
  const { intake, state, announce, clock, log, meter, waitingMax = 1_000 } = options;
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

  function verb(circle: Circle, peer: Account, side: Side, said: Verb): Promise<void> {
    return alone(circle.user, async () => {
      const { next, effects } = step(circle.buddies.get(peer)?.pair ?? newPair, side, said.verb);
      await put(circle, new Map([[peer, next]]));
      await act(circle, peer, effects, said);
    });
  }

  async function put(circle: Circle, pairs: ReadonlyMap<Account, Pair>): Promise<void> {
    const before = (peer: Account): Pair => circle.buddies.get(peer)?.pair ?? newPair;
    const after = [...pairs].map(([peer, pair]) => [peer, compactPair(pair)] as const);
    const changes = after.filter(([peer, next]) => next !== before(peer));
    const fields = changes.map(([peer, next]) => [fieldOf(peer), isBlank(next) ? null : serialisePair(next)] as const);
    if (changes.length > 0) await state.write(tables.pairs, circle.user, new Map(fields));
    for (const [peer, next] of changes) {
      log.debug({ peer, kind: 'pair', before: before(peer).state, after: next.state }, 'subscription changed');
    }
    for (const [peer, next] of after) {
      const buddy = buddyOf(circle, peer);
      buddy.pair = next;
      prune(circle, buddy);
    }
  }

  async function act(circle: Circle, peer: Account, effects: readonly Effect[], cause: Verb | null): Promise<void> {
    const { user } = circle;
    let isHeld = false;
    for (const effect of effects) {
      switch (effect.do) {
        case 'toJabber':
        case 'toFar':
          if (effect.do === 'toJabber' && effect.verb === 'subscribed') {
            isHeld = true;
            announce.hold(circle, peer);
          }
          await say(
            { direction: effect.do, user, peer },
            effect.verb,
            effect.verb === cause?.verb ? cause.status : null,
          );
          break;
        case 'show':
          if (!isHeld) announce.show(circle, peer); // else when the subscribed has arrived
          break;
        case 'hide':
          announce.hide(circle, peer);
          break;
      }
    }
  }

  async function say(lane: Lane, verb: SubscriptionVerb, status: string | null = null): Promise<void> {
    const event: Verb = { kind: 'verb', verb, status };
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

  return { verb, alone, put, say, act, stop: () => stopping.abort() };
}
