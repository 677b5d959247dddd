/** presenceSet (docs/XIMSS.md 6.1): the own state, or with `peer` and `type` a subscription verb (assumption A19). */
import { peerOf } from '../address';
import type { Call } from './exchange';
import { announce, words } from './presence';
import { refusals } from '../refusal';
import { roomPresence } from './rooms';
import { speak } from './roster';
import type { Session } from '../accounts/store';
import { isVerb } from '../accounts/subscription';
import { childOf, textOf } from '../xml';

/** Orders the statements of different sessions; a clock would tie. */
let statedCount = 0;

export function presenceSet(session: Session, call: Call): void {
  const { world, request } = call;
  const { type, peer } = request.attrs;
  if (type !== undefined) {
    if (!isVerb(type) || !world.settings.dialect.subscriptionVerbs) throw refusals.badParameter('type');
    return speak(world, session.account, peerOf(peer), type);
  }
  const stated = childOf(request, 'presence');
  const status = childOf(request, 'status');
  if (stated === undefined) throw refusals.badParameter('presence');
  const value = textOf(stated).trim().toLowerCase() || 'offline';
  if (!words.includes(value)) world.strict.note(session.account.address, 'presenceSet: unknown presence word');
  if (peer !== undefined) return roomPresence(world, session, peerOf(peer), value);
  const statusText = status === undefined ? '' : textOf(status).slice(0, 4096);
  session.presence = { value: value.slice(0, 64), status: statusText, setAt: ++statedCount };
  announce(world, session.account);
}
