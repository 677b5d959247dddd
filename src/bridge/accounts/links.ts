/**
 * Links: who is tied to which account, and what happens when that begins, changes and ends. Credentials are tried
 * before anything is saved, so nothing is ever half-saved. The registry in memory is the truth of this process; the
 * store is written first.
 */
import type { Access } from '../../core/access';
import type { Account, BareJid } from '../../core/address';
import { Fault, toFault } from '../../core/fault';
import type { Link, Message } from '../../core/model';
import type { Enrolment, FarPort, LaneStore, LinkStore, Log } from '../ports';

export interface LinksOptions {
  readonly store: LinkStore;
  readonly lanes: Pick<LaneStore, 'forget'>;
  readonly far: Pick<FarPort, 'open' | 'close' | 'verify'>;
  readonly access: Pick<Access, 'isAllowed'>;
  readonly mayRegister: boolean;
  /** accounts: of the configuration, passwords readable */
  readonly configured: readonly Omit<Link, 'origin'>[];
  /** tells the contacts of a link that ends; runs while the link still exists */
  readonly farewell: (user: BareJid) => Promise<void>;
  /** a word from the gateway to a user, linked or not */
  readonly say: (user: BareJid, text: string) => void;
  readonly log: Log;
}

export interface Links extends Enrolment {
  isLinked(user: BareJid): boolean;
  users(): Iterable<BareJid>;
  linkOf(user: BareJid): Link | undefined;
  /** Takes in a link that is saved already and opens its session. */
  adopt(link: Link): void;
  /** Reads the store, adds the configured links, opens a session for each. Rejects `store-away`. */
  start(): Promise<void>;
}

/** A word from the gateway itself to a user, as a message. */
export function gatewayMessage(text: string, type: Message['type'] = 'chat'): Message {
  return {
    kind: 'message',
    id: null,
    resource: null,
    type,
    body: text,
    subject: null,
    sentAt: null,
    wantsReceipt: false,
    nick: null,
  };
}

export function makeLinks(options: LinksOptions): Links {
  const { store, lanes, far, access, mayRegister, configured, farewell, say, log } = options;
  const links = new Map<BareJid, Link>();
  const busy = new Set<BareJid>(); // one change of a link at a time

  async function start(): Promise<void> {
    for (const link of await store.load()) links.set(link.user, link);
    await dropStale();
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
  async function dropStale(): Promise<void> {
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
    await alone(user, async () => {
      await far.verify(account, password, signal);
      const before = links.get(user);
      if (before && before.account !== account) await part(user);
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
    await alone(user, async () => {
      await part(user);
      log.info({ peer: user }, 'unlinked');
    });
  }

  async function part(user: BareJid): Promise<void> {
    await farewell(user).catch((thrown: unknown) =>
      log.warn({ peer: user, fault: toFault(thrown).code }, 'farewell failed'),
    );
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
    say(user, `Your link has ended. ${what} not delivered.`);
  }

  async function alone(user: BareJid, change: () => Promise<void>): Promise<void> {
    if (busy.has(user)) throw new Fault('rate-limited', { reason: 'linkChanging' });
    busy.add(user);
    try {
      await change();
    } finally {
      busy.delete(user);
    }
  }

  return {
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
