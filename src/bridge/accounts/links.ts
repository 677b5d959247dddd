/**
 * Links: who is tied to which account, and what happens when that begins, changes and ends. Credentials are tried
 * before anything is saved, so nothing is ever half-saved. The registry in memory is the truth of this process; the
 * store is written first.
 */
import type { Access } from '../../core/access';
import type { Account, BareJid } from '../../core/address';
import { Fault, toFault } from '../../core/fault';
import type { Link } from '../../core/model';
import type { SendToUser } from '../delivery/gateway-messages';
import type { Registration, FarPort, LaneStore, LinkStore, Log } from '../ports';

export interface LinksOptions {
  readonly store: LinkStore;
  readonly lanes: Pick<LaneStore, 'forget'>;
  readonly far: Pick<FarPort, 'open' | 'close' | 'verify'>;
  readonly access: Pick<Access, 'isAllowed'>;
  readonly mayRegister: boolean;
  /** accounts: of the configuration, passwords readable */
  readonly configured: readonly Omit<Link, 'origin'>[];
  readonly sendToUser: SendToUser;
  readonly log: Log;
}

export interface Links extends Registration {
  isLinked(user: BareJid): boolean;
  users(): Iterable<BareJid>;
  linkOf(user: BareJid): Link | undefined;
  /** Registers what is done before a link ends, while it still exists; what fails is logged and does not keep the link. */
  beforeEnd(step: (user: BareJid) => Promise<void>): void;
  /** Takes in a link that is saved already and opens its session. */
  adopt(link: Link): void;
  /** Reads the store, adds the configured links, opens a session for each. Rejects `store-away`. */
  start(): Promise<void>;
}

export function makeLinks(options: LinksOptions): Links {
  const { store, lanes, far, access, mayRegister, configured, sendToUser, log } = options;
  const links = new Map<BareJid, Link>();
  const endSteps: ((user: BareJid) => Promise<void>)[] = [];
  const changing = new Set<BareJid>(); // one change of a link at a time

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
    for (const link of links.values()) far.open(link);
    log.info({ count: links.size }, 'links loaded');
  }

  /** A link that the configuration made ends with its entry there. */
  async function dropUnconfigured(): Promise<void> {
    const wanted = new Set(configured.map((link) => link.user));
    for (const link of [...links.values()]) {
      if (link.origin !== 'configured' || wanted.has(link.user)) continue;
      links.delete(link.user);
      await store.remove(link.user);
      await empty(link.user);
      log.info({ peer: link.user }, 'link removed: it is no longer configured');
    }
  }

  async function link(user: BareJid, account: Account, password: string, signal: AbortSignal): Promise<void> {
    if (!access.isAllowed(user)) throw new Fault('forbidden');
    if (!mayRegister) throw new Fault('not-allowed', { reason: 'registrationOff' });
    if (links.get(user)?.origin === 'configured') throw new Fault('not-allowed', { reason: 'operatorManages' });
    await exclusively(user, async () => {
      await far.verify(account, password, signal);
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
    await exclusively(user, async () => {
      await end(user);
      log.info({ peer: user }, 'unlinked');
    });
  }

  async function end(user: BareJid): Promise<void> {
    for (const step of endSteps) {
      await step(user).catch((thrown: unknown) =>
        log.warn({ peer: user, fault: toFault(thrown).code }, 'the contacts could not be told that the link ends'),
      );
    }
    await store.remove(user);
    links.delete(user);
    await far.close(user);
    await empty(user);
  }

  /** What still waits for a link that is gone goes with it; the user is told once how much that was. */
  async function empty(user: BareJid): Promise<void> {
    const count = await lanes.forget(user);
    if (count === 0) return;
    log.info({ peer: user, count }, 'lanes of a user without a link emptied');
    const what =
      count === 1 ? 'One message that was still waiting was' : `${count} messages that were still waiting were`;
    sendToUser(user, `Your link has ended. ${what} not delivered.`);
  }

  async function exclusively(user: BareJid, change: () => Promise<void>): Promise<void> {
    if (changing.has(user)) throw new Fault('rate-limited', { reason: 'linkChanging' });
    changing.add(user);
    try {
      await change();
    } finally {
      changing.delete(user);
    }
  }

  return {
    beforeEnd: (step) => void endSteps.push(step),
    adopt(made) {
      links.set(made.user, made);
      far.open(made);
    },
    start,
    link,
    unlink,
    isAllowed: (user) => access.isAllowed(user),
    isLinked: (user) => links.has(user),
    accountOf: (user) => links.get(user)?.account ?? null,
    linkOf: (user) => links.get(user),
    users: () => links.keys(),
  };
}
