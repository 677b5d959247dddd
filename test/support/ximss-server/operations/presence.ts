/**
 * Presence: what each session says (presenceSet), the one state an account shows (6.3), and who gets to see it.
 * docs/XIMSS.md 6. Only changes of the combined state go out.
 */
import type { Account, Session } from '../accounts/store';
import type { World } from '../world';
import { el, type El } from '../xml';

/** Busiest first: any session in an earlier state decides for the account (6.3: any busy, else any online, and so on). */
export const words = [
  'busy',
  'on-phone',
  'in-meeting',
  'online',
  'away',
  'be-back',
  'out-lunch',
  'invisible',
  'offline',
];

const showOf = new Map([
  ['busy', 'dnd'],
  ['on-phone', 'dnd'],
  ['in-meeting', 'dnd'],
  ['away', 'away'],
  ['be-back', 'away'],
  ['out-lunch', 'xa'],
]);

interface Combined {
  value: string;
  status: string;
}

/** The combined state of an account; `offline` when no session has said anything. Latest statement wins a tie. */
export function combined(account: Account): Combined {
  let best: { rank: number; at: number; state: Combined } | null = null;
  for (const session of account.sessions) {
    const { presence } = session;
    if (session.bind?.presence !== true || presence === null) continue;
    const known = words.indexOf(presence.value);
    const rank = known < 0 ? words.indexOf('online') : known;
    if (best === null || rank < best.rank || (rank === best.rank && presence.setAt >= best.at)) {
      best = { rank, at: presence.setAt, state: presence };
    }
  }
  if (best === null || best.state.value === 'offline' || best.state.value === 'invisible') {
    return { value: 'offline', status: '' };
  }
  return { value: best.state.value, status: best.state.status };
}

/** The `presence` message about an account; `hidden`: as one who may no longer look sees it. */
export function presenceMessage(world: World, account: Account, hidden = false): El {
  const { value, status } = combined(account);
  if (hidden || value === 'offline') return el('presence', { peer: account.address, type: 'unavailable' });
  const message = el('presence', { peer: account.address });
  const { children } = message;
  const { dialect } = world.settings;
  const show = showOf.get(value);
  if (dialect.presenceShow && show !== undefined) children.push(el('show', {}, show));
  children.push(el('presence', {}, value));
  if (status !== '') children.push(el('status', {}, status));
  children.push(...avatar(account, dialect.avatarHash));
  return message;
}

function avatar(account: Account, form: 'both' | 'avatar' | 'vcard' | 'none'): El[] {
  const hash = account.avatarHash;
  if (hash === null || form === 'none') return [];
  const main = el('x', { xmlns: 'jabber:iq:avatar' }, el('hash', {}, hash));
  const other = el('x', { xmlns: 'vcard-temp:x:update' }, el('photo', {}, hash));
  return [...(form !== 'vcard' ? [main] : []), ...(form !== 'avatar' ? [other] : [])];
}

/** Shows the current state of `whom` to the sessions of `viewer`, if there is anything to show. */
export function showPresence(world: World, whom: Account, viewer: Account): void {
  if (combined(whom).value === 'offline') return;
  const message = presenceMessage(world, whom);
  for (const session of viewer.sessions) if (session.bind?.presence === true) session.sink.push(message);
}

/** Tells all who may see the account, when what they see has changed. */
export function announce(world: World, account: Account): void {
  const { value, status } = combined(account);
  const key = value === 'offline' ? '' : JSON.stringify([value, status, account.avatarHash]);
  if (key === account.announced) return;
  account.announced = key;
  let message: El | null = null;
  for (const item of account.roster.values()) {
    if (item.subscription !== 'from' && item.subscription !== 'both') continue;
    const viewer = world.accounts.get(item.peer);
    if (viewer === undefined) continue;
    message ??= presenceMessage(world, account);
    for (const session of viewer.sessions) if (session.bind?.presence === true) session.sink.push(message);
  }
}

/** A session begins to take part: it sees the contacts that are there. */
export function presenceBound(world: World, session: Session): void {
  if (session.bind?.presence !== true) return announce(world, session.account);
  for (const item of session.account.roster.values()) {
    if (item.subscription !== 'to' && item.subscription !== 'both') continue;
    const contact = world.accounts.get(item.peer);
    if (contact !== undefined && combined(contact).value !== 'offline') {
      session.sink.push(presenceMessage(world, contact));
    }
  }
  announce(world, session.account);
}

/** A session ceases to take part; what it said no longer counts. */
export function presenceUnbound(world: World, session: Session): void {
  session.presence = null;
  announce(world, session.account);
}
