/**
 * The scene of a chaos run: a real XMPP server, a Redis of its own, the XIMSS test server, the bridge as a process, a
 * proxy on each of its wires, Jabber users behind a second component, far users inside the XIMSS server. It knows how
 * to break each part and how to mend it.
 */
import { startProxy, type Proxy } from '../support/proxy';
import { connectComponent, type RawComponent } from '../support/xmpp/raw-component';
import { startRedis, type RedisServer, type XmppServer } from '../support/servers';
import { pause, until } from '../support/wait';
import { startXimssServer, type Actor, type XimssServer } from '../support/ximss-server/server';
import { makeSmallDisk, type SmallDisk } from '../support/small-disk';
import { makeTempDir, removeTempDir } from '../support/temp';
import { startBridges, type Bridges } from './bridges';
import { makeJumpingClock } from './jumping-clock';
import { MessageTracker } from './message-tracker';
import type { Way } from './windows';
import { startObserver } from './observer';

const farDomain = 'far.test';

export interface SceneOptions {
  readonly start: () => Promise<XmppServer>;
  readonly links: number;
  readonly peers: number;
  readonly appendfsync: 'always' | 'everysec';
  readonly binding: 'tcp' | 'http';
  /** of the bridge: one serves, the others stand by */
  readonly processes?: number;
  /** False: nobody watches Redis and the bridge's log, which costs at high rates; windows are then wider. */
  readonly isObserved?: boolean;
  /** Sees each line of the bridge's log. */
  readonly onLog?: (line: object) => void;
}

export interface Scene {
  readonly tracker: MessageTracker;
  readonly xmpp: XmppServer;
  readonly redis: RedisServer;
  readonly ximss: XimssServer;
  readonly bridge: Bridges;
  /** the XIMSS server as something that is ended and started */
  readonly farServer: { stop(): Promise<void>; kill9(): Promise<void>; start(): Promise<void> };
  /** what Redis writes to; null where this user may not make one */
  readonly disk: SmallDisk | null;
  readonly wires: { readonly xmpp: Proxy; readonly far: Proxy };
  /** False when the senders of this way are cut off now. */
  canSend(way: Way): boolean;
  /** Sends the next message of a lane. */
  send(way: Way, link: number, peer: number): void;
  /** The bridge's wall clock is off by so much from now on. */
  setClock(offsetMs: number): void;
  /** The answer to the next message to the far side is lost; resolves when that has happened, or no message came. */
  loseAnswer(name: string): Promise<void>;
  users(): RawComponent | null;
  /** Everything is up again and the sessions are bound. */
  settled(deadlineMs: number): Promise<void>;
  dispose(): Promise<void>;
}

/** Room for the append-only file between two rewrites. */
const diskBytes = 768 * 1024 * 1024;
/** The traffic has a message for the far side sooner than that. */
const nextMessageMs = 1_000;
/** What `bye` said is on its way before the server is gone. */
const byeMs = 200;

