/** The sweep's pace, on a clock of the test's own. */
import { Fault } from '../../../src/core/fault';
import type { LaneKey } from '../../../src/core/model';
import { startSweep } from '../../../src/store/queue/sweep';
import type { Sweep } from '../../../src/store/queue/sweep';
import { manualClock } from '../../support/clock';
import { lane } from '../../support/envelopes';
import { silentLog } from '../../support/silence';
import { until } from '../../support/wait';

const pages = [[lane('u@x', 'a@y'), lane('u@x', 'b@y')], [lane('u@x', 'c@y')]];

function makeSubject(): {
  clock: ReturnType<typeof manualClock>;
  rung: LaneKey[][];
  hurried: boolean[];
  tended: boolean[];
  counts: number[];
  stop: AbortController;
  fail: { ring: boolean };
  onRing: { once: () => void };
  sweep: Sweep;
  pass: (ms: number) => Promise<void>;
} {
  const clock = manualClock();
  const [rung, tended, counts, stop, fail] = [[], [], [], new AbortController(), { ring: false }] as [
    LaneKey[][],
    boolean[],
    number[],
    AbortController,
    { ring: boolean },
  ];
  const hurried: boolean[] = [];
  const onRing = { once: (): void => undefined };
  const sweep = startSweep({
    lanes: {
      async *nonEmpty() {
        await Promise.resolve();
        yield* pages;
      },
    },
    ring: (lanes, hurry) => {
      if (fail.ring) return Promise.reject(new Fault('store-away'));
      hurried.push(hurry);
      rung.push([...lanes]);
      onRing.once();
      onRing.once = () => undefined;
      return Promise.resolve();
    },
    tend: (isLong) => (tended.push(isLong), Promise.resolve()),
    onSwept: (count) => counts.push(count),
    sweepMs: 10_000,
    ...{ clock, log: silentLog, signal: stop.signal },
  });
  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms);
    await until(() => clock.sleeping() > 0 || stop.signal.aborted);
  };
  return { clock, rung, hurried, tended, counts, stop, fail, onRing, sweep, pass };
}

test('soon after the start, then once per pause, all pages each time', async () => {
  const { rung, counts, tended, pass, stop, sweep } = makeSubject();
  await pass(100);
  expect(rung).toEqual([]);
  await pass(100);
  expect(rung).toEqual(pages);
  await pass(9_000);
  expect(rung).toHaveLength(2);
  await pass(2_000);
  expect(rung).toHaveLength(4);
  expect(counts).toEqual([3, 3]);
  expect(tended).toEqual([false, true]); // only after a whole pause can idleness be told
  stop.abort();
  await sweep.ended;
});

test('woken, it does not wait; that says nothing about idleness', async () => {
  const { rung, tended, pass, stop, sweep } = makeSubject();
  await pass(200);
  sweep.wake();
  await until(() => rung.length === 4);
  expect(tended).toEqual([false, false]);
  stop.abort();
  await sweep.ended;
});

test('woken while it sweeps, it sweeps again', async () => {
  const { rung, counts, onRing, pass, stop, sweep } = makeSubject();
  onRing.once = () => sweep.wake();
  await pass(200);
  await until(() => counts.length === 2);
  expect(rung).toEqual([...pages, ...pages]);
  stop.abort();
  await sweep.ended;
});

test('the first ends every backoff, since what a process before waited for is not known', async () => {
  const { hurried, fail, pass, stop, sweep } = makeSubject();
  fail.ring = true;
  await pass(200);
  fail.ring = false;
  await pass(500);
  await pass(15_000);
  expect(hurried).toEqual([true, true, false, false]);
  stop.abort();
  await sweep.ended;
});

test.each([
  ['back', -3_600_000, true],
  ['forward', 3_600_000, false],
  ['back by a little, as a clock that is kept right', -500, false],
])('the wall clock is set %s: %d ms, backoffs end: %s', async (_name, byMs, isHurried) => {
  const { clock, hurried, pass, stop, sweep } = makeSubject();
  await pass(200);
  clock.set(byMs);
  await pass(15_000);
  await pass(15_000);
  expect(hurried).toEqual([true, true, isHurried, isHurried, false, false]);
  stop.abort();
  await sweep.ended;
});

test('one that fails is repeated soon, until it does not', async () => {
  const { rung, counts, fail, pass, stop, sweep } = makeSubject();
  fail.ring = true;
  await pass(200);
  await pass(500);
  expect(counts).toEqual([]);
  fail.ring = false;
  await pass(500);
  expect(rung).toEqual(pages);
  expect(counts).toEqual([3]);
  stop.abort();
  await sweep.ended;
});

test('stopped, it ends, also in the middle of a sweep', async () => {
  const { rung, counts, stop, sweep, clock } = makeSubject();
  clock.advance(200);
  stop.abort();
  await sweep.ended;
  expect(rung.length).toBeLessThan(2);
  expect(counts).toEqual([]);
});
