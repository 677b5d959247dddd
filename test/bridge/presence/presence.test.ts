/** What is told and when: stored before, proved after, never twice, never to who may not know; own presence folded. */
import { away, buddyOf, compactPair, makeCircles, type Circle } from '../../../src/bridge/state/user-state';
import { makeAnnounce } from '../../../src/bridge/presence/ghosts';
import { makeAppear } from '../../../src/bridge/presence/users';
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
  const circles = makeCircles({ state, clock, log: silentLog, meter });
  const circle = await circles.load(user);
  for (const name of peers) buddyOf(circle, account(name)).pair = compactPair({ ...newPair, state: 'both' });
  const announce = makeAnnounce({
    ...{ state, circles, clock, log, meter, isLinked: () => true, pace: { gatherMs: 0 } },
    jabber: {
      isUp: () => net.isUp,
      sendNow: (_, peer, event) => {
        if (net.isUp) events.push(`tell ${event.kind === 'presence' ? event.show : event.kind} ${peer}`);
        return net.isUp;
      },
      barrier: () => net.proof(),
    },
  });
  announce.session(circle, 'connecting');
  announce.session(circle, 'online');
  return { clock, store, meter, events, net, circle, announce };
}

describe('telling', () => {
  test('the progress of a storm is logged now and then, and its end', async () => {
    const lines: string[] = [];
    const info = (fields: object, message: string): void => void lines.push(`${message} ${JSON.stringify(fields)}`);
    const peers = Array.from({ length: 1_500 }, (_, i) => `p${i}`);
    const { announce, circle, clock, net } = await teller(peers, { ...silentLog, info });
    net.proof = () => Promise.resolve(clock.advance(1_000)); // windows stay small
    for (const peer of peers) announce.farPresence(circle, account(peer), far('online'));
    await until(() => lines.some((line) => line.startsWith('all presence is told {"count":1500')));
    expect(lines.filter((line) => line.startsWith('presence is being told'))).toHaveLength(2);
  });

  test('what is told is stored before, what is taken back is forgotten after', async () => {
    const { announce, circle, events } = await teller();
    announce.farPresence(circle, romeo, far('online'));
    await turns();
    announce.farPresence(circle, romeo, far('offline'));
    await turns();
    expect(events).toEqual([`store ${romeo}`, `tell online ${romeo}`, `tell offline ${romeo}`, `forget ${romeo}`]);
  });

  test('changes that take each other back before they are told are not told', async () => {
    const { announce, circle, events } = await teller();
    for (const show of ['online', 'away', 'dnd', 'online', 'away'] as const) {
      announce.farPresence(circle, romeo, far(show));
    }
    await turns();
    expect(events.filter((event) => event.startsWith('tell'))).toEqual([`tell away ${romeo}`]);
  });

  test('a store that is away does not keep the truth from users, and is caught up on', async () => {
    const { announce, circle, events, store, clock } = await teller();
    store.setAway(true);
    announce.farPresence(circle, romeo, far('online'));
    await turns();
    expect(events).toEqual([`tell online ${romeo}`]);
    store.setAway(false);
    clock.advance(5_000);
    await turns();
    expect(events).toEqual([`tell online ${romeo}`, `store ${romeo}`]);
  });

  test('what was not proved when the stream went is told again, the rest is not', async () => {
    const { announce, circle, events, net } = await teller(['romeo', 'mercutio']);
    announce.farPresence(circle, account('mercutio'), far('online'));
    await turns();
    let lose = (): void => undefined;
    net.proof = () => new Promise((_, reject) => (lose = () => reject(new Fault('unavailable'))));
    announce.farPresence(circle, romeo, far('online'));
    await turns();
    net.isUp = false;
    lose();
    await turns();
    events.length = 0;
    [net.isUp, net.proof] = [true, () => Promise.resolve()];
    announce.streamUp();
    await turns();
    expect(events).toEqual([`tell online ${romeo}`]);
  });

  test('an avatar that is not mentioned has not changed; one taken away is', async () => {
    const { announce, circle } = await teller();
    const shown = () => circle.buddies.get(romeo)?.shown;
    announce.farPresence(circle, romeo, far('online', { avatarHash: 'abc' }));
    await turns();
    announce.farPresence(circle, romeo, far('away'));
    await turns();
    expect(shown()).toMatchObject({ show: 'away', avatarHash: 'abc' });
    announce.farPresence(circle, romeo, far('away', { avatarHash: '' }));
    await turns();
    expect(shown()).toMatchObject({ show: 'away', avatarHash: '' });
  });

  test('presence that would overtake the approval waits for it', async () => {
    const { announce, circle, events } = await teller();
    announce.hold(circle, romeo);
    announce.farPresence(circle, romeo, far('online'));
    await turns();
    expect(events.filter((event) => event.startsWith('tell'))).toEqual([]);
    announce.release(circle, romeo);
    await turns();
    expect(events.filter((event) => event.startsWith('tell'))).toEqual([`tell online ${romeo}`]);
  });

  test('a long roster does not hold up the others, and no window is larger than its proof allows', async () => {
    const clock = manualClock();
    const store = makeMemoryStore({ clock });
    const meter = countingMeter();
    const circles = makeCircles({ state: store.state, clock, log: silentLog, meter });
    const told: string[] = [];
    const [inWindow, windows]: [number[], number[]] = [[0], []];
    const announce = makeAnnounce({
      ...{ state: store.state, circles, clock, log: silentLog, meter, isLinked: () => true },
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
      const circle = await circles.load(jid(name));
      announce.session(circle, 'online');
      for (let i = 0; i < size; i += 1) {
        const peer = account(`c${i}`);
        buddyOf(circle, peer).pair = compactPair({ ...newPair, state: 'both' });
        announce.farPresence(circle, peer, far('online'));
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
    const circles = makeCircles({ state: store.state, clock, log: silentLog, meter });
    const circle = await circles.load(user);
    const announce = makeAnnounce({
      ...{ state: store.state, circles, clock, log: silentLog, meter, isLinked: () => true, buddiesMax: 10 },
      jabber: { isUp: () => true, sendNow: () => true, barrier: () => Promise.resolve() },
    });
    for (let i = 0; i < 50; i += 1) announce.farPresence(circle, account(`s${i}`), far('online'));
    expect(circle.buddies.size).toBe(10);
    expect(meter.total('faults_total')).toBe(40);
    for (let i = 0; i < 50; i += 1) announce.farPresence(circle, account(`s${i}`), far('offline'));
    expect(circle.buddies.size).toBe(0);
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
    const circles = makeCircles({ state: store.state, clock, log: silentLog, meter });
    const circle: Circle = await circles.load(user);
    circle.isOnline = true;
    buddyOf(circle, GATEWAY).pair = compactPair({ ...newPair, state: 'both' });
    const told: string[] = [];
    const wire = { answer: (): Promise<void> => Promise.resolve() };
    const appear = makeAppear({
      ...{ circles, clock, log: silentLog, meter },
      jabber: { isUp: () => true, probe: () => true },
      far: {
        setPresence: (_, { show, status }) => {
          told.push(`${show}${status ? ` ${status}` : ''}`);
          return wire.answer();
        },
      },
    });
    const say = (show: Show, more: Partial<ResourcePresence> = {}, peer = GATEWAY): void =>
      appear.resource(circle, peer, {
        ...{ kind: 'resource', resource: 'home', show, status: null, priority: 0 },
        ...more,
      });
    return { clock, circle, appear, say, told, wire };
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
    const { say, told, circle } = await appearance();
    buddyOf(circle, GATEWAY).pair = compactPair(newPair);
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
    const { say, told, circle, appear } = await appearance();
    say('away');
    await turns();
    circle.isOnline = false;
    say('dnd');
    await turns();
    circle.isOnline = true;
    appear.sessionUp(circle);
    await turns();
    expect(told).toEqual(['away', 'dnd']);
    appear.sessionUp(circle);
    await turns();
    expect(told).toEqual(['away', 'dnd', 'dnd']);
  });

  test('resources that never say goodbye do not pile up', async () => {
    const { say, circle } = await appearance();
    for (let i = 0; i < 5_000; i += 1) say('online', { resource: `r${i}` });
    expect(circle.resources.size).toBeLessThanOrEqual(32);
    expect(circle.frank?.size).toBeLessThanOrEqual(34);
  });

  test('a stream that stays away for long: nobody is known to be there', async () => {
    const { say, told, appear, clock } = await appearance();
    say('online');
    await turns();
    appear.stream('down');
    clock.advance(89_000);
    await turns();
    expect(told).toEqual(['online']);
    clock.advance(1_000);
    await turns();
    expect(told).toEqual(['online', 'offline']);
  });
});

test('presence that was told and taken back leaves nothing in memory', async () => {
  const { announce, circle } = await teller();
  const peer = account('passer-by');
  buddyOf(circle, peer).pair = compactPair({ ...newPair, state: 'both' });
  announce.farPresence(circle, peer, far('online'));
  await turns();
  const buddy = buddyOf(circle, peer);
  buddy.pair = compactPair(newPair);
  announce.hide(circle, peer);
  await turns();
  announce.farPresence(circle, peer, far('offline'));
  await turns();
  expect(circle.buddies.has(peer)).toBe(false);
  expect(away.show).toBe('offline');
});