export async function startScene(options: SceneOptions): Promise<Scene> {
  const { start, links, peers, appendfsync, binding, processes = 1, isObserved = true } = options;
  const undo: (() => Promise<unknown>)[] = [];
  const keep = <T>(made: T, end: (made: T) => Promise<unknown>): T => {
    undo.push(() => end(made));
    return made;
  };
  const xmpp = keep(await start(), (one) => one.dispose());
  const disk = keep(await makeSmallDisk(diskBytes), async (one) => one?.dispose());
  const redis = keep(await startRedis({ appendfsync, ...(disk === null ? {} : { dir: disk.dir }) }), (one) =>
    one.dispose(),
  );
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
  const tracker = new MessageTracker({ binding, appendfsync, isHeld: xmpp.kind === 'ejabberd' });
  const observer = isObserved ? keep(startObserver(redis.port ?? 0, tracker), (one) => one.close()) : null;
  const actors = names('p', peers).map((name) => listen(ximss.client(name), tracker));
  const eachToJabber = (xml: string, tell: (text: string) => void): void => {
    for (const [text] of xml.matchAll(/toJabber u\d+-p\d+ \d+/g)) tell(text);
  };
  const dropSessions = (): void => ximss.held().forEach((xml) => eachToJabber(xml, (text) => tracker.dropped(text)));
  ximss.onDocument(({ dir, xml }) => {
    if (dir === 'out') eachToJabber(xml, (text) => tracker.pushed(text));
    else if (xml.startsWith('<sendIM') || xml.includes('<sendIM')) onSendIM?.(xml);
  });
  let onSendIM: ((xml: string) => void) | null = null;

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
          onText: (text) => read(text, tracker),
          deadlineMs: 2_000,
        }).catch(() => null);
      }
      await pause(100);
    }
  }

  const clockDir = keep(makeTempDir('clock'), (dir) => Promise.resolve(removeTempDir(dir)));
  const clock = makeJumpingClock(clockDir);
  const bridge = keep(
    await startBridges({
      count: processes,
      env: clock.env,
      onLog(line) {
        observer?.onLog(line);
        options.onLog?.(line);
      },
      xmpp: { ...xmpp, componentPort: wires.xmpp.port },
      ximss: { server: `${binding === 'http' ? 'http' : 'ximss'}://127.0.0.1:${wires.far.port}`, domain: farDomain },
      redis,
      config: {
        accounts: names('u', links).map((account, i) => ({
          jid: `u${i}@${xmpp.secondComponentDomain}`,
          account,
          password: 'secret',
        })),
        limits: { messagesPerMinute: 1_000_000, requestsPerMinute: 1_000_000 },
        ximss: { requestTimeoutSeconds: 5 },
        ...(isObserved ? {} : { log: { level: 'info' } }),
      },
    }),
    (one) => one.dispose(),
  );
  const counters = new Map<string, number>();
  let isFarDown = false;

  function send(way: Way, link: number, peer: number): void {
    const key = `${way} ${link} ${peer}`;
    const seq = (counters.get(key) ?? 0) + 1;
    counters.set(key, seq);
    const text = tracker.sent(way, link, peer, seq);
    try {
      if (way === 'toJabber') actors[peer]?.sendIM(`u${link}@${farDomain}`, text);
      else {
        users?.send(
          `<message type="chat" id="${text}" from="u${link}@${users.domain}/r" to="p${peer}@${xmpp.componentDomain}"><body>${text}</body></message>`,
        );
      }
    } catch {
      tracker.unsent(text); // it went away in this very moment
    }
  }

  async function loseAnswer(name: string): Promise<void> {
    const id = ximss.faults.add({ request: 'sendIM', action: 'dropAfter' });
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, nextMessageMs);
      onSendIM = (xml) => {
        clearTimeout(timer);
        tracker.faultBegins(name, 'far', Number(/toFar u(\d+)-/.exec(xml)?.[1] ?? -1))();
        resolve();
      };
    });
    onSendIM = null;
    ximss.faults.remove(id);
  }

  const bound = () => ximss.sessions().filter((one) => one.isBound && one.transport !== 'inside').length;
  return {
    tracker,
    xmpp,
    redis,
    ximss,
    bridge,
    wires,
    disk,
    send,
    loseAnswer,
    farServer: {
      async start() {
        await ximss.start();
        isFarDown = false;
      },
      // what it stored stays, what was in its sockets and sessions is gone: all that a kill of its process would do
      async kill9() {
        isFarDown = true;
        dropSessions();
        await ximss.stop();
      },
      async stop() {
        isFarDown = true;
        dropSessions();
        ximss.bye();
        await pause(byeMs);
        await ximss.stop();
      },
    },
    canSend: (way) => (way === 'toFar' ? users?.isOpen() === true : !isFarDown),
    setClock(offsetMs) {
      clock.set(offsetMs);
      bridge.signalAll('SIGUSR2');
    },
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
function listen(actor: Actor, tracker: MessageTracker): Actor {
  const { received } = actor;
  received.push = (...items) => {
    for (const { kind, text } of items) {
      if (kind !== 'im' || text === '') continue;
      const failed = /toJabber \S+ \d+/.exec(text)?.[0];
      // what was late says when it was written before its own words
      if (failed === undefined) tracker.arrived(/toFar \S+ \d+$/.exec(text)?.[0] ?? text, 'one');
      else tracker.bounced(failed);
    }
    return received.length;
  };
  return actor;
}

const attribute = (name: string, text: string): string =>
  new RegExp(`^<message[^>]*\\s${name}=["']([^"']*)`).exec(text)?.[1] ?? '';

function read(text: string, tracker: MessageTracker): void {
  if (!text.startsWith('<message')) return;
  if (attribute('type', text) === 'error') return tracker.bounced(attribute('id', text));
  const body = /<body>([^<]*)<\/body>/.exec(text)?.[1];
  if (body !== undefined) tracker.arrived(body, attribute('id', text));
}
