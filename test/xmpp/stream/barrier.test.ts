import { Fault } from '../../../src/core/fault';
import { makeBarrier, type Barrier } from '../../../src/xmpp/stream/barrier';
import { manualClock, type ManualClock } from '../../support/clock';
import { countingMeter } from '../../support/silence';

let clock: ManualClock;
let pings: string[];
let dead: string[];
let isUp: boolean;
let spaces: number[];
let barrier: Barrier;

beforeEach(() => {
  clock = manualClock();
  pings = [];
  dead = [];
  isUp = true;
  spaces = [];
  let count = 0;
  barrier = makeBarrier({
    target: 'ximss.test',
    sendPing: (id) => isUp && pings.push(id) > 0,
    sendSpaces: (many) => void spaces.push(many),
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

describe('an answer that is late: the end of what was written may lie unread until more comes', () => {
  const late = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i += 1) {
      clock.advance(20);
      await turn();
    }
  };

  test.each<[string, number, number[]]>([
    ['short tags', 90, [64, 128]],
    ['a tag of 300 characters', 300, [64, 128, 256, 512]],
    ['a tag of 3,000 characters', 3000, [64, 128, 256, 512, 1024, 2048, 4096]],
  ])('%s: whitespace, twice as much each time', async (_what, chars, expected) => {
    barrier.onTag(chars);
    watch(['a']);
    await turn();
    await late(20);
    expect(spaces).toEqual(expected);
    expect(dead).toEqual([]);
  });

  test('an answer in time needs none', async () => {
    barrier.onTag(3000);
    const seen = watch(['a']);
    await turn();
    clock.advance(19);
    barrier.onPong('p1');
    await late(20);
    expect(seen).toEqual(['a']);
    expect(spaces).toEqual([]);
  });

  test('with the answer it ends', async () => {
    barrier.onTag(3000);
    watch(['a']);
    await turn();
    await late(2);
    barrier.onPong('p1');
    await late(20);
    expect(spaces).toEqual([64, 128]);
    expect(clock.sleeping()).toBe(0);
  });

  test('the tags of one ping are not those of the next', async () => {
    barrier.onTag(3000);
    watch(['a']);
    await turn();
    barrier.onPong('p1');
    barrier.onTag(90);
    watch(['b']);
    await turn();
    await late(20);
    expect(spaces).toEqual([64, 128]);
  });

  test('what is written without a barrier is followed by a ping', async () => {
    barrier.onTag(90);
    clock.advance(50);
    await turn();
    expect(pings).toEqual(['p1']);
    await late(5);
    expect(spaces).toEqual([64, 128]);
    barrier.onPong('p1');
    clock.advance(500);
    await turn();
    expect(pings).toEqual(['p1']);
  });

  test('what a barrier covered is not covered again', async () => {
    barrier.onTag(90);
    watch(['a']);
    await turn();
    barrier.onPong('p1');
    clock.advance(50);
    await turn();
    expect(pings).toEqual(['p1']);
  });
});
