/** What is told and when: stored before, proved after, never twice, never to who may not know; own presence folded. */
import { unavailable, contactStateOf, sharedPair, type UserState } from '../../../src/bridge/state/user-state';
import { makeUserStates } from '../../../src/bridge/state/user-states';
import { makeGhosts } from '../../../src/bridge/presence/ghosts';
import { makeUsers } from '../../../src/bridge/presence/users';
import { GATEWAY, type FarPresence, type ResourcePresence, type Show } from '../../../src/core/model';
import { newPair } from '../../../src/core/pair';
import { Fault } from '../../../src/core/fault';
import { manualClock } from '../../support/clock';
import { account, jid, makeScene } from '../../support/fakes-people';
import { makeMemoryStore } from '../../support/memory-store';
import { countingMeter, silentLog } from '../../support/silence';
import { until } from '../../support/wait';

const romeo = account('romeo');
const user = jid('juliet');
const turns = async (count = 20): Promise<void> => {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
};
const far = (show: Show, more: Partial<FarPresence> = {}): FarPresence => ({
  ...{ kind: 'presence', show, status: null, avatarHash: null },
  ...more,
});

/** Announce alone: what it stores and tells, in order. */
async function teller(peers: readonly string[] = ['romeo'], log = silentLog) {
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
  const announce = makeGhosts({
    ...{ state, userStates, clock, log, meter, isLinked: () => true, pace: { gatherMs: 0 } },
    jabber: {
      isUp: () => net.isUp,
      sendNow: (_, peer, event) => {
        if (net.isUp) events.push(`tell ${event.kind === 'presence' ? event.show : event.kind} ${peer}`);
        return net.isUp;
      },
      barrier: () => net.proof(),
    },
  });
  announce.onSession(userState, 'connecting');
  announce.onSession(userState, 'online');
  return { clock, store, meter, events, net, userState, announce };
}

