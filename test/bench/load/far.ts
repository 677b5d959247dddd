/**
 * The far side of a benchmark, in a process of its own: the XIMSS test server without a wire log, its far users
 * played inside. Driven over IPC; see FarOrder.
 */
import { combined } from '../../support/ximss-server/operations/presence';
import { startXimssServer, type Actor, type XimssServer } from '../../support/ximss-server/server';
import { ageOf, body, partiesOf } from './load';

export type FarOrder =
  | {
      readonly do: 'start';
      readonly domain: string;
      readonly linkCount: number;
      readonly peerCount: number;
      readonly tls?: { key: string; cert: string };
      /** of the XIMSS listener; any free one when left out */
      readonly port?: number;
    }
  /** each link gets so many of the peers as mutual contacts; the peers come online */
  | { readonly do: 'befriend'; readonly contacts: number }
  /** messages by number: from peer and to link as `partiesOf` says for so many lanes */
  | { readonly do: 'send'; readonly count: number; readonly from: number; readonly laneCount: number }
  /** from now on so many messages per second, each to a link whose session is bound at that moment; 0 ends it */
  | { readonly do: 'chat'; readonly perSecond: number }
  /** of a report only what has arrived */
  | { readonly do: 'arrivals' }
  | { readonly do: 'report' };
export type FarReport = {
  readonly port: number;
  readonly tlsPort: number | null;
  readonly httpPort: number;
  readonly arrived: number;
  readonly latencies: readonly number[];
  readonly bound: number;
  /** chat messages sent so far */
  readonly chatted: number;
  /** links whose account is seen online */
  readonly present: number;
};

let peers: Actor[] = [];
let links: string[] = [];
let ports = { port: 0, tlsPort: null as number | null, httpPort: 0 };
let arrived = 0;
let latencies: number[] = [];
let world: XimssServer | null = null;
let chat: NodeJS.Timeout | undefined;
let chatted = 0;

async function obey(order: FarOrder): Promise<void> {
  switch (order.do) {
    case 'start': {
      const { domain, linkCount, peerCount, tls = null, port = 0 } = order;
      links = Array.from({ length: linkCount }, (_, i) => `u${i}@${domain}`);
      const names = Array.from({ length: peerCount }, (_, i) => `p${i}@${domain}`);
      const accounts = [...links, ...names].map((account) => ({ account, password: 'secret' }));
      const server = await startXimssServer({ domains: [domain], accounts, tls, logCount: 0, tcpPort: port });
      ports = { port: server.tcpPort, tlsPort: server.tlsPort, httpPort: server.httpPort };
      world = server;
      peers = names.map((name) => server.client(name));
      for (const peer of peers) watch(peer);
      return;
    }
    case 'befriend':
      if (world) befriend(world, order.contacts);
      return;
    case 'send':
      for (let n = order.from; n < order.from + order.count; n += 1) {
        const { link, peer } = partiesOf(n, order.laneCount);
        peers[peer % peers.length]?.sendIM(links[link % links.length] ?? '', body(n));
      }
      return;
    case 'chat':
      clearInterval(chat);
      if (order.perSecond > 0) chat = setInterval(say, 1_000 / order.perSecond);
      return;
    case 'arrivals':
    case 'report':
      return;
  }
}

function boundLinks(): string[] {
  const sessions = world?.sessions() ?? [];
  return sessions.filter((one) => one.isBound && one.transport !== 'inside').map((one) => one.account);
}

function presentCount(): number {
  return links.filter((link) => world && combined(world.account(link)).value !== 'offline').length;
}

/** One message from somebody to somebody who can be reached. */
function say(): void {
  const reachable = boundLinks();
  const to = reachable[Math.floor(Math.random() * reachable.length)];
  if (to === undefined) return;
  peers[chatted % peers.length]?.sendIM(to, body(chatted));
  chatted += 1;
}

function befriend(server: XimssServer, contacts: number): void {
  const item = (peer: string) => ({
    peer,
    name: peer.split('@')[0],
    groups: ['Everybody'],
    subscription: 'both' as const,
    isAsking: false,
    isAsked: false,
    isListed: true,
  });
  links.forEach((link, i) => {
    for (let k = 0; k < contacts; k += 1) {
      const peer = peers[(i + k) % peers.length]?.account ?? '';
      server.account(link).roster.set(peer, item(peer));
      server.account(peer).roster.set(link, item(link));
    }
  });
  for (const peer of peers) peer.setPresence('online');
}

/** Counts without keeping: the actor's own list would grow. */
function watch(peer: Actor): void {
  const { received } = peer;
  received.push = (...items) => {
    for (const item of items) {
      if (item.kind !== 'im' || item.text === '') continue;
      arrived += 1;
      latencies.push(ageOf(item.text));
    }
    return received.length;
  };
}

process.on('message', (order: FarOrder) => {
  void obey(order).then(() => {
    if (order.do === 'send') return;
    const isShort = order.do === 'arrivals';
    const counts = isShort
      ? { bound: 0, chatted, present: 0 }
      : { bound: boundLinks().length, chatted, present: presentCount() };
    const report: FarReport = { ...ports, arrived, latencies, ...counts };
    latencies = [];
    process.send?.(report);
  });
});
process.on('disconnect', () => process.exit(0));
