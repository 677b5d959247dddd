import { Fault } from '../../../src/core/fault';
import { makeBarrier, type Barrier } from '../../../src/xmpp/stream/barrier';
import { manualClock, type ManualClock } from '../../support/clock';
import { countingMeter } from '../../support/silence';

let clock: ManualClock;
let pings: string[];
let dead: string[];
let isUp: boolean;
let barrier: Barrier;

beforeEach(() => {
  clock = manualClock();
  pings = [];
  dead = [];
  isUp = true;
  let count = 0;
  barrier = makeBarrier({
    target: 'ximss.test',
    sendPing: (id) => isUp && pings.push(id) > 0,
    onDead: (fault) => void dead.push(fault.code),
    newId: () => `p${(count += 1)}`,
    pongMs: 1000,
    clock,
    meter: countingMeter(),
  });
});

/** What has become of each pass, in the order in which it was settled. */
function watch(names: readonly string[]): string[] {
  const seen: string[] = [];
  for (const name of names) {
    barrier.pass().then(
      () => seen.push(name),
      (fault: Fault) => seen.push(`${name} ${fault.code}`),
    );
  }
  return seen;
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('one ping covers everybody of the turn', async () => {
  const seen = watch(['a', 'b', 'c']);
  await turn();
  expect(pings).toEqual(['p1']);
  expect(seen).toEqual([]);
  expect(barrier.onPong('p1')).toBe(true);
  await turn();
  expect(seen).toEqual(['a', 'b', 'c']);
  expect(clock.sleeping()).toBe(0);
});

test('who comes while a ping is in flight waits for the next one', async () => {
  const first = watch(['a']);
  await turn();
  const second = watch(['b', 'c']);
  await turn();
  expect(pings).toEqual(['p1']);
  barrier.onPong('p1');
  await turn();
  expect([first, second]).toEqual([['a'], []]);
  expect(pings).toEqual(['p1', 'p2']);
  barrier.onPong('p2');
  await turn();
  expect(second).toEqual(['b', 'c']);
});

test('an answer counts once, and only the right one', async () => {
  const seen = watch(['a']);
  await turn();
  expect(barrier.onPong('p0')).toBe(false);
  expect(barrier.onPong('p1')).toBe(true);
  expect(barrier.onPong('p1')).toBe(false);
  await turn();
  expect(seen).toEqual(['a']);
});

test('no answer in time: the stream is dead, and its end fails everybody', async () => {
  const seen = watch(['a']);
  await turn();
  const later = watch(['b']);
  clock.advance(999);
  await turn();
  expect(dead).toEqual([]);
  clock.advance(1);
  await turn();
  expect(dead).toEqual(['timeout']);
  barrier.reset(new Fault('unavailable'));
  await turn();
  expect([...seen, ...later]).toEqual(['a unavailable', 'b unavailable']);
  expect(clock.sleeping()).toBe(0);
});

test('offline everybody fails at once; after that it works as before', async () => {
  isUp = false;
  const seen = watch(['a', 'b']);
  await turn();
  expect(seen).toEqual(['a unavailable', 'b unavailable']);
  isUp = true;
  const again = watch(['c']);
  await turn();
  barrier.onPong('p2');
  await turn();
  expect(again).toEqual(['c']);
});

test('an answer from before a reset proves nothing', async () => {
  watch(['a']);
  await turn();
  barrier.reset(new Fault('unavailable'));
  const seen = watch(['b']);
  await turn();
  expect(barrier.onPong('p1')).toBe(false);
  expect(seen).toEqual([]);
  barrier.reset(new Fault('unavailable'));
});
