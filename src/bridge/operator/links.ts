/**
 * Links and their sessions as the operator handles them: a list by user, one in detail, counts by status, what the operator
 * changes, and connecting again. It remembers since when each session has its status, and why.
 */
import type { LinkState } from '../../core/admin/table';
import type { BareJid } from '../../core/address';
import { Fault } from '../../core/fault';
import type { FaultData } from '../../core/fault';
import type { LinkStatus } from '../../core/model';
import type { LinkChanges } from '../accounts/link-changes';
import type { Links } from '../accounts/links';
import type { Clock, FarPort, LinkView, Operator } from '../ports';
import { doEach } from './each';
import type { Handlers } from './handlers';
import { defaultCount } from './views';

export interface OperatorLinksOptions {
  readonly links: Pick<Links, 'users' | 'linkOf' | 'isLinked' | 'isAllowed'>;
  readonly changes: Omit<LinkChanges, 'take'>;
  readonly far: Pick<FarPort, 'open' | 'close' | 'status' | 'reconnect'>;
  readonly clock: Clock;
}

type Names =
  | 'links list'
  | 'links show'
  | 'links add'
  | 'links remove'
  | 'links suspend'
  | 'links resume'
  | 'links password'
  | 'links reconnect';

export interface OperatorLinks extends Pick<Operator, 'link'> {
  readonly handlers: Handlers<Names>;
  /** A session has another status; remembered for the list. Never throws. */
  onSession(user: BareJid, status: LinkStatus, fault: Fault | null): void;
  /** How many links there are, and how many of them have which status. */
  statuses(): Readonly<Record<'total' | LinkState, number>>;
}

interface Session {
  readonly status: LinkStatus;
  readonly since: number;
  readonly fault: FaultData | null;
}

const refusedStates: readonly LinkState[] = ['refused', 'deferred'];

export function makeOperatorLinks({ links, changes, far, clock }: OperatorLinksOptions): OperatorLinks {
  const sessions = new Map<BareJid, Session>();

  function onSession(user: BareJid, status: LinkStatus, fault: Fault | null): void {
    if (status === 'closed') return void sessions.delete(user);
    sessions.set(user, { status, since: clock.now(), fault: fault?.toData() ?? null });
  }

  function stateOf(user: BareJid): LinkState {
    const status = far.status(user);
    return status === 'closed' && !links.isAllowed(user) ? 'suspended' : status;
  }

  function link(user: BareJid): LinkView | null {
    const found = links.linkOf(user);
    if (!found) return null;
    const { account, origin } = found;
    const session = sessions.get(user);
    const status = stateOf(user);
    const known = session?.status === status ? session : null;
    return { user, account, origin, status, since: known?.since ?? null, fault: known?.fault ?? null };
  }

  function shown(user: BareJid): LinkView {
    const view = link(user);
    if (view === null) throw new Fault('not-linked', { reason: 'noLink' });
    return view;
  }

  async function reconnect(user: BareJid): Promise<void> {
    shown(user);
    await far.close(user);
    const now = links.linkOf(user); // it may have ended, or changed, meanwhile
    if (now && links.isAllowed(user)) far.open(now);
  }

  function reconnectRefused(): number {
    const users = [...links.users()].filter((user) => refusedStates.includes(far.status(user)));
    far.reconnect(users);
    return users.length;
  }

  function statuses(): Record<'total' | LinkState, number> {
    const counts = { total: 0, connecting: 0, online: 0, waiting: 0, deferred: 0, refused: 0, suspended: 0, closed: 0 };
    for (const user of links.users()) {
      counts.total += 1;
      counts[stateOf(user)] += 1;
    }
    return counts;
  }

  const handlers: Handlers<Names> = {
    'links list'({ after, count, status, find }) {
      const wanted = count ?? defaultCount;
      const part = find?.toLowerCase() ?? '';
      const fits = (user: BareJid): boolean =>
        (after === null || user > after) &&
        (part === '' || user.includes(part) || links.linkOf(user)?.account.includes(part) === true) &&
        (status === null || stateOf(user) === status);
      const users = firstByName(links.users(), fits, wanted + 1);
      const entries = users
        .slice(0, wanted)
        .map(link)
        .filter((view) => view !== null);
      return { entries, next: users.length > wanted ? (users[wanted - 1] ?? null) : null };
    },
    'links show': ({ user }) => shown(user),
    async 'links add'({ user, account, password, shared }, signal) {
      await changes.add({ user, account, password }, shared, signal);
      return shown(user);
    },
    'links remove': ({ users }) => doEach(users, (user) => changes.remove(user)),
    'links suspend': ({ users }) => doEach(users, (user) => changes.suspend(user)),
    'links resume': ({ users }) => doEach(users, (user) => changes.resume(user)),
    async 'links password'({ user, password }, signal) {
      await changes.setPassword(user, password, signal);
      return shown(user);
    },
    'links reconnect': ({ users, all, refused }) =>
      refused ? { done: reconnectRefused(), failed: [] } : doEach(all ? [...links.users()] : users, reconnect),
  };

  return { handlers, onSession, link, statuses };
}

/** The first of them by name that fit, without sorting them all: a page of 10,000 takes a few ms. */
function firstByName(users: Iterable<BareJid>, fits: (user: BareJid) => boolean, count: number): readonly BareJid[] {
  const kept: BareJid[] = [];
  for (const user of users) {
    const last = kept[count - 1];
    if ((last !== undefined && user > last) || !fits(user)) continue;
    kept.splice(placeOf(user, kept), 0, user);
    if (kept.length > count) kept.pop();
  }
  return kept;
}

/** Where it belongs among the sorted. */
function placeOf(user: BareJid, sorted: readonly BareJid[]): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? user) < user) low = middle + 1;
    else high = middle;
  }
  return low;
}
