/**
 * The gateway as a contact (XEP-0100, sections 4.1 to 4.3): it accepts everybody who is linked, is in their roster both
 * ways where that may be written, and asks once to see the user elsewhere (who was denied, or whose contact was deleted,
 * does not ask by itself again). The deletion of its contact is the wish to unlink. It has no far side: verbs end here.
 */
import type { BareJid } from '../../core/address';
import { toFault } from '../../core/fault';
import { textsFor } from '../../core/i18n';
import { gatewayPeer } from '../../core/model';
import type { Verb } from '../../core/model';
import { halvesOf, newPair, type Pair } from '../../core/contacts/pair';
import { applyVerb, type Effect, type Side } from '../../core/contacts/subscription';
import type { UserState } from '../state/user-state';
import type { SendToUser } from '../delivery/gateway-messages';
import type { JabberPort, LanguageMemory, Log } from '../ports';
import type { Subscriptions } from './subscriptions';

const writeMs = 10_000;

export interface GatewayContactOptions {
  readonly subscriptions: Pick<Subscriptions, 'alone' | 'save' | 'carryOut'>;
  /** ends the link; rejects `not-allowed` when the operator made it */
  readonly unlink: (user: BareJid) => Promise<void>;
  readonly sendToUser: SendToUser;
  /** was the user's server probed just now? */
  readonly wasProbed: (userState: UserState) => boolean;
  /** the contact was written into the roster: the user can now be probed */
  readonly onWritten: (userState: UserState) => void;
  readonly jabber: Pick<JabberPort, 'writeRoster'>;
  /** of its name */
  readonly languages: Pick<LanguageMemory, 'of'>;
  readonly log: Log;
}

export interface GatewayContact {
  /** A verb of the user to the gateway itself. Rejects as Subscriptions.alone does. */
  onVerb(userState: UserState, verb: Verb): Promise<void>;
  /**
   * Puts the contact into the user's roster, subscribed both ways, where it may be written; elsewhere asks to see the user.
   * Neither is done again to who has denied or deleted it. Rejects as Subscriptions.alone does.
   */
  ensure(userState: UserState, isWritable: boolean): Promise<void>;
  /** The server's grants have changed: what it refused may work now. */
  accessChanged(): void;
}

/** A row of the table without the effects on the far side: the gateway contact has none. */
function stepWithoutFar(
  pair: Pair,
  side: Side,
  verb: Verb['verb'],
): { readonly next: Pair; readonly effects: readonly Effect[] } {
  const { next, effects } = applyVerb(pair, side, verb);
  return { next, effects: effects.filter((effect) => effect.do !== 'toFar') };
}

/** What a verb of the user does to the gateway's pair. `isWish` false: it is a server's answer to a probe. Pure. */
function stepGateway(
  pair: Pair,
  verb: Verb['verb'],
  isWish = true,
): { readonly next: Pair; readonly effects: readonly Effect[]; readonly isUnlink: boolean } {
  const before = halvesOf(pair.state);
  const first = stepWithoutFar(pair, 'inbound', verb);
  if (verb !== 'subscribe') {
    const isWithdrawn = isWish && verb === 'unsubscribed' && before.seen === 'yes';
    const isUnlink = isWithdrawn || (verb === 'unsubscribe' && before.sees === 'yes');
    // a contact that was deleted may be added again, and then it asks; what is only withdrawn is denied
    const denied = !first.next.left && (first.next.denied || isWithdrawn);
    return { next: { ...first.next, denied }, effects: first.effects, isUnlink };
  }
  const yes = stepWithoutFar(first.next, 'outbound', 'subscribed');
  // a denial of the past is not asked about again; step() forgets it because a user who asks wants the contact
  const mayAsk = before.seen === 'no' && !pair.denied;
  const back = mayAsk ? stepWithoutFar(yes.next, 'outbound', 'subscribe') : { next: yes.next, effects: [] };
  const next = { ...back.next, denied: pair.denied };
  return { next, effects: [...first.effects, ...yes.effects, ...back.effects], isUnlink: false };
}

