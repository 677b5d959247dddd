/**
 * Links and their sessions as the operator sees them: a list by user, counts by status, and connecting again. It remembers
 * since when each session has its status, and why; what is done is logged with who asked.
 */
import type { BareJid } from '../../core/address';
import { Fault } from '../../core/fault';
import type { FaultData } from '../../core/fault';
import type { LinkStatus } from '../../core/model';
import type { Links } from '../accounts/links';
import type { Clock, FarPort, LinkView, Log, Operator } from '../ports';
import { pageCount } from './views';

export interface OperatorLinksOptions {
  readonly links: Pick<Links, 'users' | 'linkOf' | 'isLinked'>;
  readonly far: Pick<FarPort, 'open' | 'close' | 'status' | 'reconnect'>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface OperatorLinks extends Pick<Operator, 'link' | 'links' | 'reconnect' | 'reconnectRefused'> {
  /** A session has another status; remembered for the list. Never throws. */
  onSession(user: BareJid, status: LinkStatus, fault: Fault | null): void;
  /** How many links there are, and how many of them have which status. */
  statuses(): Readonly<Record<'total' | LinkStatus, number>>;
}

interface Session {
  readonly status: LinkStatus;
  readonly since: number;
  readonly fault: FaultData | null;
}

/** The verbs of `Operator` that are about links; they reject as it says. */
export function makeOperatorLinks({ links, far, clock, log }: OperatorLinksOptions): OperatorLinks {
  const sessions = new Map<BareJid, Session>();

  function onSession(user: BareJid, status: LinkStatus, fault: Fault | null): void {
    if (status === 'closed') return void sessions.delete(user);
    sessions.set(user, { status, since: clock.now(), fault: fault?.toData() ?? null });
  }

  function link(user: BareJid): LinkView | null {
    const found = links.linkOf(user);
    if (!found) return null;
    const { account, origin } = found;
    const session = sessions.get(user);
    const status = far.status(user);
    const known = session?.status === status ? session : null;
    return { user, account, origin, status, since: known?.since ?? null, fault: known?.fault ?? null };
  }

  const listLinks: OperatorLinks['links'] = ({ after, count, status, find }) => {
    const wanted = pageCount(count);
    const fits = (user: BareJid): boolean =>
      (after === null || user > after) &&
      (status === null || far.status(user) === status) &&
      (find === '' || user.includes(find) || links.linkOf(user)?.account.includes(find) === true);
    const users = first(links.users(), fits, wanted + 1);
    const entries = users
      .slice(0, wanted)
      .map(link)
      .filter((view) => view !== null);
    return { entries, next: users.length > wanted ? (users[wanted - 1] ?? null) : null };
  };

  async function reconnect(user: BareJid, by: string): Promise<void> {
    if (!links.isLinked(user)) throw new Fault('not-linked', { reason: 'noLink' });
    log.info({ by, peer: user }, 'session closed and opened again for the operator');
    await far.close(user);
    const now = links.linkOf(user); // it may have ended, or changed, meanwhile
    if (now) far.open(now);
  }

  function reconnectRefused(by: string): number {
    const users = [...links.users()].filter((user) => ['refused', 'deferred'].includes(far.status(user)));
    log.info({ by, count: users.length }, 'refused logins are tried again for the operator');
    far.reconnect(users);
    return users.length;
  }

  function statuses(): Record<'total' | LinkStatus, number> {
    const counts = { total: 0, connecting: 0, online: 0, waiting: 0, deferred: 0, refused: 0, closed: 0 };
    for (const user of links.users()) {
      counts.total += 1;
      counts[far.status(user)] += 1;
    }
    return counts;
  }

  return { onSession, link, links: listLinks, reconnect, reconnectRefused, statuses };
}

/** The first of them by name that fit, without sorting them all. */
function first(users: Iterable<BareJid>, fits: (user: BareJid) => boolean, count: number): readonly BareJid[] {
  const kept: BareJid[] = [];
  for (const user of users) {
    const last = kept[count - 1];
    if ((last !== undefined && user > last) || !fits(user)) continue;
    const place = kept.findIndex((other) => other > user);
    kept.splice(place < 0 ? kept.length : place, 0, user);
    if (kept.length > count) kept.pop();
  }
  return kept;
}
