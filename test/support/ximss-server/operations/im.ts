/**
 * Instant messages: sendIM, readIM in both content formats, chat states, the offline store, IM history files.
 * docs/XIMSS.md 4 and 7.4. A message goes to every session of the account that is bound for IM.
 */
import { peerOf } from '../address';
import type { Call } from './exchange';
import { appendHistory } from './history';
import { refusals } from '../refusal';
import { roomSpeak } from './rooms';
import type { Account, Im, Session } from '../accounts/store';
import { ximssTime, type World } from '../world';
import { childOf, el, textOf, type El } from '../xml';
import type { Dialect } from '../dialect';
import { parseVersion } from '../version';

const states = ['composing', 'paused', 'gone'] as const;

/** sendIM (4.1). Throws Refusal when the peer is unknown, remote, or its store is full. */
export function sendIM(session: Session, call: Call): void {
  const { world, request } = call;
  const dialect = world.settings.dialect;
  const peer = peerOf(request.attrs['peer']);
  const { type } = request.attrs;
  if (type !== undefined && !dialect.imTypes.includes(type)) throw refusals.badParameter('type');
  if (type === 'groupchat' && !dialect.rooms) throw refusals.noRooms();
  const im = readContent(request, session, world);
  if (!world.accounts.isLocal(peer.domain)) {
    if (world.settings.remoteDomains === 'refuse') throw refusals.remoteDomain();
    return;
  }
  if (type === 'groupchat') return roomSpeak(world, session, peer.full, im.text, im.iqid);
  const to = world.accounts.get(peer.full);
  if (to === undefined) {
    if (dialect.unknownPeer === 'refuse') throw refusals.unknownAccount();
    return call.afterwards(() => session.sink.push(bounce(peer.full, request)));
  }
  const toClientID = dialect.sendIMClientID === 'recipient' ? request.attrs['clientID'] : undefined;
  deliver(world, to, im, toClientID);
  if (world.settings.imHistory && im.state === undefined) appendHistory(world, session.account, to, im.text);
}

/** Ids that are made here: a program that is started again does not begin with the same ones. */
const startedAt = Date.now().toString(36);
let madeCount = 0;

function readContent(request: El, session: Session, world: World): Im {
  const { dialect } = world.settings;
  const { account } = session;
  const given = request.attrs['iqid'];
  const im: Im = {
    peer: account.address,
    peerName: account.realName,
    type: request.attrs['type'],
    clientID: dialect.sendIMClientID === 'sender' ? (request.attrs['clientID'] ?? session.bind?.clientID) : undefined,
    iqid: undefined,
    state: undefined,
    text: '',
    subject: undefined,
    storedAtMs: undefined,
  };
  if (dialect.iqid === 'pass') im.iqid = given;
  else if (dialect.iqid !== 'none')
    im.iqid = dialect.iqid === 'passOrMake' && given ? given : `im${startedAt}${(++madeCount).toString(36)}`;
  const only = request.children[0];
  if (typeof only === 'string' && request.children.length === 1) {
    im.text = only;
    return im;
  }
  im.text = textOf(request);
  if (!dialect.bodyChildren) return im;
  im.state = states.find((state) => childOf(request, state) !== undefined);
  const body = childOf(request, 'body');
  const subject = childOf(request, 'subject');
  if (body !== undefined) im.text = textOf(body);
  else if (im.state !== undefined && im.text.trim() === '') im.text = '';
  if (subject !== undefined) im.subject = textOf(subject);
  if (im.text !== '') im.state = undefined;
  return im;
}

/** Hands a message to the bound sessions of an account, else stores it. Chat states are never stored. */
function deliver(world: World, to: Account, im: Im, toClientID?: string): void {
  let isDelivered = false;
  for (const session of to.sessions) {
    if (session.bind?.readIM !== true) continue;
    if (toClientID !== undefined && session.bind.clientID !== toClientID) continue;
    session.sink.push(readIM(session, im, world.settings.dialect));
    isDelivered = true;
  }
  if (isDelivered || im.state !== undefined) return;
  if (to.offline.length >= world.settings.maxOfflineCount) throw refusals.storeFull();
  to.offline.push({ ...im, storedAtMs: world.now() });
}

/** Sends what was stored, oldest first, and forgets it. */
export function deliverStored(world: World, session: Session): void {
  if (session.bind?.readIM !== true) return;
  for (const im of session.account.offline.splice(0)) session.sink.push(readIM(session, im, world.settings.dialect));
}

/** Whether a session gets `<body>` children (format B) or direct text (format A), 4.3 and assumption A11. */
function wantsFormatB(version: string | null, dialect: Dialect): boolean {
  switch (dialect.formatB) {
    case 'always':
      return true;
    case 'never':
      return false;
    case 'anyVersion':
      return version !== null;
    case 'from6.2':
      return parseVersion(version) >= 6002;
  }
}

function readIM(session: Session, im: Im, dialect: Dialect): El {
  const message = el('readIM', {
    peer: im.peer,
    peerName: im.peerName === '' ? undefined : im.peerName,
    type: im.type,
    clientID: dialect.readIMClientID ? im.clientID : undefined,
    iqid: im.iqid,
    gmtTime: im.storedAtMs === undefined || !dialect.gmtTime ? undefined : ximssTime(im.storedAtMs),
  });
  const { children } = message;
  if (im.state !== undefined) children.push(el(im.state));
  else if (wantsFormatB(session.version, dialect)) children.push(el('body', {}, im.text));
  else children.push(im.text);
  if (im.subject !== undefined) children.push(el('subject', {}, im.subject));
  return message;
}

/** Assumption A13, the other reading: the failure comes back as a message. */
function bounce(peer: string, request: El): El {
  return el('readIM', { peer, type: 'error', iqid: request.attrs['iqid'] }, el('body', {}, 'unknown user account'));
}
