/**
 * The gateway as a contact (XEP-0100, sections 4.1 to 4.3): it accepts everybody who is linked, asks once to see the user
 * (who was denied, or whose contact was deleted, does not ask by itself again), and takes the deletion of its contact for
 * the wish to unlink. It has no far side: verbs end here.
 */
import type { BareJid } from '../../core/address';
import { toFault } from '../../core/fault';
import { GATEWAY } from '../../core/model';
import type { Verb } from '../../core/model';
import { halvesOf, newPair, type Pair } from '../../core/pair';
import { step, type Effect, type Side } from '../../core/subscription';
import type { Circle } from '../state/user-state';
import type { Log } from '../ports';
import type { Subscribe } from './subscriptions';

export interface GatewayOptions {
  readonly subscribe: Pick<Subscribe, 'alone' | 'put' | 'act'>;
  /** ends the link; rejects `not-allowed` when the operator made it */
  readonly unlink: (user: BareJid) => Promise<void>;
  readonly say: (user: BareJid, text: string) => void;
  /** was the user's server asked for presence just now? */
  readonly wasAsked: (circle: Circle) => boolean;
  readonly log: Log;
}

export interface Gateway {
  /** A verb of the user to the gateway itself. Rejects as Subscribe.alone does. */
  verb(circle: Circle, verb: Verb): Promise<void>;
  /** Asks to see the user, unless it was asked before. Rejects as Subscribe.alone does. */
  ask(circle: Circle): Promise<void>;
}

const managed =
  'The operator of this gateway manages your link, so it stays. You can add this contact again at any time.';

/** Verbs of the gateway's own: each a step of the table, without the effects on the far side, which it has not. */
function speak(
  pair: Pair,
  side: Side,
  verb: Verb['verb'],
): { readonly next: Pair; readonly effects: readonly Effect[] } {
  const { next, effects } = step(pair, side, verb);
  return { next, effects: effects.filter((effect) => effect.do !== 'toFar') };
}

/** What a verb of the user does to the gateway's pair. `isWish` false: nobody said it, it is a server's answer. Pure. */
export function stepGateway(
  pair: Pair,
  verb: Verb['verb'],
  isWish = true,
): { readonly next: Pair; readonly effects: readonly Effect[]; readonly isFarewell: boolean } {
  const before = halvesOf(pair.state);
  const first = speak(pair, 'inbound', verb);
  if (verb !== 'subscribe') {
    const isWithdrawn = isWish && verb === 'unsubscribed' && before.seen === 'yes';
    const isFarewell = isWithdrawn || (verb === 'unsubscribe' && before.sees === 'yes');
    // a contact that was deleted may be added again, and then it asks; what is only withdrawn is denied
    const denied = !first.next.left && (first.next.denied || isWithdrawn);
    return { next: { ...first.next, denied }, effects: first.effects, isFarewell };
  }
  const yes = speak(first.next, 'outbound', 'subscribed');
  // a denial of the past is not asked about again; step() forgets it because a user who asks wants the contact
  const mayAsk = before.seen === 'no' && !pair.denied;
  const back = mayAsk ? speak(yes.next, 'outbound', 'subscribe') : { next: yes.next, effects: [] };
  const next = { ...back.next, denied: pair.denied };
  return { next, effects: [...first.effects, ...yes.effects, ...back.effects], isFarewell: false };
}

export function makeGateway({ subscribe, unlink, say, wasAsked, log }: GatewayOptions): Gateway {
  const told = new WeakSet<Circle>(); // that their link stays: a deletion is two verbs

  async function verb(circle: Circle, { verb: word }: Verb): Promise<void> {
    const { user } = circle;
    // a server that has lost the subscription says `unsubscribed` to a probe: that is nobody's wish
    const isWish = !(word === 'unsubscribed' && wasAsked(circle));
    const isFarewell = await subscribe.alone(user, async () => {
      const step = stepGateway(circle.buddies.get(GATEWAY)?.pair ?? newPair, word, isWish);
      await subscribe.put(circle, new Map([[GATEWAY, step.next]]));
      await subscribe.act(circle, GATEWAY, step.effects, null);
      return step.isFarewell;
    });
    if (word === 'subscribe') told.delete(circle);
    if (isFarewell) await leave(circle);
  }

  const mayAsk = (pair: Pair): boolean => halvesOf(pair.state).seen === 'no' && !pair.denied && !pair.left;

  async function ask(circle: Circle): Promise<void> {
    const pairNow = (): Pair => circle.buddies.get(GATEWAY)?.pair ?? newPair;
    if (!mayAsk(pairNow())) return;
    await subscribe.alone(circle.user, async () => {
      if (!mayAsk(pairNow())) return;
      const { next, effects } = speak(pairNow(), 'outbound', 'subscribe');
      await subscribe.put(circle, new Map([[GATEWAY, next]]));
      await subscribe.act(circle, GATEWAY, effects, null);
    });
  }

  async function leave(circle: Circle): Promise<void> {
    const { user } = circle;
    if (told.has(circle)) return;
    log.info({ peer: user }, 'the user deleted the gateway contact');
    try {
      await unlink(user);
    } catch (thrown) {
      const fault = toFault(thrown);
      if (fault.code === 'not-allowed') {
        told.add(circle);
        say(user, managed);
      } else log.warn({ peer: user, fault: fault.code }, 'the link could not be ended');
    }
  }

  return { verb, ask };
}
