/**
 * The whole middle between two fake networks, as one process that can be killed and started again on the same store:
 * the real middle as bridge.ts wires it, the memory store, a clock that the test moves. No sockets, no wire.
 */
import type { AccessLists } from '../../src/core/access';
import type { Account, BareJid } from '../../src/core/address';
import type { Link } from '../../src/core/model';
import { makeBridge } from '../../src/bridge/bridge';
import type { Contacts, ContactsOptions } from '../../src/bridge/contacts/types';
import type { Log } from '../../src/bridge/ports';
import type { Leadership } from '../../src/bridge/processes/hand-over';
import { manualClock } from './clock';
import { fakeFar, type FakeFar } from './fakes/far';
import { FakeJabber, type Access, type FakeUser, type Kind } from './fakes/jabber';
import { makeMemoryScheduler } from './fakes/memory-scheduler';
import { makeMemoryStore, type MemoryStore } from './fakes/memory-store';
import { countingMeter, silentLog, type CountingMeter } from './silence';

export interface SceneOptions {
  readonly kind?: Kind;
  readonly access?: Access;
  readonly failsWriting?: boolean;
  /** Jabber users, each linked to the far account of the same name; juliet when left out */
  readonly names?: readonly string[];
  /** far accounts without a link; romeo and mercutio when left out */
  readonly others?: readonly string[];
  readonly origin?: Link['origin'];
  /** who may use the bridge, looked at with each start */
  readonly lists?: AccessLists;
  /** the accounts of the configuration at each start, instead of those of `names` */
  readonly configured?: () => readonly Omit<Link, 'origin'>[];
  readonly timing?: ContactsOptions['timing'];
  readonly log?: Log;
}

export interface Scene {
  readonly jabber: FakeJabber;
  readonly far: FakeFar;
  readonly store: MemoryStore;
  readonly clock: ReturnType<typeof manualClock>;
  readonly meter: CountingMeter;
  contacts(): Contacts;
  isLinked(name: string): boolean;
  user(name?: string): FakeUser;
  /** Kills the process: nothing is said, nothing finished. */
  kill(): void;
  /** Starts it (again) on what the store has. */
  start(): Promise<void>;
  /** Stops it as SIGTERM does. */
  stop(): Promise<void>;
  /** Stops it when another process has taken its leases. */
  loseLeases(): Promise<void>;
  /** Moves the time in steps until nothing happens any more, at least `ms`. */
  settle(ms?: number): Promise<void>;
}

export const jid = (name: string): BareJid => `${name}@jabber.test` as BareJid; // well formed by inspection
export const account = (name: string): Account => `${name}@far.test` as Account; // well formed by inspection

