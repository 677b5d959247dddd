/**
 * What the operator changes of links: adds, removes, suspends, resumes, gives a new password, takes in exported ones. A
 * password is tried at once as a user's is, without the pauses for guessing. A link that `accounts:` of the configuration
 * makes is changed there; it can only be suspended here.
 */
import type { BareJid } from '../../core/address';
import { Fault } from '../../core/fault';
import type { Link } from '../../core/model';
import type { Log } from '../../core/runtime';
import type { FarPort } from '../ports';
import type { LinkRegistry } from './link-registry';

/** What became of an exported link. */
export type ImportResult = 'added' | 'replaced' | 'kept';

export interface LinkChanges {
  /**
   * Tries the password, saves, opens a session. `isShared`: another user may be linked to the account already. Rejects as
   * `FarPort.verify` does, `not-allowed` when the account has a user or the user a link.
   */
  add(link: Omit<Link, 'origin'>, isShared: boolean, signal: AbortSignal): Promise<void>;
  /** Ends it as its user would. Rejects `not-linked`, `not-allowed`. */
  remove(user: BareJid): Promise<void>;
  /** Keeps it without a session, or lets it go on. Rejects `not-linked`. */
  suspend(user: BareJid): Promise<void>;
  resume(user: BareJid): Promise<void>;
  /** Tries it, saves it, opens a session with it. Rejects `not-linked`, `not-allowed`, and as `FarPort.verify` does. */
  setPassword(user: BareJid, password: string, signal: AbortSignal): Promise<void>;
  /** Takes in a link as it was exported, without trying its password. One that is there is replaced only when asked to. */
  take(link: Link, mayReplace: boolean): Promise<ImportResult>;
}

export function makeLinkChanges(options: {
  readonly registry: LinkRegistry;
  readonly far: Pick<FarPort, 'open' | 'verify'>;
  readonly log: Log;
}): LinkChanges {
  const { registry, far, log } = options;

  function known(user: BareJid): Link {
    const link = registry.all.get(user);
    if (link === undefined) throw new Fault('not-linked', { reason: 'noLink' });
    return link;
  }

  /** A link whose account and password are the operator's to change here. */
  function own(user: BareJid): Link {
    const link = known(user);
    if (link.origin === 'configured') throw new Fault('not-allowed', { reason: 'linkConfigured' });
    return link;
  }

  const add: LinkChanges['add'] = ({ user, account, password }, isShared, signal) =>
    registry.exclusively([user, account], async () => {
      if (registry.all.has(user)) throw new Fault('not-allowed', { reason: 'userLinked' });
      const holder = registry.holderOf(account, user);
      if (holder !== null && !isShared) throw new Fault('not-allowed', { reason: 'accountShared', value: holder });
      await far.verify(account, password, signal);
      const link: Link = { user, account, password, origin: 'registered' };
      await registry.save(link);
      registry.open(link);
      log.info({ peer: user, account }, 'linked by the operator');
    });

  const remove: LinkChanges['remove'] = (user) =>
    registry.exclusively([user], async () => {
      own(user);
      await registry.end(user);
    });

  const setSuspended = (user: BareJid, isSuspended: boolean): Promise<void> =>
    registry.exclusively([user], async () => {
      const { isSuspended: before = false, ...link } = known(user);
      if (before === isSuspended) return;
      const wasAllowed = registry.isAllowed(user);
      await registry.save(isSuspended ? { ...link, isSuspended } : link);
      await registry.follow(user, wasAllowed);
    });

  const setPassword: LinkChanges['setPassword'] = (user, password, signal) =>
    registry.exclusively([user], async () => {
      const before = own(user);
      await far.verify(before.account, password, signal);
      const link: Link = { ...before, password, origin: 'registered' };
      await registry.save(link);
      registry.open(link);
    });

  const take: LinkChanges['take'] = (link, mayReplace) =>
    registry.exclusively([link.user, link.account], async () => {
      const before = registry.all.get(link.user);
      if (before && (before.origin === 'configured' || !mayReplace || isSame(before, link))) return 'kept';
      if (before && before.account !== link.account) await registry.end(link.user);
      // what an entry of another configuration had made belongs to its user from now on
      const taken: Link = link.origin === 'configured' ? { ...link, origin: 'registered' } : link;
      const wasAllowed = registry.isAllowed(link.user);
      await registry.save(taken);
      if (before) await registry.follow(link.user, wasAllowed);
      registry.open(taken);
      return before ? 'replaced' : 'added';
    });

  return {
    add,
    remove,
    suspend: (user) => setSuspended(user, true),
    resume: (user) => setSuspended(user, false),
    setPassword,
    take,
  };
}

function isSame(a: Link, b: Pick<Link, 'account' | 'password' | 'isSuspended'>): boolean {
  return a.account === b.account && a.password === b.password && Boolean(a.isSuspended) === Boolean(b.isSuspended);
}
