/** The tracker itself is tested: a seed plans one run, and a window excuses nothing outside it. */
import { MessageTracker } from './message-tracker';
import { describe as describePlan, makePlan } from './plan';
import {
  mayBeSentAgain,
  mayLose,
  mayRepeat,
  type Harm,
  type Setting,
  type FaultWindow,
  type MessageTimes,
} from './windows';

const plan = { seed: 7, messages: 10_000, faults: 50, only: [] };

test('a seed plans the same faults, in the same order, of the same size; another one others', () => {
  const lines = (seed: number): string[] => makePlan({ ...plan, seed }).map(describePlan);
  expect(lines(7)).toEqual(lines(7));
  expect(lines(7)).not.toEqual(lines(8));
  expect(makePlan(plan).map(({ random }) => random.next())).toEqual(makePlan(plan).map(({ random }) => random.next()));
});

test('faults come in order, all of them before the last message, and only the wanted ones', () => {
  const counts = makePlan(plan).map(({ afterCount }) => afterCount);
  expect(counts.every((count, i) => i === 0 || count >= (counts[i - 1] ?? 0))).toBe(true);
  expect(counts.at(-1)).toBeLessThan(10_000);
  const names = makePlan({ ...plan, only: ['Redis'] }).map(({ fault }) => fault.name);
  expect(names).toHaveLength(50);
  expect(names.every((name) => name.includes('Redis'))).toBe(true);
});

const tcp: Setting = { binding: 'tcp', appendfsync: 'always', isHeld: false };
const http: Setting = { ...tcp, binding: 'http' };
const everysec: Setting = { ...tcp, appendfsync: 'everysec' };
const unknown = { link: 1, pushedMs: null, storedMs: null, settledMs: null, arrivedMs: null };
const toFar = (sentMs: number, more: Partial<MessageTimes> = {}): MessageTimes => ({
  ...unknown,
  way: 'toFar',
  sentMs,
  ...more,
});
const toJabber = (pushedMs: number, more: Partial<MessageTimes> = {}): MessageTimes => ({
  ...unknown,
  way: 'toJabber',
  sentMs: pushedMs,
  pushedMs,
  ...more,
});
/** from 10 s to 12 s */
const injected = (harm: Harm, link: number | null = null): FaultWindow => ({
  name: harm,
  harm,
  link,
  fromMs: 10_000,
  toMs: 12_000,
});

test.each<[string, MessageTimes, Harm, Setting, boolean]>([
  ['sent just before the bridge died', toFar(9_800), 'bridge', tcp, true],
  ['sent long before', toFar(8_000), 'bridge', tcp, false],
  ['sent long after', toFar(13_000), 'bridge', tcp, false],
  ['sent just before, but stored', toFar(9_800, { storedMs: 9_900 }), 'bridge', tcp, false],
  ['pushed over TCP just before', toJabber(9_800), 'bridge', tcp, true],
  ['pushed over HTTP just before', toJabber(9_800), 'bridge', http, false],
  ['from XIMSS, the component stream cut', toJabber(11_000), 'stream', tcp, false],
  ['from Jabber, while component packets vanish', toFar(11_000), 'stream', tcp, true],
  ['from Jabber, XIMSS connections cut', toFar(11_000), 'far', tcp, false],
  ['from XIMSS, another session cut', toJabber(11_000, { link: 2 }), 'far', tcp, false],
  ['stored, Redis killed with everysec', toFar(9_000, { storedMs: 9_000 }), 'redis', everysec, true],
  ['stored, Redis killed with always', toFar(9_000, { storedMs: 9_000 }), 'redis', tcp, false],
  ['not stored, Redis killed', toFar(9_900), 'redis', everysec, false],
  ['settled just before the server died', toJabber(5_000, { storedMs: 5_000, settledMs: 9_900 }), 'server', tcp, true],
  [
    'settled just before, and held',
    toJabber(5_000, { storedMs: 5_000, settledMs: 9_900 }),
    'server',
    { ...tcp, isHeld: true },
    false,
  ],
  [
    'held by the session of a XIMSS server that dies',
    toJabber(9_000, { droppedMs: 10_100 }),
    'farSessions',
    http,
    true,
  ],
  ['fetched just before it dies', toJabber(9_900), 'farSessions', http, false],
  ['held by a session that ended before', toJabber(5_000, { droppedMs: 6_000 }), 'farSessions', http, false],
  ['held for longer than a minute', toJabber(-50_000, { droppedMs: 10_100 }), 'farSessions', http, false],
  [
    'stored, held until it is acknowledged',
    toJabber(9_900, { storedMs: 9_950, droppedMs: 10_100 }),
    'farSessions',
    http,
    false,
  ],
  ['sent while the bridge says goodbye to Prosody', toFar(11_000), 'goodbye', tcp, false],
  ['sent while the bridge says goodbye to ejabberd', toFar(11_000), 'goodbye', { ...tcp, isHeld: true }, true],
  ['pushed while the bridge says goodbye', toJabber(11_000), 'goodbye', { ...tcp, isHeld: true }, false],
  ['anything, by what loses nothing', toFar(11_000), 'none', everysec, false],
])('%s: may be lost', (_name, times, harm, setting, isExcused) => {
  expect(mayLose(times, injected(harm, 1), setting)).toBe(isExcused);
});