describe('telling', () => {
  test('the progress of a storm is logged now and then, and its end', async () => {
    const lines: string[] = [];
    const info = (fields: object, message: string): void => void lines.push(`${message} ${JSON.stringify(fields)}`);
    const peers = Array.from({ length: 1_500 }, (_, i) => `p${i}`);
    const { announce, userState, clock, net } = await teller(peers, { ...silentLog, info });
    net.proof = () => Promise.resolve(clock.advance(1_000)); // windows stay small
    for (const peer of peers) announce.onFarPresence(userState, account(peer), far('online'));
    await until(() => lines.some((line) => line.startsWith('all presence is sent {"count":1500')));
    expect(lines.filter((line) => line.startsWith('presence is being sent'))).toHaveLength(2);
  });

  test('what is told is stored before, what is taken back is forgotten after', async () => {
    const { announce, userState, events } = await teller();
    announce.onFarPresence(userState, romeo, far('online'));
    await turns();
    announce.onFarPresence(userState, romeo, far('offline'));
    await turns();
    expect(events).toEqual([`store ${romeo}`, `tell online ${romeo}`, `tell offline ${romeo}`, `forget ${romeo}`]);
  });

  test('changes that take each other back before they are told are not told', async () => {
    const { announce, userState, events } = await teller();
    for (const show of ['online', 'away', 'dnd', 'online', 'away'] as const) {
      announce.onFarPresence(userState, romeo, far(show));
    }
    await turns();
    expect(events.filter((event) => event.startsWith('tell'))).toEqual([`tell away ${romeo}`]);
  });

  test('a store that is away does not keep the truth from users, and is caught up on', async () => {
    const { announce, userState, events, store, clock } = await teller();
    store.setAway(true);
    announce.onFarPresence(userState, romeo, far('online'));
    await turns();
    expect(events).toEqual([`tell online ${romeo}`]);
    store.setAway(false);
    clock.advance(5_000);
    await turns();
    expect(events).toEqual([`tell online ${romeo}`, `store ${romeo}`]);
  });

  test('what was not proved when the stream went is told again, the rest is not', async () => {
    const { announce, userState, events, net } = await teller(['romeo', 'mercutio']);
    announce.onFarPresence(userState, account('mercutio'), far('online'));
    await turns();
    let lose = (): void => undefined;
    net.proof = () => new Promise((_, reject) => (lose = () => reject(new Fault('unavailable'))));
    announce.onFarPresence(userState, romeo, far('online'));
    await turns();
    net.isUp = false;
    lose();
    await turns();
    events.length = 0;
    [net.isUp, net.proof] = [true, () => Promise.resolve()];
    announce.onStreamUp();
    await turns();
    expect(events).toEqual([`tell online ${romeo}`]);
  });

  test('an avatar that is not mentioned has not changed; one taken away is', async () => {
    const { announce, userState } = await teller();
    const shown = () => userState.contacts.get(romeo)?.sentPresence;
    announce.onFarPresence(userState, romeo, far('online', { avatarHash: 'abc' }));
    await turns();
    announce.onFarPresence(userState, romeo, far('away'));
    await turns();
    expect(shown()).toMatchObject({ show: 'away', avatarHash: 'abc' });
    announce.onFarPresence(userState, romeo, far('away', { avatarHash: '' }));
    await turns();
    expect(shown()).toMatchObject({ show: 'away', avatarHash: '' });
  });

  test('presence that would overtake the approval waits for it', async () => {
    const { announce, userState, events } = await teller();
    announce.awaitSubscribed(userState, romeo);
    announce.onFarPresence(userState, romeo, far('online'));
    await turns();
    expect(events.filter((event) => event.startsWith('tell'))).toEqual([]);
    announce.onSubscribedSent(userState, romeo);
    await turns();
    expect(events.filter((event) => event.startsWith('tell'))).toEqual([`tell online ${romeo}`]);
  });

  test('a long roster does not hold up the others, and no window is larger than its proof allows', async () => {
    const clock = manualClock();
    const store = makeMemoryStore({ clock });
    const meter = countingMeter();
    const userStates = makeUserStates({ state: store.state, clock, log: silentLog, meter });
    const told: string[] = [];
    const [inWindow, windows]: [number[], number[]] = [[0], []];
    const announce = makeGhosts({
      ...{ state: store.state, userStates, clock, log: silentLog, meter, isLinked: () => true },
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
      announce.onSession(userState, 'online');
      for (let i = 0; i < size; i += 1) {
        const peer = account(`c${i}`);
        contactStateOf(userState, peer).pair = sharedPair({ ...newPair, state: 'both' });
        announce.onFarPresence(userState, peer, far('online'));
      }
    }
    await until(() => told.length === 5_003, { what: 'everybody told' });
    expect(told.lastIndexOf(jid('short'))).toBeLessThan(200);
    expect(Math.max(...windows)).toBeLessThanOrEqual(400);
    await announce.stop(AbortSignal.abort());
  });

  test('presences of strangers are bounded', async () => {
    const clock = manualClock();
    const store = makeMemoryStore({ clock });
    const meter = countingMeter();
    const userStates = makeUserStates({ state: store.state, clock, log: silentLog, meter });
    const userState = await userStates.load(user);
    const announce = makeGhosts({
      ...{ state: store.state, userStates, clock, log: silentLog, meter, isLinked: () => true, contactsMax: 10 },
      jabber: { isUp: () => true, sendNow: () => true, barrier: () => Promise.resolve() },
    });
    for (let i = 0; i < 50; i += 1) announce.onFarPresence(userState, account(`s${i}`), far('online'));
    expect(userState.contacts.size).toBe(10);
    expect(meter.total('faults_total')).toBe(40);
    for (let i = 0; i < 50; i += 1) announce.onFarPresence(userState, account(`s${i}`), far('offline'));
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

describe('own presence', () => {
  async function appearance() {
    const clock = manualClock();
    const meter = countingMeter();
    const store = makeMemoryStore({ clock });
    const userStates = makeUserStates({ state: store.state, clock, log: silentLog, meter });
    const userState: UserState = await userStates.load(user);
    userState.hasFarSession = true;
    contactStateOf(userState, GATEWAY).pair = sharedPair({ ...newPair, state: 'both' });
    const told: string[] = [];
    const wire = { answer: (): Promise<void> => Promise.resolve() };
    const appear = makeUsers({
      ...{ userStates, clock, log: silentLog, meter },
      jabber: { isUp: () => true, probe: () => true },
      far: {
        setPresence: (_, { show, status }) => {
          told.push(`${show}${status ? ` ${status}` : ''}`);
          return wire.answer();
        },
      },
    });
    const say = (show: Show, more: Partial<ResourcePresence> = {}, peer = GATEWAY): void =>
      appear.onResource(userState, peer, {
        ...{ kind: 'resource', resource: 'home', show, status: null, priority: 0 },
        ...more,
      });
    return { clock, userState, appear, say, told, wire };
  }

  test('a broadcast that reaches every ghost is told once', async () => {
    const { say, told } = await appearance();
    for (let i = 0; i < 200; i += 1) say('away', {}, account(`c${i}`));
    say('away');
    await turns();
    expect(told).toEqual(['away']);
  });

  test('what the gateway hears counts more than what one ghost is shown', async () => {
    const { say, told } = await appearance();
    say('online');
    await turns();
    say('offline', {}, romeo); // blocked, or only for him
    await turns();
    expect(told).toEqual(['online']);
    say('offline');
    await turns();
    expect(told).toEqual(['online', 'offline']);
  });

  test('what the gateway hears without a subscription counts no more than the rest: its end is not told', async () => {
    const { say, told, userState } = await appearance();
    contactStateOf(userState, GATEWAY).pair = sharedPair(newPair);
    say('online');
    say('offline', {}, romeo);
    await turns();
    expect(told).toEqual(['offline']);
  });

  test('without the gateway the ghosts are believed', async () => {
    const { say, told } = await appearance();
    say('dnd', { status: 'busy' }, romeo);
    await turns();
    say('offline', {}, romeo);
    await turns();
    expect(told).toEqual(['dnd busy', 'offline']);
  });

  test('several resources are one presence; the silent one with a negative priority is none', async () => {
    const { say, told } = await appearance();
    say('away', { resource: 'phone', priority: 5 });
    say('online', { resource: 'operator', priority: 5 });
    say('chat', { resource: 'bot', priority: -1 });
    await turns();
    expect(told).toEqual(['online']);
    say('offline', { resource: 'operator' });
    await turns();
    expect(told).toEqual(['online', 'away']);
  });

  test('while the far side is slow only the last state is told', async () => {
    const { say, told, wire } = await appearance();
    let go = (): void => undefined;
    wire.answer = () => new Promise((resolve) => (go = resolve));
    say('online');
    await turns();
    for (const show of ['away', 'dnd', 'away', 'xa'] as const) say(show);
    await turns();
    go();
    await turns();
    expect(told).toEqual(['online', 'xa']);
    go();
  });

  test('an unavailable from the bare address is the answer to a subscribe, not news', async () => {
    const { say, told } = await appearance();
    say('online');
    await turns();
    say('offline', { resource: '' });
    await turns();
    expect(told).toEqual(['online']);
  });

  test('a new session is told everything, and a lost one nothing', async () => {
    const { say, told, userState, appear } = await appearance();
    say('away');
    await turns();
    userState.hasFarSession = false;
    say('dnd');
    await turns();
    userState.hasFarSession = true;
    appear.onFarSession(userState);
    await turns();
    expect(told).toEqual(['away', 'dnd']);
    appear.onFarSession(userState);
    await turns();
    expect(told).toEqual(['away', 'dnd', 'dnd']);
  });

  test('resources that never say goodbye do not pile up', async () => {
    const { say, userState } = await appearance();
    for (let i = 0; i < 5_000; i += 1) say('online', { resource: `r${i}` });
    expect(userState.resources.size).toBeLessThanOrEqual(32);
    expect(userState.heardByGateway?.size).toBeLessThanOrEqual(34);
  });

  test('a stream that stays away for long: nobody is known to be there', async () => {
    const { say, told, appear, clock } = await appearance();
    say('online');
    await turns();
    appear.onStream('down');
    clock.advance(89_000);
    await turns();
    expect(told).toEqual(['online']);
    clock.advance(1_000);
    await turns();
    expect(told).toEqual(['online', 'offline']);
  });
});

test('presence that was told and taken back leaves nothing in memory', async () => {
  const { announce, userState } = await teller();
  const peer = account('passer-by');
  contactStateOf(userState, peer).pair = sharedPair({ ...newPair, state: 'both' });
  announce.onFarPresence(userState, peer, far('online'));
  await turns();
  const contact = contactStateOf(userState, peer);
  contact.pair = sharedPair(newPair);
  announce.hide(userState, peer);
  await turns();
  announce.onFarPresence(userState, peer, far('offline'));
  await turns();
  expect(userState.contacts.has(peer)).toBe(false);
  expect(unavailable.show).toBe('offline');
});
