/** What is sent and when: stored before, confirmed after, never twice, never to who may not know. */
import { unavailable, contactStateOf, sharedPair } from '../../../src/bridge/state/user-state';
import { makeUserStates } from '../../../src/bridge/state/user-states';
import { makeGhosts } from '../../../src/bridge/presence/ghosts';
import type { FarPresence, Show } from '../../../src/core/model';
import { newPair } from '../../../src/core/contacts/pair';
import { Fault } from '../../../src/core/fault';
import { manualClock } from '../../support/clock';
import { account, jid, makeScene } from '../../support/middle-scene';
import { makeMemoryStore } from '../../support/fakes/memory-store';
import { countingMeter, silentLog } from '../../support/silence';
import { until } from '../../support/wait';

const romeo = account('romeo');
const user = jid('juliet');
const turns = async (count = 20): Promise<void> => {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
};
const far = (show: Show, more: Partial<FarPresence> = {}): FarPresence => ({
  kind: 'presence',
  show,
  status: null,
  avatarHash: null,
  ...more,
});

/** The ghosts alone: what is stored and sent, in order. */
async function makePresence(peers: readonly string[] = ['romeo'], log = silentLog) {
  const clock = manualClock();
  const store = makeMemoryStore({ clock });
  const meter = countingMeter();
  const events: string[] = [];
  const net = { isUp: true, proof: (): Promise<void> => Promise.resolve() };
  const state = {
    ...store.state,
    write: async (...args: Parameters<typeof store.state.write>) => {
      await store.state.write(...args);
      const words = [...args[2]].map(([field, text]) => `${text === null ? 'forget' : 'store'} ${field}`);
      events.push(...words);
    },
  };
  const userStates = makeUserStates({ state, clock, log: silentLog, meter });
  const userState = await userStates.load(user);
  for (const name of peers) contactStateOf(userState, account(name)).pair = sharedPair({ ...newPair, state: 'both' });
  const ghosts = makeGhosts({
    state,
    userStates,
    clock,
    log,
    meter,
    isLinked: () => true,
    languages: { of: () => 'en' },
    pace: { gatherMs: 0 },
    jabber: {
      isUp: () => net.isUp,
      sendNow: (_, peer, event) => {
        if (net.isUp) events.push(`send ${event.kind === 'presence' ? event.show : event.kind} ${peer}`);
        return net.isUp;
      },
      barrier: () => net.proof(),
    },
  });
  ghosts.onSession(userState, 'connecting', null);
  ghosts.onSession(userState, 'online', null);
  return { clock, store, meter, events, net, userState, ghosts };
}

