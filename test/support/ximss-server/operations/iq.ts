/**
 * iqSend and iqRead (docs/XIMSS.md 4.6, assumption A16): a vCard request is answered from the account's profile, anything
 * else goes to one bound session of the peer, and its answer back to the session that asked.
 */
import { peerOf } from '../address';
import type { Call } from './exchange';
import { readVCard, writeVCard } from './files';
import { refusals } from '../refusal';
import type { Account, Session } from '../accounts/store';
import type { World } from '../world';
import { el, elements, type El } from '../xml';

const maxPending = 10_000;
const types = ['get', 'set', 'result', 'error'];

const key = (asked: string, asker: string, iqid: string): string => `${asked} ${asker} ${iqid}`;

/** iqSend; an answer or a report of failure follows as iqRead. Throws Refusal. */
export function iqSend(session: Session, call: Call): void {
  const { world, request } = call;
  const { type = '', iqid } = request.attrs;
  if (!types.includes(type)) throw refusals.badParameter('type');
  if (iqid === undefined || iqid === '') throw refusals.badParameter('iqid');
  const peer = peerOf(request.attrs['peer'] ?? session.account.address);
  const payload = elements(request);
  if (type === 'result' || type === 'error') return answer(world, session, peer.full, type, iqid, payload);
  const [content] = payload;
  if (content === undefined || payload.length !== 1) throw refusals.badParameter('payload');
  const back = (kind: 'result' | 'error', ...children: El[]): void =>
    call.afterwards(() => session.sink.push(el('iqRead', { peer: peer.full, type: kind, iqid }, ...children)));
  const isLocal = world.accounts.isLocal(peer.domain);
  if (!isLocal && world.settings.remoteDomains === 'refuse') throw refusals.remoteDomain();
  const account = world.accounts.get(peer.full);
  if (isLocal && account === undefined) throw refusals.unknownAccount();
  if (account !== undefined && content.name === 'vCard' && world.settings.dialect.vCard === 'server') {
    if (type === 'get') return back('result', readVCard(account));
    if (account !== session.account) throw refusals.badParameter('peer');
    writeVCard(world, account, content);
    return back('result');
  }
  const reader = account === undefined ? undefined : readerOf(account);
  if (reader === undefined) {
    if (world.settings.dialect.iqNobody === 'refuse') throw refusals.noClient();
    return back('error', content, unavailable);
  }
  const { pendingIqs } = world;
  const oldest = pendingIqs.keys().next();
  if (pendingIqs.size >= maxPending && oldest.done !== true) pendingIqs.delete(oldest.value);
  pendingIqs.set(key(peer.full, session.account.address, iqid), session);
  reader.sink.push(el('iqRead', { peer: session.account.address, type, iqid }, content));
}

const unavailable = el(
  'error',
  { type: 'cancel' },
  el('service-unavailable', { xmlns: 'urn:ietf:params:xml:ns:xmpp-stanzas' }),
);

/** The session bound last. */
function readerOf(account: Account): Session | undefined {
  return [...account.sessions].filter((session) => session.bind !== null).at(-1);
}

/** An answer nobody waits for is dropped, as iq answers are. */
function answer(world: World, from: Session, peer: string, type: string, iqid: string, payload: El[]): void {
  const pending = key(from.account.address, peer, iqid);
  const asker = world.pendingIqs.get(pending);
  if (asker === undefined) return world.strict.note(from.account.address, `iqSend: ${type} for an unknown iqid`);
  world.pendingIqs.delete(pending);
  if (!asker.isEnded) asker.sink.push(el('iqRead', { peer: from.account.address, type, iqid }, ...payload));
}