const done = (): Promise<void> => Promise.resolve();
const lostLeadership: Leadership = {
  lost: AbortSignal.abort(),
  takeStream: done,
  releaseShards: done,
  release: done,
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Builds the scene and starts the process. */
export async function makeScene(options: SceneOptions = {}): Promise<Scene> {
  const { kind = 'prosody', access = 'none', names = ['juliet'], others = ['romeo', 'mercutio'] } = options;
  const { origin = 'registered', log = silentLog } = options;
  const clock = manualClock();
  const meter = countingMeter();
  const jabber = new FakeJabber(kind);
  jabber.access = access;
  jabber.failsWriting = options.failsWriting ?? false;
  const far = fakeFar([...names, ...others].map(account));
  const first = makeMemoryStore({ clock });
  for (const name of names) await first.links.save({ user: jid(name), account: account(name), password: 'x', origin });
  let process: ReturnType<typeof launch> | null = null;
  let store = first;

  function launch() {
    store = first.sibling();
    let isDead = false;
    const lanes = mortal(store.lanes, () => isDead);
    const state = mortal(store.state, () => isDead);
    const scheduler = makeMemoryScheduler({ clock, concurrency: 8, isAway: () => !store.isUp() }); // dies with the process
    const [farPort, jabberPort] = [far.port(), jabber.port()];
    const bridge = makeBridge({
      settings: {
        homeDomain: 'far.test',
        access: options.lists ?? { allow: ['*'], deny: [], admins: [] },
        accounts:
          options.configured?.() ??
          (origin === 'configured'
            ? names.map((name) => ({ user: jid(name), account: account(name), password: 'x' }))
            : []),
        registration: { mayRegister: true, triesPerHour: 10, linksPerDomain: 1_000, isOwnDomain: () => true },
        language: 'en',
        provisioning: null,
        signupTimeoutMs: 1_000,
        messagesPerMinute: 1e6,
        hold: 0,
        delivery: { expireAfterMs: 86_400_000, unknownOutcome: 'retry', receipts: 'accepted' },
        timing: { pace: { gatherMs: 0 }, ...options.timing },
      },
      store: {
        lanes,
        links: mortal(store.links, () => isDead),
        provisioned: store.provisioned,
        attempts: store.attempts,
        audit: store.audit,
        sealing: store.sealing,
        state,
        scheduler,
        processes: { ...store.processes, others: () => Promise.resolve([]) },
        isUp: () => store.isUp(),
      },
      jabber: jabberPort,
      far: farPort,
      machineUptimeMs: () => 1e9,
      process: {
        version: '1',
        domain: 'ximss.test',
        logLevel: () => 'info',
        setLogLevel: () => undefined,
        reload: () => Promise.resolve({ changed: [], needRestart: [] }),
      },
      signup: () => Promise.reject(new Error('nobody is provisioned here')),
      clock,
      log,
      meter,
    });
    /** What the real scheduler does every few seconds. */
    const sweep = async (): Promise<void> => {
      if (!store.isUp()) return;
      for await (const keys of lanes.nonEmpty()) await scheduler.schedule(keys);
    };
    const die = (): void => {
      isDead = true;
      jabberPort.cut();
      farPort.cut();
      void scheduler.stop(AbortSignal.abort());
    };
    return { sweep, die, bridge };
  }

  const current = () => {
    if (!process) throw new Error('the process was killed');
    return process;
  };

  async function stopWith(leadership: Leadership | null): Promise<void> {
    const { bridge, die } = current();
    let isStopped = false;
    const stopped = bridge.stop(leadership).then(() => (isStopped = true));
    while (!isStopped) {
      await turn();
      clock.advance(50); // the intake waits in steps of the clock
    }
    await stopped;
    process = null;
    die();
    for (let i = 0; i < 20; i += 1) await turn();
  }

  const scene: Scene = {
    jabber,
    far,
    clock,
    meter,
    get store() {
      return store;
    },
    contacts: () => current().bridge.contacts,
    isLinked: (name) => current().bridge.links.isLinked(jid(name)),
    user: (name = 'juliet') => jabber.user(jid(name)),
    kill() {
      current().die();
      process = null;
    },
    async start() {
      process = launch();
      await process.bridge.start({ takeStream: () => Promise.resolve() });
      await scene.settle();
    },
    stop: () => stopWith(null),
    loseLeases: () => stopWith(lostLeadership),
    async settle(ms = 0) {
      const from = clock.now();
      let calm = 0;
      for (let i = 0; i < 400 && (calm < 4 || clock.now() - from < ms); i += 1) {
        const before = activity();
        await process?.sweep();
        for (let j = 0; j < 8; j += 1) await turn();
        clock.advance(ms > 20_000 ? 5_000 : 500);
        for (let j = 0; j < 8; j += 1) await turn();
        calm = activity() === before ? calm + 1 : 0;
      }
    },
  };
  const activity = (): string => {
    const asked = [...far.requests].filter(([name]) => name !== 'rosterList');
    return `${jabber.stanzas.length} ${asked.map(([, count]) => count).join()}`;
  };
  await scene.start();
  return scene;
}

/** A part of the store as one process has it: after its death nothing it says arrives. */
function mortal<T extends object>(part: T, isDead: () => boolean): T {
  return new Proxy(part, {
    get(target, name, receiver): unknown {
      const value: unknown = Reflect.get(target, name, receiver);
      if (typeof value !== 'function') return value;
      return isDead() ? () => new Promise(() => undefined) : value.bind(target);
    },
  });
}
