/** What the live tests of contacts say and look at: far users, the four stores, stanzas of a ghost. */
import type { JabberClient } from '../../support/xmpp/jabber-client';
import { startRig, type Rig } from '../../support/rig';
import { startRedis, xmppServers, type RedisServer } from '../../support/servers';
import { until } from '../../support/wait';
import { xml, type Element } from '../../support/xmpp/xml';
import type { Actor } from '../../support/ximss-server/server';
import { stateKey } from '../../support/store-keys';

/** juliet's account on the far side */
export const me = 'juliet@far.test';

export interface Stores {
  /** the user's server: subscription, and `ask` while a request is open; `-` when not on the roster */
  readonly server: string;
  /** what the bridge remembers, from the ghost's side */
  readonly bridge: string;
  readonly far: string;
  readonly contact: string;
}

export interface World {
  readonly rig: Rig;
  readonly redis: RedisServer;
  /** the user's client now */
  readonly juliet: JabberClient;
}

/** Both servers, with and without the right to read and write rosters (XEP-0356); the two bindings are shared out evenly. */
export const contactServers = (first: 'tcp' | 'http') => {
  const second = first === 'tcp' ? 'http' : 'tcp';
  return xmppServers.flatMap(
    ([kind, start]) =>
      [
        [`${kind} with roster rights`, kind, start, true, kind === 'prosody' ? first : second],
        [`${kind} without roster rights`, kind, start, false, kind === 'prosody' ? second : first],
      ] as const,
  );
};

/** Everything that runs, the user logged in, their far session bound; short leases and comparisons. */
export async function startWorld(
  start: Parameters<typeof startRig>[0]['start'],
  privileges: boolean,
  binding: 'tcp' | 'http',
): Promise<World & { dispose(): Promise<void> }> {
  const redis = await startRedis();
  const rig = await startRig({
    start,
    binding,
    xmpp: { privileges },
    bridge: { redis: { url: redis.url } },
    config: { presence: { leaseSeconds: 2, settleSeconds: 2 }, roster: { compareSeconds: 2 } },
  }).catch(async (reason: unknown) => {
    await redis.dispose();
    throw reason;
  });
  const juliet = await rig.juliet.login({ resource: 'balcony' });
  const dispose = async (): Promise<void> => {
    await rig.dispose();
    await redis.dispose();
  };
  return { rig, redis, juliet, dispose };
}

/** Before the tests of this block everything is started and `given`, with the far session bound; after them it is stopped. */
export function startContacts(how: Parameters<typeof startWorld>, given: (world: World) => void) {
  let world: Awaited<ReturnType<typeof startWorld>>;
  let client: JabberClient;
  const scene = makeContactsScene(() => ({ ...world, juliet: client }));
  beforeAll(async () => {
    world = await startWorld(...how);
    client = world.juliet;
    given(world);
    await scene.online();
  }, 60_000);
  afterAll(() => world?.dispose());
  return { ...scene, use: (next: JabberClient): void => void (client = next) };
}

