/**
 * Links: who is tied to which account, and what happens when that begins, changes and ends. Credentials are tried
 * before anything is saved, so nothing is ever half-saved. The registry in memory is the truth of this process; the
 * store is written first. The link of a user whom the access lists refuse is suspended: kept, without a session.
 */
import type { Access } from '../../core/access';
import type { Account, BareJid } from '../../core/address';
import { Fault, toFault } from '../../core/fault';
import type { Link } from '../../core/model';
import type { Log } from '../../core/runtime';
import type { FarPort, LinkStore, Registration } from '../ports';
import type { Guard } from './guard';

export interface LinksOptions {
  readonly store: LinkStore;
  readonly far: Pick<FarPort, 'open' | 'close' | 'verify'>;
  readonly access: Pick<Access, 'isAllowed'>;
  readonly guard: Guard;
  readonly mayRegister: boolean;
  /** accounts: of the configuration, passwords readable */
  readonly configured: readonly Omit<Link, 'origin'>[];
  readonly log: Log;
}

/** What another part does when a link ends. */
export type EndStep = (user: BareJid) => Promise<void>;

export interface Links extends Registration {
  isLinked(user: BareJid): boolean;
  users(): Iterable<BareJid>;
  linkOf(user: BareJid): Link | undefined;
  /** Who is linked to this account already, besides this user. */
  holderOf(account: Account, besides: BareJid): BareJid | null;
  /** Registers what is done before a link ends, while it still exists; what fails is logged and does not keep the link. */
  beforeEnd(step: EndStep): void;
  /** The same for when the link is gone and its session still lives. */
  afterEnd(step: EndStep): void;
  /** Takes in a link that is saved already and opens its session. */
  adopt(link: Link): void;
  /** Reads the store, adds the configured links, opens a session for each. Rejects `store-away`. */
  start(): Promise<void>;
}

export function makeLinks(options: LinksOptions): Links {
  const { store, far, access, guard, mayRegister, configured, log } = options;
  const links = new Map<BareJid, Link>();
  const stepsBefore: EndStep[] = [];
  const stepsAfter: EndStep[] = [];
  /** one change at a time, of a link and of an account */
  const changing = new Set<BareJid | Account>();

  async function start(): Promise<void> {
    for (const link of await store.load()) links.set(link.user, link);
    await dropUnconfigured();
    for (const wanted of configured) {
      const known = links.get(wanted.user);
      if (known && known.account === wanted.account && known.password === wanted.password) continue;
      const link: Link = { ...wanted, origin: 'configured' };
      await store.save(link);
      links.set(link.user, link);
    }
    for (const link of links.values()) open(link);
    log.info({ count: links.size }, 'links loaded');
  }

  /** A denied user's session stays closed: their contacts see them gone, and nothing is relayed. */
  function open(link: Link): void {
    if (access.isAllowed(link.user)) far.open(link);
    else log.info({ peer: link.user }, 'link suspended, the access lists refuse the user');
  }

  /** A link that the configuration made ends with its entry there. */
  async function dropUnconfigured(): Promise<void> {
    const wanted = new Set(configured.map((link) => link.user));
    for (const link of [...links.values()]) {
      if (link.origin !== 'configured' || wanted.has(link.user)) continue;
      links.delete(link.user);
      await store.remove(link.user);
      await take(stepsAfter, link.user);
      log.info({ peer: link.user }, 'link removed: it is no longer configured');
    }
  }

  function holderOf(account: Account, besides: BareJid): BareJid | null {
    for (const link of links.values()) if (link.account === account && link.user !== besides) return link.user;
    return null;
  }

  async function link(user: BareJid, account: Account, password: string, signal: AbortSignal): Promise<void> {
    if (!access.isAllowed(user)) throw new Fault('forbidden');
    if (!mayRegister) throw new Fault('not-allowed', { reason: 'registrationOff' });
    if (links.get(user)?.origin === 'configured') throw new Fault('not-allowed', { reason: 'operatorManages' });
    guard.checkDomain(user, links.keys());
    await exclusively([user, account], async () => {
      await guard.attempt(user, account, () => far.verify(account, password, signal));
      // only who knows the password learns that the account is in use
      if (holderOf(account, user) !== null) throw new Fault('not-allowed', { reason: 'accountTaken' });
      guard.checkDomain(user, links.keys()); // others may have come meanwhile
      const before = links.get(user);
      if (before && before.account !== account) await end(user);
      const made: Link = { user, account, password, origin: 'registered' };
      await store.save(made);
      links.set(user, made);
      far.open(made);
      log.info({ peer: user, account }, 'linked');
    });
  }

  async function unlink(user: BareJid): Promise<void> {
    if (!links.has(user)) return;
    if (links.get(user)?.origin === 'configured') throw new Fault('not-allowed', { reason: 'operatorManages' });
    await exclusively([user], async () => {
      await end(user);
      log.info({ peer: user }, 'unlinked');
    });
  }

  async function end(user: BareJid): Promise<void> {
    await take(stepsBefore, user);
    await store.remove(user);
    links.delete(user);
    await take(stepsAfter, user);
    await far.close(user);
  }

  async function take(steps: readonly EndStep[], user: BareJid): Promise<void> {
    for (const step of steps) {
      await step(user).catch((thrown: unknown) =>
        log.warn({ peer: user, fault: toFault(thrown).code }, 'a step at the end of a link failed'),
      );
    }
  }

  async function exclusively(keys: readonly (BareJid | Account)[], change: () => Promise<void>): Promise<void> {
    if (keys.some((key) => changing.has(key))) throw new Fault('rate-limited', { reason: 'linkChanging' });
    for (const key of keys) changing.add(key);
    try {
      await change();
    } finally {
      for (const key of keys) changing.delete(key);
    }
  }

  return {
    beforeEnd: (step) => void stepsBefore.push(step),
    afterEnd: (step) => void stepsAfter.push(step),
    adopt(made) {
      links.set(made.user, made);
      open(made);
    },
    start,
    link,
    unlink,
    holderOf,
    isAllowed: (user) => access.isAllowed(user),
    isLinked: (user) => links.has(user),
    accountOf: (user) => links.get(user)?.account ?? null,
    linkOf: (user) => links.get(user),
    users: () => links.keys(),
  };
}
