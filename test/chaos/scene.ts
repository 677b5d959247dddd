/**
 * The scene of a chaos run: a real XMPP server, a Redis of its own, the XIMSS test server, the bridge as a process, a
 * proxy on each of its wires, Jabber users behind a second component, far users inside the XIMSS server. It knows how
 * to break each part and how to mend it.
 */
import { startBridge, type BridgeProcess } from '../support/bridge-process';
import { startProxy, type Proxy } from '../support/proxy';
import { connectComponent, type RawComponent } from '../support/raw-component';
import { startRedis, type RedisServer, type XmppServer } from '../support/servers';
import { pause, until } from '../support/wait';
import { startXimssServer, type Actor, type XimssServer } from '../support/ximss-server/server';
import { Ledger, type Way } from './ledger';

const farDomain = 'far.test';

export interface SceneOptions {
  readonly start: () => Promise<XmppServer>;
  readonly links: number;
  readonly peers: number;
  readonly appendfsync: 'always' | 'everysec';
  readonly binding: 'tcp' | 'http';
}

export interface Scene {
  readonly ledger: Ledger;
  readonly xmpp: XmppServer;
  readonly redis: RedisServer;
  readonly ximss: XimssServer;
  readonly bridge: BridgeProcess;
  readonly wires: { readonly xmpp: Proxy; readonly far: Proxy };
  /** Sends the next message of a lane; false when the sender itself is cut off now. */
  send(way: Way, link: number, peer: number): boolean;
  users(): RawComponent | null;
  /** Everything is up again and the sessions are bound. */
  settled(deadlineMs: number): Promise<void>;
  dispose(): Promise<void>;
}

export async function startScene({ start, links, peers, appendfsync, binding }: SceneOptions): Promise<Scene> {
  const undo: (() => Promise<unknown>)[] = [];
  const keep = <T>(made: T, end: (made: T) => Promise<unknown>): T => {
    undo.push(() => end(made));
    return made;
  };
  const xmpp = keep(await start(), (one) => one.dispose());
  const redis = keep(await startRedis({ appendfsync }), (one) => one.dispose());
  const names = (prefix: string, count: number) =>
    Array.from({ length: count }, (_, i) => `${prefix}${i}@${farDomain}`);
  const accounts = [...names('u', links), ...names('p', peers)].map((account) => ({ account, password: 'secret' }));
  const ximss = keep(
    await startXimssServer({ domains: [farDomain], accounts, logCount: 0, maxOfflineCount: 100_000 }),
    (one) => one.stop(),
  );
  const wires = {
    xmpp: keep(await startProxy({ port: xmpp.componentPort }), (one) => one.close()),
    far: keep(await startProxy({ port: binding === 'http' ? ximss.httpPort : ximss.tcpPort }), (one) => one.close()),
  };
  const ledger = new Ledger();
  const actors = names('p', peers).map((name) => listen(ximss.client(name), ledger));
  ximss.onDocument(({ dir, xml }) => {
    if (dir === 'out' && xml.startsWith('<readIM')) ledger.pushed(/toJabber \S+ \d+/.exec(xml)?.[0] ?? '');
  });

  let users: RawComponent | null = null;
  let isOver = false;
  const connecting = keepConnected();
  undo.push(async () => {
    isOver = true;
    users?.kill();
    await connecting;
  });
  async function keepConnected(): Promise<void> {
    while (!isOver) {
      if (users?.isOpen() !== true) {
        users = await connectComponent({
          server: xmpp,
          domain: xmpp.secondComponentDomain,
          onText: (text) => read(text, ledger),
          deadlineMs: 2_000,
        }).catch(() => null);
      }
      await pause(100);
    }
  }

  const bridge = keep(
    await startBridge({
      xmpp: { ...xmpp, componentPort: wires.xmpp.port },
      ximss: { server: `${binding === 'http' ? 'http' : 'ximss'}://127.0.0.1:${wires.far.port}`, domain: farDomain },
      redis,
      config: {
        accounts: names('u', links).map((account, i) => ({
          jid: `u${i}@${xmpp.secondComponentDomain}`,
          account,
          password: 'secret',
        })),
        limits: { messagesPerMinute: 1_000_000 },
        ximss: { requestTimeoutSeconds: 5 },
      },
    }),
    (one) => one.dispose(),
  );
  const counters = new Map<string, number>();

  function send(way: Way, link: number, peer: number): boolean {
    const lane = `u${link}-p${peer}`;
    const key = `${way} ${lane}`;
    const seq = (counters.get(key) ?? 0) + 1;
    if (way === 'toFar') {
      if (users?.isOpen() !== true) return false;
      const text = ledger.sent(way, lane, seq);
      users.send(
        `<message type="chat" id="${text}" from="u${link}@${users.domain}/r" to="p${peer}@${xmpp.componentDomain}"><body>${text}</body></message>`,
      );
    } else {
      const text = `${way} ${lane} ${seq}`;
      try {
        actors[peer]?.sendIM(`u${link}@${farDomain}`, text);
      } catch {
        return false; // the far server is down: nobody can write there
      }
      ledger.sent(way, lane, seq);
    }
    counters.set(key, seq);
    return true;
  }

  const bound = () => ximss.sessions().filter((one) => one.isBound && one.transport !== 'inside').length;
  return {
    ...{ ledger, xmpp, redis, ximss, bridge, wires, send },
    users: () => users,
    settled: (deadlineMs) =>
      until(() => bound() >= links && users?.isOpen() === true, {
        deadlineMs,
        everyMs: 50,
        what: () => `${links} sessions, there are ${bound()}`,
      }).then(() => undefined),
    async dispose() {
      for (const step of undo.reverse()) await step();
    },
  };
}

/** Far users count what arrives and what is reported to them; their own lists would grow. */
function listen(actor: Actor, ledger: Ledger): Actor {
  const { received } = actor;
  received.push = (...items) => {
    for (const { kind, text } of items) {
      if (kind !== 'im' || text === '') continue;
      const failed = /toJabber \S+ \d+/.exec(text)?.[0];
      if (failed === undefined) ledger.arrived(text, 'one');
      else ledger.bounced(failed);
    }
    return received.length;
  };
  return actor;
}

const attribute = (name: string, text: string): string =>
  new RegExp(`^<message[^>]*\\s${name}=["']([^"']*)`).exec(text)?.[1] ?? '';

function read(text: string, ledger: Ledger): void {
  if (!text.startsWith('<message')) return;
  if (attribute('type', text) === 'error') return ledger.bounced(attribute('id', text));
  const body = /<body>([^<]*)<\/body>/.exec(text)?.[1];
  if (body !== undefined) ledger.arrived(body, attribute('id', text));
}