/** `world` is asked at each use: it is made before the tests, and a client may be replaced. */
export function makeContactsScene(world: () => World) {
  const actors = new Map<string, Actor>();

  /** A far user of this name, made when there is none; the bridge knows nothing of them yet. */
  function actor(name: string): Actor {
    const known = actors.get(name);
    if (known) return known;
    const { rig } = world();
    rig.ximss.addAccount(`${name}@far.test`, 'x');
    const made = rig.ximss.client(`${name}@far.test`);
    actors.set(name, made);
    return made;
  }

  const ghost = (name: string): string => `${name}@${world().rig.xmpp.componentDomain}`;

  const online = () =>
    until(
      () =>
        world()
          .rig.ximss.sessions()
          .some((one) => one.account === me && one.isBound),
      {
        deadlineMs: 15_000,
        what: 'the far session',
      },
    );

  /** All four, of each name, in one look. */
  async function allStores(names: readonly string[]): Promise<Stores[]> {
    const { rig, redis } = world();
    const entries = new Map((await rig.xmpp.roster('juliet')).map((entry) => [entry.jid, entry]));
    const lines = (await redis.cli('HGETALL', stateKey('pairs', rig.juliet.bare))).split('\n');
    const pairs = new Map(lines.flatMap((line, i) => (i % 2 === 0 ? [[line.trim(), lines[i + 1] ?? '']] : [])));
    return names.map((name) => {
      const entry = entries.get(ghost(name));
      const item = rig.ximss.account(me).roster.get(`${name}@far.test`);
      const mirror = rig.ximss.account(`${name}@far.test`).roster.get(me);
      return {
        server: entry ? `${entry.subscription}${entry.isAsking ? ' ask' : ''}` : '-',
        bridge: pairs.get(`${name}@far.test`)?.trim().replace(/"/g, '') ?? 'none',
        far: item ? `${item.subscription}${item.isAsking ? ' ask' : ''}` : '-',
        contact: mirror ? `${mirror.subscription}${mirror.isAsking ? ' ask' : ''}` : '-',
      };
    });
  }

  async function stores(name: string): Promise<Stores> {
    const [one] = await allStores([name]);
    if (one === undefined) throw new Error('a name has one answer');
    return one;
  }

  async function settlesOn(name: string, wanted: Partial<Stores>): Promise<void> {
    let last: Stores | null = null;
    await until(
      async () => {
        last = await stores(name);
        expect(last).toMatchObject(wanted);
        return true;
      },
      {
        deadlineMs: 8_000,
        everyMs: 100,
        what: () => `${name} to be ${JSON.stringify(wanted)}, not ${JSON.stringify(last)}`,
      },
    );
  }

  /** Until both rosters were compared once, a contact missing from one of them may as well be new on the other. */
  const isSynced = (name: string): Promise<unknown> =>
    until(
      async () => {
        const { rig, redis } = world();
        return (await redis.cli('HGET', stateKey('synced', rig.juliet.bare), `${name}@far.test`)).trim();
      },
      { what: `${name} to be compared` },
    );

  /** Until the server has noticed that the component is gone: what it wrote before is lost without a word. */
  const isDown = () =>
    until(async () => {
      const { rig, juliet } = world();
      const version = xml('query', { xmlns: 'jabber:iq:version' });
      return (await juliet.iq('get', version, rig.xmpp.componentDomain, 500)).attrs['type'] === 'error';
    });

  const from = (name: string, type: string | undefined) => (stanza: Element) =>
    stanza.name === 'presence' && stanza.attrs['from']?.split('/')[0] === ghost(name) && stanza.attrs['type'] === type;
  const say = (name: string, type: string): void => world().juliet.presence({ to: ghost(name), type });
  const asks = (name: string) =>
    actor(name).waitFor((item) => item.kind === 'verb' && item.type === 'subscribe' && item.peer === me);

  /** Changes the user's server roster as their client does. */
  const rosterSet = (name: string, attrs: object, ...groups: string[]): Promise<Element> => {
    const item = xml('item', { jid: ghost(name), ...attrs }, ...groups.map((group) => xml('group', {}, group)));
    return world().juliet.iq('set', xml('query', { xmlns: 'jabber:iq:roster' }, item));
  };
  const remove = (name: string): Promise<Element> => rosterSet(name, { subscription: 'remove' });

  /** Friends both ways, asked by both. */
  async function friends(name: string): Promise<void> {
    const { juliet } = world();
    actor(name).setPresence('online');
    say(name, 'subscribe');
    await asks(name);
    actor(name).subscribed(me);
    await juliet.waitFor(from(name, 'subscribed'));
    await juliet.waitFor(from(name, undefined));
    actor(name).subscribe(me);
    await juliet.waitFor(from(name, 'subscribe'));
    say(name, 'subscribed');
    await settlesOn(name, { server: 'both', bridge: 'both', far: 'both', contact: 'both' });
  }

  let words = 0;
  /**
   * Compares the rosters so often, as an operator can, waits until no lane holds anything, and lets a word come from the
   * far side: what either side had to say before that is said. The regular comparisons leave out who is at rest.
   */
  async function compared(times = 2): Promise<void> {
    const { rig, juliet } = world();
    const compareNow = async (): Promise<boolean> => {
      const answer = await fetch(`http://127.0.0.1:${rig.bridge.httpPort}/api/rosters/compare`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ user: juliet.bare }),
      }).catch(() => null);
      await answer?.text();
      return answer?.ok === true;
    };
    for (let i = 0; i < times; i += 1) {
      await until(compareNow, { deadlineMs: 30_000, everyMs: 100, what: 'a comparison' });
    }
    const isEmpty = async (): Promise<boolean> => {
      const page = await fetch(`http://127.0.0.1:${rig.bridge.httpPort}/api/lanes`).catch(() => null);
      const body: unknown = await page?.json();
      return typeof body === 'object' && body !== null && JSON.stringify(body).includes('"entries":[]');
    };
    await until(isEmpty, { deadlineMs: 30_000, everyMs: 50, what: 'the lanes to be empty' });
    words += 1;
    actor('stranger').sendIM(me, `word ${words}`);
    await juliet.take((stanza) => stanza.text('body') === `word ${words}`, 30_000, 'a word from the far side');
    await juliet.barrier();
  }

  /** Until two comparisons have gone by in which the user's client heard nothing. */
  async function settled(): Promise<void> {
    const said = () => world().juliet.stanzas.length;
    for (let seen = -1, deadline = Date.now() + 60_000; said() !== seen;) {
      if (Date.now() > deadline) throw new Error('it does not come to rest');
      seen = said();
      await compared();
    }
  }

  return {
    actor,
    ghost,
    online,
    compared,
    settled,
    allStores,
    stores,
    settlesOn,
    isSynced,
    isDown,
    from,
    say,
    asks,
    rosterSet,
    remove,
    friends,
  };
}