describe('the publisher', () => {
  test('the progress of many presences is logged now and then, and its end', async () => {
    const lines: string[] = [];
    const info = (fields: object, message: string): void => void lines.push(`${message} ${JSON.stringify(fields)}`);
    const peers = Array.from({ length: 1_500 }, (_, i) => `p${i}`);
    const { ghosts, userState, clock, net } = await makePresence(peers, { ...silentLog, info });
    net.proof = () => Promise.resolve(clock.advance(1_000)); // windows stay small
    for (const peer of peers) ghosts.onFarPresence(userState, account(peer), far('online'));
    await until(() => lines.some((line) => line.startsWith('all presence is sent {"count":1500')));
    expect(lines.filter((line) => line.startsWith('presence is being sent'))).toHaveLength(2);
  });

  test('what is told is stored before, what is taken back is forgotten after', async () => {
    const { ghosts, userState, events } = await makePresence();
    ghosts.onFarPresence(userState, romeo, far('online'));
    await turns();
    ghosts.onFarPresence(userState, romeo, far('offline'));
    await turns();
    expect(events).toEqual([`store ${romeo}`, `send online ${romeo}`, `send offline ${romeo}`, `forget ${romeo}`]);
  });

  test('changes that take each other back before they are told are not told', async () => {
    const { ghosts, userState, events } = await makePresence();
    for (const show of ['online', 'away', 'dnd', 'online', 'away'] as const) {
      ghosts.onFarPresence(userState, romeo, far(show));
    }
    await turns();
    expect(events.filter((event) => event.startsWith('send'))).toEqual([`send away ${romeo}`]);
  });

  test('a store that is away does not keep the truth from users, and is caught up on', async () => {
    const { ghosts, userState, events, store, clock } = await makePresence();
    store.setAway(true);
    ghosts.onFarPresence(userState, romeo, far('online'));
    await turns();
    expect(events).toEqual([`send online ${romeo}`]);
    store.setAway(false);
    clock.advance(5_000);
    await turns();
    expect(events).toEqual([`send online ${romeo}`, `store ${romeo}`]);
  });

  test('what was not proved when the stream went is told again, the rest is not', async () => {
    const { ghosts, userState, events, net } = await makePresence(['romeo', 'mercutio']);
    ghosts.onFarPresence(userState, account('mercutio'), far('online'));
    await turns();
    let lose = (): void => undefined;
    net.proof = () => new Promise((_, reject) => (lose = () => reject(new Fault('unavailable'))));
    ghosts.onFarPresence(userState, romeo, far('online'));
    await turns();
    net.isUp = false;
    lose();
    await turns();
    events.length = 0;
    [net.isUp, net.proof] = [true, () => Promise.resolve()];
    ghosts.onStreamUp();
    await turns();
    expect(events).toEqual([`send online ${romeo}`]);
  });

  test('an avatar that is not mentioned has not changed; one taken away is', async () => {
    const { ghosts, userState } = await makePresence();
    const shown = () => userState.contacts.get(romeo)?.sentPresence;
    ghosts.onFarPresence(userState, romeo, far('online', { avatarHash: 'abc' }));
    await turns();
    ghosts.onFarPresence(userState, romeo, far('away'));
    await turns();
    expect(shown()).toMatchObject({ show: 'away', avatarHash: 'abc' });
    ghosts.onFarPresence(userState, romeo, far('away', { avatarHash: '' }));
    await turns();
    expect(shown()).toMatchObject({ show: 'away', avatarHash: '' });
  });

  test('presence that would overtake the approval waits for it', async () => {
    const { ghosts, userState, events } = await makePresence();
    ghosts.awaitSubscribed(userState, romeo);
    ghosts.onFarPresence(userState, romeo, far('online'));
    await turns();
    expect(events.filter((event) => event.startsWith('send'))).toEqual([]);
    ghosts.onSubscribedSent(userState, romeo);
    await turns();
    expect(events.filter((event) => event.startsWith('send'))).toEqual([`send online ${romeo}`]);
  });

  test('a long roster does not hold up the others, and no window is larger than its proof allows', async () => {
    const clock = manualClock();
    const store = makeMemoryStore({ clock });
    const meter = countingMeter();
    const userStates = makeUserStates({ state: store.state, clock, log: silentLog, meter });
    const told: string[] = [];
    const [inWindow, windows]: [number[], number[]] = [[0], []];
    const ghosts = makeGhosts({
      state: store.state,
      userStates,
      clock,
      log: silentLog,
      meter,
      isLinked: () => true,
      languages: { of: () => 'en' },
      pace: { gatherMs: 0, minCount: 50, maxCount: 400 },
      jabber: {
        isUp: () => true,
        sendNow: (who) => {
          told.push(who);
          inWindow[0] = (inWindow[0] ?? 0) + 1;
          return true;
        },
        barrier: () => {
          windows.push(inWindow[0] ?? 0);
          inWindow[0] = 0;
          return Promise.resolve();
        },
      },
    });
    const sizes: Record<string, number> = { long: 5_000, short: 3 };
    for (const [name, size] of Object.entries(sizes)) {
      const userState = await userStates.load(jid(name));
      ghosts.onSession(userState, 'online', null);
      for (let i = 0; i < size; i += 1) {
        const peer = account(`c${i}`);
        contactStateOf(userState, peer).pair = sharedPair({ ...newPair, state: 'both' });
        ghosts.onFarPresence(userState, peer, far('online'));
      }
    }
    await until(() => told.length === 5_003, { what: 'everybody told' });
    expect(told.lastIndexOf(jid('short'))).toBeLessThan(200);
    expect(Math.max(...windows)).toBeLessThanOrEqual(400);
    await ghosts.stop(AbortSignal.abort());
  });

  test('presences of strangers are bounded', async () => {
    const clock = manualClock();
    const store = makeMemoryStore({ clock });
    const meter = countingMeter();
    const userStates = makeUserStates({ state: store.state, clock, log: silentLog, meter });
    const userState = await userStates.load(user);
    const ghosts = makeGhosts({
      state: store.state,
      userStates,
      clock,
      log: silentLog,
      meter,
      isLinked: () => true,
      languages: { of: () => 'en' },
      contactsMax: 10,
      jabber: { isUp: () => true, sendNow: () => true, barrier: () => Promise.resolve() },
    });
    for (let i = 0; i < 50; i += 1) ghosts.onFarPresence(userState, account(`s${i}`), far('online'));
    expect(userState.contacts.size).toBe(10);
    expect(meter.total('faults_total')).toBe(40);
    for (let i = 0; i < 50; i += 1) ghosts.onFarPresence(userState, account(`s${i}`), far('offline'));
    expect(userState.contacts.size).toBe(0);
  });
});

test('what was shown to a user whose link is gone is taken back at the next start', async () => {
  const s = await makeScene();
  await s.store.state.write('shown', jid('nobody'), new Map([[romeo, '["online",null,null]']]));
  await s.store.state.write('shown', jid('juliet'), new Map([[romeo, 'damaged']]));
  s.kill();
  await s.start();
  await s.settle();
  expect(s.jabber.quiet().filter((one) => one.startsWith('offline'))).toEqual([`offline ${romeo}`, `offline ${romeo}`]);
  expect((await s.store.state.read('shown', jid('nobody'))).size).toBe(0);
  await s.stop();
});

test('presence that was told and taken back leaves nothing in memory', async () => {
  const { ghosts, userState } = await makePresence();
  const peer = account('passer-by');
  contactStateOf(userState, peer).pair = sharedPair({ ...newPair, state: 'both' });
  ghosts.onFarPresence(userState, peer, far('online'));
  await turns();
  const contact = contactStateOf(userState, peer);
  contact.pair = sharedPair(newPair);
  ghosts.hide(userState, peer);
  await turns();
  ghosts.onFarPresence(userState, peer, far('offline'));
  await turns();
  expect(userState.contacts.has(peer)).toBe(false);
  expect(unavailable.show).toBe('offline');
});
