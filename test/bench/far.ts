/**
 * The far side of a benchmark, in a process of its own: the XIMSS test server without a wire log, its far users
 * played inside. Driven over IPC; see FarOrder.
 */
import { startXimssServer, type Actor } from '../support/ximss-server/server';
import { ageOf, body } from './load';

export type FarOrder =
  | {
      readonly do: 'start';
      readonly domain: string;
      readonly linkCount: number;
      readonly peerCount: number;
      readonly tls?: { key: string; cert: string };
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
      const { domain, linkCount, peerCount, tls = null } = order;
      links = Array.from({ length: linkCount }, (_, i) => `u${i}@${domain}`);
      const names = Array.from({ length: peerCount }, (_, i) => `p${i}@${domain}`);
      const accounts = [...links, ...names].map((account) => ({ account, password: 'secret' }));
      const server = await startXimssServer({ domains: [domain], accounts, tls, logCount: 0 });
      ports = { port: server.tcpPort, tlsPort: server.tlsPort, httpPort: server.httpPort };
      bound = () => server.sessions().filter((one) => one.isBound && one.transport !== 'inside').length;
      peers = names.map((name) => server.client(name));
      for (const peer of peers) watch(peer);
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
