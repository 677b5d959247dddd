/**
 * Links: who is tied to which account, and what users change of that (XEP-0077, XEP-0100). Credentials are tried before
 * anything is saved, so nothing is ever half-saved. The link of a user whom the access lists refuse, or whom the operator
 * has suspended, is kept without a session, and its user changes nothing of it.
 */
import type { Access } from '../../core/access';
import type { Account, BareJid } from '../../core/address';
import { Fault } from '../../core/fault';
import type { Link } from '../../core/model';
import type { Log } from '../../core/runtime';
import type { FarPort, LinkStore, Registration } from '../ports';
import { makeConfiguredLinks, type ConfiguredLinks } from './configured-links';
import type { Guard } from './guard';
import { makeLinkRegistry, type LinkStep } from './link-registry';
import { makeLinkChanges, type LinkChanges } from './link-changes';

export interface LinksOptions {
  readonly store: LinkStore;
  readonly far: Pick<FarPort, 'open' | 'close' | 'verify'>;
  readonly access: Pick<Access, 'isAllowed'>;
  readonly guard: Guard;
  /** may users link accounts themselves, now? */
  readonly mayRegister: () => boolean;
  /** accounts: of the configuration, passwords readable, when it starts */
  readonly configured: readonly Omit<Link, 'origin'>[];
  readonly log: Log;
}

export interface Links extends Registration {
  isLinked(user: BareJid): boolean;
  users(): Iterable<BareJid>;
  linkOf(user: BareJid): Link | undefined;
  /** Who is linked to this account already, besides this user. */
  holderOf(account: Account, besides: BareJid): BareJid | null;
  /** Registers what is done before a link ends, while it still exists; what fails is logged and does not keep the link. */
  beforeEnd(step: LinkStep): void;
  /** The same for when the link is gone and its session still lives. */
  afterEnd(step: LinkStep): void;
  /** The same for when the user may not use the bridge any more, or may again. */
  onSuspend(step: LinkStep): void;
  onResume(step: LinkStep): void;
  /** Takes in a link that is saved already and opens its session. */
  adopt(link: Link): void;
  /** Reads the store, adds the configured links, opens a session for each. Rejects `store-away`. */
  start(): Promise<void>;
  /** what the operator changes */
  readonly byOperator: LinkChanges;
  /** what a configuration that is read again changes */
  readonly configured: Pick<ConfiguredLinks, 'replace'>;
  /** Runs a change of the access lists, and suspends and resumes who is affected. Resolves with how many those are. */
  whileAccessChanges(change: () => void): Promise<number>;
}

export function makeLinks(options: LinksOptions): Links {
  const { store, far, access, guard, mayRegister, log } = options;
  const registry = makeLinkRegistry({ store, far, access, log });
  const configured = makeConfiguredLinks({ registry, log });
  const { all, steps } = registry;

  async function start(): Promise<void> {
    await registry.load();
    await configured.start(options.configured);
    for (const link of all.values()) registry.open(link);
    log.info({ count: all.size }, 'links loaded');
  }

  async function link(user: BareJid, account: Account, password: string, signal: AbortSignal): Promise<void> {
    if (!registry.isAllowed(user)) throw new Fault('forbidden');
    if (!mayRegister()) throw new Fault('not-allowed', { reason: 'registrationOff' });
    if (all.get(user)?.origin === 'configured') throw new Fault('not-allowed', { reason: 'operatorManages' });
    guard.checkDomain(user, all.keys());
    await registry.exclusively([user, account], async () => {
      await guard.attempt(user, account, () => far.verify(account, password, signal));
      // only who knows the password learns that the account is in use
      if (registry.holderOf(account, user) !== null) throw new Fault('not-allowed', { reason: 'accountTaken' });
      guard.checkDomain(user, all.keys()); // others may have come meanwhile
      const before = all.get(user);
      if (before && before.account !== account) await registry.end(user);
      const made: Link = { user, account, password, origin: 'registered' };
      await registry.save(made);
      far.open(made);
      log.info({ peer: user, account }, 'linked');
    });
  }

  async function unlink(user: BareJid): Promise<void> {
    const known = all.get(user);
    if (known === undefined) return;
    if (known.origin === 'configured' || known.isSuspended)
      throw new Fault('not-allowed', { reason: 'operatorManages' });
    await registry.exclusively([user], async () => {
      await registry.end(user);
      log.info({ peer: user }, 'unlinked');
    });
  }

  async function whileAccessChanges(change: () => void): Promise<number> {
    const before = [...all.keys()].map((user) => [user, registry.isAllowed(user)] as const);
    change();
    const affected = before.filter(([user, wasAllowed]) => registry.isAllowed(user) !== wasAllowed);
    await Promise.all(affected.map(([user, wasAllowed]) => registry.follow(user, wasAllowed)));
    return affected.length;
  }

  return {
    beforeEnd: (step) => void steps.beforeEnd.push(step),
    afterEnd: (step) => void steps.afterEnd.push(step),
    onSuspend: (step) => void steps.onSuspend.push(step),
    onResume: (step) => void steps.onResume.push(step),
    adopt(made) {
      registry.adopt(made);
      registry.open(made);
    },
    start,
    link,
    unlink,
    holderOf: (account, besides) => registry.holderOf(account, besides),
    isAllowed: (user) => registry.isAllowed(user),
    isLinked: (user) => all.has(user),
    accountOf: (user) => all.get(user)?.account ?? null,
    linkOf: (user) => all.get(user),
    users: () => all.keys(),
    byOperator: makeLinkChanges({ registry, far, log }),
    configured,
    whileAccessChanges,
  };
}