test.each<[string, MessageTimes, Harm, Setting, boolean]>([
  ['arrived, not settled, the bridge died', toFar(9_000, { arrivedMs: 9_900 }), 'bridge', http, true],
  ['settled before it died', toFar(9_000, { arrivedMs: 9_900, settledMs: 9_950 }), 'bridge', http, false],
  ['its error under way, the bridge died', toFar(9_000, { bouncedMs: 9_900 }), 'bridge', http, true],
  ['its error said long before', toFar(3_000, { bouncedMs: 4_000 }), 'bridge', http, false],
  ['its answer cut off over TCP', toFar(9_000, { arrivedMs: 9_990 }), 'far', tcp, true],
  ['its answer cut off over HTTP', toFar(9_000, { arrivedMs: 9_990 }), 'far', http, false],
  ['arrived long before', toFar(5_000, { arrivedMs: 5_100 }), 'far', tcp, false],
  ['Redis killed with always', toFar(9_900, { arrivedMs: 9_950 }), 'redis', tcp, false],
  ['bounced, held, the server died', toFar(6_000, { bouncedMs: 6_500 }), 'server', { ...tcp, isHeld: true }, true],
  ['bounced, not held, the server died', toFar(6_000, { bouncedMs: 6_500 }), 'server', tcp, false],
  ['bounced, perhaps into a stream that breaks', toFar(6_000, { bouncedMs: 9_900 }), 'stream', tcp, true],
  ['bounced long before it broke', toFar(6_000, { bouncedMs: 8_900 }), 'stream', tcp, false],
])('%s: may be done twice', (_name, times, harm, setting, isExcused) => {
  expect(mayRepeat(times, injected(harm, 1), setting)).toBe(isExcused);
});

test.each<[string, MessageTimes, Setting, boolean, boolean]>([
  ['pushed over TCP meanwhile', toJabber(8_000), tcp, true, false],
  ['pushed over HTTP meanwhile', toJabber(8_000), http, false, false],
  ['pushed before', toJabber(5_000), tcp, false, false],
  ['pushed meanwhile, and stored', toJabber(8_000, { storedMs: 9_500 }), tcp, false, false],
  ['arrived just before, never settled', toFar(6_500, { storedMs: 6_600, arrivedMs: 6_900 }), http, false, true],
  [
    'arrived before, and settled',
    toFar(6_500, { storedMs: 6_600, arrivedMs: 6_900, settledMs: 6_950 }),
    http,
    false,
    false,
  ],
])('Redis away from 7 s, the bridge killed at 10 s; %s', (_name, times, setting, mayBeLost, mayBeDoubled) => {
  const both = { ...injected('bridge'), keptSinceMs: 7_000 };
  expect(mayLose(times, both, setting)).toBe(mayBeLost);
  expect(mayRepeat(times, both, setting)).toBe(mayBeDoubled);
});

test.each([
  ['its answer vanished six seconds before the bridge was killed', 4_000, true],
  ['answered long before', 10_000, false],
])('%s: may be done twice', (_name, unansweredSinceMs, isExcused) => {
  const killed = { ...injected('bridge'), unansweredSinceMs };
  expect(mayRepeat(toFar(3_900, { arrivedMs: 4_000 }), killed, http)).toBe(isExcused);
});

