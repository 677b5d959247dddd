/**
 * The far side of a benchmark, in a process of its own: the XIMSS test server without a wire log, its far users
 * played inside. Driven over IPC; see FarOrder.
 */
import { startXimssServer, type Actor, type XimssServer } from '../support/ximss-server/server';
import { ageOf, body } from './load';

export type FarOrder =
  | {
      readonly do: 'start';
      readonly domain: string;
      readonly linkCount: number;
      readonly peerCount: number;
      readonly tls?: { key: string; cert: string };
      /** mutual contacts of each link among the peers */
      readonly contacts?: number;
    }
  | { readonly do: 'send'; readonly count: number; readonly from: number }
  | { readonly do: 'report' };
export type FarReport = {
  readonly port: number;
  readonly tlsPort: number | null;
  readonly httpPort: number;
  readonly arrived: number;
  readonly latencies: readonly number[];
  readonly bound: number;
};

let peers: Actor[] = [];
let links: string[] = [];
let ports = { port: 0, tlsPort: null as number | null, httpPort: 0 };
let arrived = 0;
let latencies: number[] = [];
let bound = (): number => 0;

async function obey(order: FarOrder): Promise<void> {
  switch (order.do) {
    case 'start': {
      const { domain, linkCount, peerCount, tls = null, contacts = 0 } = order;
      links = Array.from({ length: linkCount }, (_, i) => `u${i}@${domain}`);
      const names = Array.from({ length: peerCount }, (_, i) => `p${i}@${domain}`);
      const accounts = [...links, ...names].map((account) => ({ account, password: 'secret' }));
      const server = await startXimssServer({ domains: [domain], accounts, tls, logCount: 0 });
      ports = { port: server.tcpPort, tlsPort: server.tlsPort, httpPort: server.httpPort };
      bound = () => server.sessions().filter((one) => one.isBound && one.transport !== 'inside').length;
      peers = names.map((name) => server.client(name));
      for (const peer of peers) watch(peer);
      befriend(server, contacts);
      return;
    }
    case 'send':
      for (let n = order.from; n < order.from + order.count; n += 1) {
        peers[n % peers.length]?.sendIM(links[n % links.length] ?? '', body(n));
      }
      return;
    case 'report':
      return;
  }
}

/** Each link gets this many of the peers as mutual contacts; all peers are online. */
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
  if (contacts > 0) for (const peer of peers) peer.setPresence('online');
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
    const report: FarReport = { ...ports, arrived, latencies, bound: bound() };
    latencies = [];
    process.send?.(report);
  });
});
process.on('disconnect', () => process.exit(0));
