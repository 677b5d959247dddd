/**
 * XEP-0356: what the server lets us do with its users' rosters, and doing it. Both namespaces live: Prosody's module speaks :2,
 * ejabberd before 24.10 :1; the roster requests are the same. The advert comes before the handshake's answer on Prosody and after it on
 * ejabberd and can come again, so access is a state by host. It never reads or writes anything but rosters. What a server
 * grants and does not do is found out by the first contact that is written: then its rosters are read only.
 *
 * Anybody whose stanzas reach us can send an advert, also over S2S. It is believed from the configured server and from the domain above
 * ours; from another host only right after our handshake, which is what makes a server say it, and never from a host that has
 * said it unasked before.
 */
import { domainOf, type AddressBook, type BareJid } from '../core/address';
import { Fault, toFault } from '../core/fault';
import type { Clock, JabberPort, Log } from '../bridge/ports';
import type { Iq } from './iq';
import { ns } from './stanza/ns';
import { readRoster, writeItem } from './stanza/roster';
import { attr, childOf, childrenOf, payload, type Element } from './stanza/element';

export type RosterAccess = 'none' | 'get' | 'both';

export interface PrivilegeOptions {
  readonly book: AddressBook;
  readonly iq: Pick<Iq, 'request'>;
  /** told of every change of what the server grants */
  readonly onAccess: (access: RosterAccess) => void;
  /** the server's own domain when it is configured */
  readonly serverDomain: string | null;
  /** after a handshake, in ms: what comes then is the server's answer to it */
  readonly advertMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Privilege extends Pick<JabberPort, 'rosterAccess' | 'readRoster' | 'writeRoster'> {
  /** Takes a message when it is an advert; false when it is something else. */
  onMessage(message: Element, from: BareJid): boolean;
  /** Hosts of the server, as far as they told us our rights on this stream. */
  hosts(): readonly string[];
  /** The handshake is done. */
  onUp(): void;
  /** The stream is down: everything is to be granted again. */
  reset(): void;
}

/** Hosts on one server that tell us their rights; more would be an attempt to fill our memory. */
const hostsMax = 256;
const order: readonly RosterAccess[] = ['none', 'get', 'both'];

export function makePrivilege(options: PrivilegeOptions): Privilege {
  const { book, iq, onAccess, serverDomain, clock, log } = options;
  const hosts = new Map<string, RosterAccess>();
  const proven = new Set<string>(); // hosts whose rosters have the subscriptions that we write
  const disbelieved = new Set<string>();
  let upAtMs = -Infinity;
  let told: RosterAccess = 'none';

  const best = (): RosterAccess =>
    [...hosts.values()].reduce((a, b) => (order.indexOf(b) > order.indexOf(a) ? b : a), 'none');

  const isAbove = (host: string): boolean => host.includes('.') && book.component.endsWith(`.${host}`);

  const isBelieved = (host: string): boolean => {
    if (host === serverDomain || isAbove(host) || hosts.has(host)) return true;
    if (!disbelieved.has(host) && clock.monotonic() - upAtMs <= options.advertMs) return true;
    if (disbelieved.has(host)) return false;
    const [oldest] = disbelieved;
    if (oldest !== undefined && disbelieved.size >= hostsMax) disbelieved.delete(oldest);
    disbelieved.add(host);
    log.warn(
      { host },
      'a host grants privileges unasked, which is not believed: if it is your server, set xmpp.serverDomain',
    );
    return false;
  };

  const grant = (host: string, access: RosterAccess): void => {
    if (hosts.size >= hostsMax && !hosts.has(host)) return;
    hosts.set(host, access);
    const now = best();
    if (now === told) return;
    told = now;
    log.info({ host, access }, 'roster access');
    onAccess(now);
  };

  const require = (user: BareJid, wanted: 'get' | 'set'): void => {
    const access = hosts.get(domainOf(user)) ?? 'none';
    if (access === 'none' || (wanted === 'set' && access === 'get')) throw new Fault('not-allowed');
  };

  /** The server cannot do what it grants: from now on its rosters are only read. */
  const incapable = (user: BareJid, cause: Fault | null): Fault => {
    const host = domainOf(user);
    log.warn({ host }, 'the server grants roster changes and does not make them: contacts are asked instead');
    grant(host, 'get');
    return new Fault('not-allowed', { cause });
  };

  return {
    onMessage(message, from) {
      const advert = childOf(message, 'privilege', ns.privilege2) ?? childOf(message, 'privilege', ns.privilege1);
      // Only a server speaks for its host, and only about it: no local part, and the host is the sender's.
      if (!advert || from !== domainOf(from) || attr(message, 'type') === 'error') return false;
      const xmlns = advert.getNS() ?? '';
      const roster = childrenOf(advert, 'perm', xmlns).find((perm) => attr(perm, 'access') === 'roster');
      if (isBelieved(from)) grant(from, readAccess(roster));
      return true;
    },
    hosts: () => [...hosts.keys()],
    rosterAccess: best,
    async readRoster(user, signal) {
      require(user, 'get');
      const query = await iq.request(book.component, user, 'get', payload('query', ns.roster), signal);
      return readRoster(query, book);
    },
    async writeRoster(user, entry, signal) {
      require(user, 'set');
      try {
        await iq.request(book.component, user, 'set', writeItem(entry, book), signal);
      } catch (thrown) {
        const fault = toFault(thrown);
        // COMPAT ejabberd before 23.10 grants `both` and fails every set (ejabberd issue 3942).
        throw fault.stanza?.condition === 'internal-server-error' ? incapable(user, fault) : fault;
      }
      if ('remove' in entry || entry.subscription === 'none' || proven.has(domainOf(user))) return;
      const stored = await iq.request(book.component, user, 'get', payload('query', ns.roster), signal);
      const subscription = subscriptionIn(stored, book.ghostOf(entry.account));
      // COMPAT ejabberd, also 23.10 and later, takes name and groups of such an item and leaves its subscription as it was.
      if (subscription !== null && subscription !== entry.subscription) throw incapable(user, null);
      if (subscription !== null) proven.add(domainOf(user));
    },
    onUp() {
      upAtMs = clock.monotonic();
    },
    reset() {
      upAtMs = -Infinity;
      hosts.clear();
      proven.clear();
      told = 'none';
    },
  };
}

/** RFC 6121 section 2.1.2.5 of the item with this JID; null when there is none. */
function subscriptionIn(query: Element | null, jid: BareJid): string | null {
  const item = query && childrenOf(query, 'item', ns.roster).find((one) => attr(one, 'jid') === jid);
  return item ? (attr(item, 'subscription') ?? 'none') : null;
}

/** XEP-0356 `type`: none, get, set or both; `set` alone is of no use, a difference needs reading first. */
function readAccess(perm: Element | undefined): RosterAccess {
  const type = perm === undefined ? null : attr(perm, 'type');
  return type === 'both' || type === 'get' ? type : 'none';
}
