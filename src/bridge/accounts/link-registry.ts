/**
 * The links of this process, and what happens to each when it is opened, suspended and ended. The store is written first,
 * the map in memory is the truth of this process. It tries no password and asks nobody's permission: users' changes are
 * links.ts, the operator's link-changes.ts, those of `accounts:` configured-links.ts.
 */
import type { Access } from '../../core/access';
import type { Account, BareJid } from '../../core/address';
import { Fault, toFault } from '../../core/fault';
import type { Link } from '../../core/model';
import type { Log } from '../../core/runtime';
import type { FarPort, LinkStore } from '../ports';

/** What another part does when a link ends, or is suspended. */
export type LinkStep = (user: BareJid) => Promise<void>;

/** What other parts do, in order. What fails is logged and keeps nothing from going on. */
export interface LinkSteps {
  /** before a link ends, while it still exists */
  readonly beforeEnd: LinkStep[];
  /** when the link is gone and its session still lives */
  readonly afterEnd: LinkStep[];
  /** the user may not use the bridge for now; the session still lives */
  readonly onSuspend: LinkStep[];
  /** the user may again; the session is opened next */
  readonly onResume: LinkStep[];
}

export interface LinkRegistryOptions {
  readonly store: LinkStore;
  readonly far: Pick<FarPort, 'open' | 'close'>;
  readonly access: Pick<Access, 'isAllowed'>;
  readonly log: Log;
}

export interface LinkRegistry {
  readonly all: ReadonlyMap<BareJid, Link>;
  readonly steps: LinkSteps;
  /** May this user use the bridge: by the access lists, and not suspended by the operator? */
  isAllowed(user: BareJid): boolean;
  /** Who is linked to this account already, besides this user. */
  holderOf(account: Account, besides: BareJid): BareJid | null;
  /** Reads the store. Rejects `store-away`. */
  load(): Promise<void>;
  /** Stores it, and keeps it in mind. Rejects `store-away`. */
  save(link: Link): Promise<void>;
  /** Keeps in mind what is stored already. */
  adopt(link: Link): void;
  /** Opens the session, unless the user may not use the bridge. */
  open(link: Link): void;
  /** Makes the session as the user's permission is now, when it was `wasAllowed` before. */
  follow(user: BareJid, wasAllowed: boolean): Promise<void>;
  /** Withdraws contacts, forgets, logs out. Rejects `store-away`. */
  end(user: BareJid): Promise<void>;
  /** The same for a link of which nothing runs yet. */
  drop(user: BareJid): Promise<void>;
  /** One change at a time, of a link and of an account. Rejects `rate-limited` while another is under way. */
  exclusively<T>(keys: readonly (BareJid | Account)[], change: () => Promise<T>): Promise<T>;
}

export function makeLinkRegistry({ store, far, access, log }: LinkRegistryOptions): LinkRegistry {
  const all = new Map<BareJid, Link>();
  const steps: LinkSteps = { beforeEnd: [], afterEnd: [], onSuspend: [], onResume: [] };
  const changing = new Set<BareJid | Account>();
  const isAllowed = (user: BareJid): boolean => access.isAllowed(user) && all.get(user)?.isSuspended !== true;

  async function take(todo: readonly LinkStep[], user: BareJid): Promise<void> {
    for (const step of todo) {
      await step(user).catch((thrown: unknown) =>
        log.warn({ peer: user, fault: toFault(thrown).code }, 'a step of a change of a link failed'),
      );
    }
  }

  /** A suspended link has no session: its contacts see the user gone, and nothing is relayed. */
  function open(link: Link): void {
    if (isAllowed(link.user)) far.open(link);
    else log.info({ peer: link.user }, 'link suspended');
  }

  async function follow(user: BareJid, wasAllowed: boolean): Promise<void> {
    const link = all.get(user);
    const isNow = isAllowed(user);
    if (link === undefined || isNow === wasAllowed) return;
    await take(isNow ? steps.onResume : steps.onSuspend, user);
    open(link);
    if (!isNow) await far.close(user);
  }

  async function end(user: BareJid): Promise<void> {
    await take(steps.beforeEnd, user);
    await drop(user);
    await far.close(user);
  }

  async function drop(user: BareJid): Promise<void> {
    await store.remove(user);
    all.delete(user);
    await take(steps.afterEnd, user);
  }

  return {
    all,
    steps,
    isAllowed,
    holderOf(account, besides) {
      for (const link of all.values()) if (link.account === account && link.user !== besides) return link.user;
      return null;
    },
    async load() {
      for (const link of await store.load()) all.set(link.user, link);
    },
    async save(link) {
      await store.save(link);
      all.set(link.user, link);
    },
    adopt: (link) => void all.set(link.user, link),
    open,
    follow,
    end,
    drop,
    async exclusively(keys, change) {
      if (keys.some((key) => changing.has(key))) throw new Fault('rate-limited', { reason: 'linkChanging' });
      for (const key of keys) changing.add(key);
      try {
        return await change();
      } finally {
        for (const key of keys) changing.delete(key);
      }
    },
  };
}