const held: Setting = { ...tcp, isHeld: true };
const arrivedAt = (arrivedMs: number, settledMs: number | null): MessageTimes =>
  toJabber(arrivedMs - 100, { storedMs: arrivedMs - 50, arrivedMs, settledMs });

test.each<[string, MessageTimes, Harm, Setting, boolean]>([
  ['arrived, not settled, the bridge killed', arrivedAt(9_900, null), 'bridge', tcp, true],
  ['arrived and settled before it', arrivedAt(9_900, 9_950), 'bridge', tcp, false],
  ['arrived long before, never seen settled', arrivedAt(4_000, null), 'bridge', tcp, false],
  ['not settled, the bridge stopped', arrivedAt(9_900, null), 'goodbye', tcp, false],
  ['the answer of the barrier cut off', arrivedAt(9_900, 13_000), 'stream', tcp, true],
  ['settled before the stream was cut', arrivedAt(9_900, 9_950), 'stream', tcp, false],
  ['settled, a server that stores late killed', arrivedAt(5_000, 5_100), 'server', held, true],
  ['settled, a server that stores at once killed', arrivedAt(9_000, 9_100), 'server', tcp, false],
  ['its settlement lost with Redis', arrivedAt(9_000, 9_100), 'redis', everysec, true],
  ['Redis killed with always', arrivedAt(9_000, 9_100), 'redis', tcp, false],
  ['XIMSS connections cut', arrivedAt(9_900, null), 'far', tcp, false],
])('%s: may be sent again', (_name, times, harm, setting, isExcused) => {
  expect(mayBeSentAgain(times, injected(harm), setting)).toBe(isExcused);
});

test.each([
  ['held late, because Redis was away', 1_500, true],
  ['held long before, Redis was away before that', 5_000, false],
])(
  'arrived ten seconds before a server that stores late was killed, %s: may be sent again',
  (_name, atMs, isExcused) => {
    const injectedLate = { ...injected('server'), keptSinceMs: atMs };
    expect(mayBeSentAgain(arrivedAt(1_900, 5_000), injectedLate, held)).toBe(isExcused);
  },
);

test('the tracker counts what is lost, doubled, both and out of order, and names it', () => {
  const tracker = new MessageTracker(tcp);
  const [lost, doubled, both, second, first, fine] = [1, 2, 3, 4, 5, 6].map((seq) =>
    tracker.sent('toFar', 0, seq === 4 || seq === 5 ? 1 : 0, seq),
  );
  tracker.arrived(doubled ?? '', 'one');
  tracker.arrived(doubled ?? '', 'one');
  tracker.arrived(both ?? '', 'one');
  tracker.bounced(both ?? '');
  tracker.arrived(first ?? '', 'one');
  tracker.arrived(second ?? '', 'one');
  expect(tracker.open()).toBe(2);
  tracker.bounced(fine ?? '');
  const summary = tracker.summary();
  expect(summary).toMatchObject({ sent: 6, delivered: 4, bounced: 2, lost: 1, doubled: 1, both: 1, reordered: 1 });
  expect(summary.examples.join('\n')).toContain(lost);
});

test('towards Jabber a copy with the same id is one message', () => {
  const tracker = new MessageTracker(tcp);
  const text = tracker.sent('toJabber', 0, 0, 1);
  tracker.arrived(text, 'x');
  tracker.arrived(text, 'x');
  expect(tracker.summary()).toMatchObject({ doubled: 0, repeated: 1, repeatedNeedlessly: 1, delivered: 1 });
});

test('Redis away twice, with no time between to store what was kept: a kill may lose what came before the second time', () => {
  jest.useFakeTimers({ now: 0 });
  const tracker = new MessageTracker(tcp);
  const after = (ms: number): void => void jest.advanceTimersByTime(ms);
  const first = tracker.storeAway();
  after(500);
  first();
  after(100);
  const kept = tracker.sent('toJabber', 0, 0, 1);
  tracker.pushed(kept);
  after(1_600);
  const second = tracker.storeAway();
  after(4_000);
  second();
  after(600);
  tracker.faultBegins('kill -9 of the bridge', 'bridge')();
  expect(tracker.summary()).toMatchObject({ lost: 0, lostInWindow: 1 });
  jest.useRealTimers();
});
