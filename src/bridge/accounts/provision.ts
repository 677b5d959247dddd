/**
 * Accounts made for Jabber users who have none: once per user, with a random password that is saved (sealed) before the
 * account is made, so that a crash in between leaves nothing lost: the next refused login makes the account after all.
 * What the user sends meanwhile waits here, bounded, and goes on in order. It refuses nothing by itself: who may be
 * provisioned is decided at the route.
 */
import { randomBytes } from 'node:crypto';
import { domainOf, localOf, parseAccount } from '../../core/address';
import type { Account, BareJid } from '../../core/address';
import { Fault, toFault } from '../../core/fault';
import type { Link } from '../../core/model';
import type { LinkStore, Log } from '../ports';

export interface ProvisionOptions {
  /** domain of the accounts and template of their names; null: provisioning is off */
  readonly plan: { readonly domain: string; readonly template: string } | null;
  readonly store: Pick<LinkStore, 'save' | 'remove'>;
  /** makes the account; rejects `refused` when it exists */
  readonly signup: (account: Account, password: string, signal: AbortSignal) => Promise<void>;
  /** the link becomes active and its session is opened */
  readonly adopt: (link: Link) => void;
  readonly timeoutMs: number;
  readonly log: Log;
}

export interface Provision {
  readonly isOn: boolean;
  /** Calls `then` when the user has a link (null) or will not get one (why), after what waited before it. */
  afterwards(user: BareJid, then: (fault: Fault | null) => void): void;
  /** The login of a made account was refused: perhaps it was never made. Resolves true when it has been made now. */
  repair(link: Link): Promise<boolean>;
}

const waitingMax = 50;

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

export function makeProvision({ plan, store, signup, adopt, timeoutMs, log }: ProvisionOptions): Provision {
  const waiting = new Map<BareJid, ((fault: Fault | null) => void)[]>();

  async function make(user: BareJid): Promise<void> {
    const account = plan === null ? null : accountFor(user, plan);
    if (account === null) throw new Fault('not-linked');
    const link: Link = { user, account, password: randomBytes(18).toString('base64url'), origin: 'provisioned' };
    await store.save(link);
    try {
      await signup(account, link.password, AbortSignal.timeout(timeoutMs));
      log.info({ peer: user, account }, 'account made');
    } catch (thrown) {
      const fault = toFault(thrown);
      // refused: it was not made. Anything else may have been: the link stays, and a refused login repairs it.
      if (fault.retry === 'never') await store.remove(user);
      log.warn({ peer: user, account, fault: fault.code }, 'account not made');
      if (fault.retry === 'never') throw new Fault('not-linked', { cause: fault });
    }
    adopt(link);
  }

  function afterwards(user: BareJid, then: (fault: Fault | null) => void): void {
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
      for (const one of mine) one(fault);
    };
    make(user).then(
      () => finish(null),
      (thrown: unknown) => finish(toFault(thrown)),
    );
  }

  async function repair({ user, account, password }: Link): Promise<boolean> {
    try {
      await signup(account, password, AbortSignal.timeout(timeoutMs));
      log.info({ peer: user, account }, 'account made');
      return true;
    } catch (thrown) {
      log.warn({ peer: user, account, fault: toFault(thrown).code }, 'account not made');
      return false;
    }
  }

  return { isOn: plan !== null, afterwards, repair };
}
