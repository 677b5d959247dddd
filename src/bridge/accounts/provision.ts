/**
 * Accounts made for Jabber users who have none: once per user, with a random password that is saved (sealed) before the
 * account is made, so that a crash in between leaves nothing lost: the next refused login makes the account after all.
 * The password is kept as long as the account is known, so a user who unlinks can come back. An account that belongs to
 * somebody else is never taken. What the user sends meanwhile waits here, bounded, and goes on in order. It refuses
 * nothing by itself: who may be provisioned is decided by the router.
 */
import { randomBytes } from 'node:crypto';
import { domainOf, localOf, parseAccount } from '../../core/address';
import type { Account, BareJid } from '../../core/address';
import { Fault, toFault } from '../../core/fault';
import type { Link } from '../../core/model';
import type { Clock, Log } from '../../core/runtime';
import type { LinkStore } from '../ports';
import type { Links } from './links';

export interface ProvisionOptions {
  /** domain of the accounts and template of their names; null: provisioning is off */
  readonly plan: { readonly domain: string; readonly template: string } | null;
  /** the accounts that were made */
  readonly made: LinkStore;
  readonly store: Pick<LinkStore, 'save' | 'remove'>;
  readonly links: Pick<Links, 'adopt' | 'holderOf'>;
  /** makes the account; rejects `refused` when it exists */
  readonly signup: (account: Account, password: string, realName: string, signal: AbortSignal) => Promise<void>;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Provision {
  readonly isOn: boolean;
  /** Reads which accounts were made. Rejects `store-away`. */
  start(): Promise<void>;
  /** Calls `then` when the user has a link (null) or will not get one (why), after what waited before it. */
  afterwards(user: BareJid, then: (fault: Fault | null) => void): void;
  /** The login of a made account was refused: perhaps it was never made. Resolves true when it has been made now. */
  repair(link: Link): Promise<boolean>;
  /** Every account that was made, with its password, also when its link has ended. */
  made(): readonly Link[];
  /** Takes in one that was made before, unless the user has one. Rejects `store-away`. */
  take(link: Link): Promise<void>;
}

/** events of one user that may wait for their account */
const waitingMax = 50;
/** for so long a refusal stands before signup is tried again: servers delay its answer on purpose */
const refusalMs = 10 * 60_000;
/** users whose refusal is remembered */
const refusedMax = 10_000;

/** The account of a user by the template; null when the name cannot be one. `{local}` and `{domain}` are the JID's parts. */
export function accountFor(
  user: BareJid,
  plan: { readonly domain: string; readonly template: string },
): Account | null {
  const local = localOf(user);
  if (local === null) return null;
  const name = plan.template.replace(/\{(local|domain)\}/g, (_all, part: string) =>
    part === 'local' ? local : domainOf(user),
  );
  return parseAccount(`${name}@${plan.domain}`);
}

export function makeProvision(options: ProvisionOptions): Provision {
  const { plan, made, store, links, signup, timeoutMs, clock, log } = options;
  const waiting = new Map<BareJid, ((fault: Fault | null) => void)[]>();
  const known = new Map<BareJid, Link>();
  const owners = new Map<Account, BareJid>();
  const refused = new Map<BareJid, { readonly fault: Fault; readonly untilMs: number }>();

  function remember(link: Link): void {
    known.set(link.user, link);
    owners.set(link.account, link.user);
  }

  /** The link as it will be, saved; its account may not be made yet. */
  async function prepare(user: BareJid): Promise<Link> {
    const before = known.get(user);
    const account = before?.account ?? (plan === null ? null : accountFor(user, plan));
    if (account === null) throw new Fault('not-linked');
    const owner = owners.get(account) ?? links.holderOf(account, user) ?? user;
    if (owner !== user || links.holderOf(account, user) !== null) {
      log.warn({ peer: user, account }, 'no account made: it belongs to another user');
      throw new Fault('not-linked', { reason: 'accountNameTaken' });
    }
    if (before !== undefined) return before;
    const link: Link = { user, account, password: randomBytes(18).toString('base64url'), origin: 'provisioned' };
    remember(link); // at once: another user may be on the way to the same name
    await made.save(link);
    return link;
  }

  async function make(user: BareJid): Promise<void> {
    const isNew = !known.has(user);
    const link = await prepare(user);
    await store.save(link);
    if (isNew) await signUp(link);
    links.adopt(link);
  }

  /** Refused: it was not made. Anything else may have been: the link stays, and a refused login repairs it. */
  async function signUp({ user, account, password }: Link): Promise<void> {
    try {
      await signup(account, password, localOf(user) ?? user, AbortSignal.timeout(timeoutMs));
      log.info({ peer: user, account }, 'account made');
    } catch (thrown) {
      const fault = toFault(thrown);
      log.warn({ peer: user, account, fault: fault.code }, 'account not made');
      if (fault.retry !== 'never') return;
      known.delete(user);
      owners.delete(account);
      await store.remove(user);
      await made.remove(user);
      throw new Fault('not-linked', { reason: 'accountNameTaken', cause: fault });
    }
  }

  function refuse(user: BareJid, fault: Fault): void {
    if (fault.retry !== 'never') return;
    refused.delete(user);
    refused.set(user, { fault, untilMs: clock.monotonic() + refusalMs });
    const [oldest] = refused.keys();
    if (refused.size > refusedMax && oldest !== undefined) refused.delete(oldest);
  }

  function afterwards(user: BareJid, then: (fault: Fault | null) => void): void {
    const before = refused.get(user);
    if (before !== undefined && before.untilMs > clock.monotonic()) return then(before.fault);
    const queue = waiting.get(user);
    if (queue !== undefined) {
      if (queue.length >= waitingMax) return then(new Fault('rate-limited'));
      queue.push(then);
      return;
    }
    const mine = [then];
    waiting.set(user, mine);
    const finish = (fault: Fault | null): void => {
      waiting.delete(user);
      if (fault !== null) refuse(user, fault);
      for (const one of mine) one(fault);
    };
    make(user).then(
      () => finish(null),
      (thrown: unknown) => finish(toFault(thrown)),
    );
  }

  async function repair({ user, account, password }: Link): Promise<boolean> {
    try {
      await signup(account, password, localOf(user) ?? user, AbortSignal.timeout(timeoutMs));
      log.info({ peer: user, account }, 'account made');
      return true;
    } catch (thrown) {
      log.warn({ peer: user, account, fault: toFault(thrown).code }, 'account not made');
      return false;
    }
  }

  return {
    isOn: plan !== null,
    async start() {
      for (const link of await made.load()) remember(link);
    },
    afterwards,
    repair,
    made: () => [...known.values()],
    async take(link) {
      if (known.has(link.user) || owners.has(link.account)) return;
      await made.save(link);
      remember(link);
    },
  };
}