export function makeGatewayContact(options: GatewayContactOptions): GatewayContact {
  const { subscriptions, unlink, sendToUser, wasProbed, onWritten, jabber, languages, log } = options;
  let unwritable = new WeakSet<UserState>(); // whose server grants writing and refuses it
  const nameFor = (user: BareJid): string => textsFor(languages.of(user)).gateway.gateway;
  const toldThatItStays = new WeakSet<UserState>(); // that their link stays: a deletion is two verbs

  async function onVerb(userState: UserState, { verb: word }: Verb): Promise<void> {
    const { user } = userState;
    // a server that has lost the subscription answers a probe with `unsubscribed`: that is nobody's wish
    const isWish = !(word === 'unsubscribed' && wasProbed(userState));
    const isUnlink = await subscriptions.alone(user, async () => {
      const step = stepGateway(userState.contacts.get(gatewayPeer)?.pair ?? newPair, word, isWish);
      await subscriptions.save(userState, new Map([[gatewayPeer, step.next]]));
      await subscriptions.carryOut(userState, gatewayPeer, step.effects, null);
      return step.isUnlink;
    });
    if (word === 'subscribe') toldThatItStays.delete(userState);
    if (isUnlink) await endLink(userState);
  }

  const pairNow = (userState: UserState): Pair => userState.contacts.get(gatewayPeer)?.pair ?? newPair;
  const mayAsk = (pair: Pair): boolean => halvesOf(pair.state).seen === 'no' && !pair.denied && !pair.left;
  const mayWrite = (pair: Pair): boolean => pair.state !== 'both' && !pair.denied && !pair.left;

  async function ensure(userState: UserState, isWritable: boolean): Promise<void> {
    if (isWritable && !unwritable.has(userState) && (await write(userState))) return;
    await ask(userState);
  }

  /** XEP-0356: into the roster, subscribed both ways. False: the server did not take it. */
  async function write(userState: UserState): Promise<boolean> {
    if (!mayWrite(pairNow(userState))) return true;
    const { user } = userState;
    const entry = { account: gatewayPeer, name: nameFor(user), groups: [], subscription: 'both', ask: false } as const;
    const isWritten = await subscriptions.alone(user, async () => {
      if (!mayWrite(pairNow(userState))) return true;
      try {
        await jabber.writeRoster(user, entry, AbortSignal.timeout(writeMs));
      } catch (thrown) {
        unwritable.add(userState);
        log.debug({ peer: user, fault: toFault(thrown).code }, 'the gateway contact could not be written');
        return false;
      }
      await subscriptions.save(userState, new Map([[gatewayPeer, { ...newPair, state: 'both' }]]));
      await subscriptions.carryOut(userState, gatewayPeer, [{ do: 'show' }], null);
      return true;
    });
    if (isWritten) onWritten(userState);
    return isWritten;
  }

  async function ask(userState: UserState): Promise<void> {
    if (!mayAsk(pairNow(userState))) return;
    await subscriptions.alone(userState.user, async () => {
      if (!mayAsk(pairNow(userState))) return;
      const { next, effects } = stepWithoutFar(pairNow(userState), 'outbound', 'subscribe');
      await subscriptions.save(userState, new Map([[gatewayPeer, next]]));
      await subscriptions.carryOut(userState, gatewayPeer, effects, {
        kind: 'verb',
        verb: 'subscribe',
        status: null,
        nick: nameFor(userState.user),
      });
    });
  }

  async function endLink(userState: UserState): Promise<void> {
    const { user } = userState;
    if (toldThatItStays.has(userState)) return;
    log.info({ peer: user }, 'the user deleted the gateway contact');
    try {
      await unlink(user);
    } catch (thrown) {
      const fault = toFault(thrown);
      if (fault.code === 'not-allowed') {
        toldThatItStays.add(userState);
        sendToUser(user, (language) => textsFor(language).notices.linkStays);
      } else log.warn({ peer: user, fault: fault.code }, 'the link could not be ended');
    }
  }

  return { onVerb, ensure, accessChanged: () => void (unwritable = new WeakSet()) };
}
