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
  scheduled: LaneKey[][];
  immediate: boolean[];
  checked: boolean[];
  counts: number[];
  stop: AbortController;
  fail: { schedule: boolean };
  onSchedule: { once: () => void };
  sweep: Sweep;
  pass: (ms: number) => Promise<void>;
} {
  const clock = manualClock();
  const [scheduled, checked, counts, stop, fail] = [[], [], [], new AbortController(), { schedule: false }] as [
    LaneKey[][],
    boolean[],
    number[],
    AbortController,
    { schedule: boolean },
  ];
  const immediate: boolean[] = [];
  const onSchedule = { once: (): void => undefined };
  const sweep = startSweep({
    lanes: {
      async *nonEmpty() {
        await Promise.resolve();
        yield* pages;
      },
    },
    schedule: (lanes, isImmediate) => {
      if (fail.schedule) return Promise.reject(new Fault('store-away'));
      immediate.push(isImmediate);
      scheduled.push([...lanes]);
      onSchedule.once();
      onSchedule.once = () => undefined;
      return Promise.resolve();
    },
    checkWorker: (isLong) => (checked.push(isLong), Promise.resolve()),
    onSwept: (count) => counts.push(count),
    sweepMs: 10_000,
    clock,
    log: silentLog,
    signal: stop.signal,
  });
  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms);
    await until(() => clock.sleeping() > 0 || stop.signal.aborted);
  };
  return { clock, scheduled, immediate, checked, counts, stop, fail, onSchedule, sweep, pass };
}

test('soon after the start, then once per pause, all pages each time', async () => {
  const { scheduled, counts, checked, pass, stop, sweep } = makeSubject();
  await pass(100);
  expect(scheduled).toEqual([]);
  await pass(100);
  expect(scheduled).toEqual(pages);
  await pass(9_000);
  expect(scheduled).toHaveLength(2);
  await pass(2_000);
  expect(scheduled).toHaveLength(4);
  expect(counts).toEqual([3, 3]);
  expect(checked).toEqual([false, true]); // only after a whole pause can idleness be told
  stop.abort();
  await sweep.ended;
});

test('woken, it does not wait; that says nothing about idleness', async () => {
  const { scheduled, checked, pass, stop, sweep } = makeSubject();
  await pass(200);
  sweep.wake();
  await until(() => scheduled.length === 4);
  expect(checked).toEqual([false, false]);
  stop.abort();
  await sweep.ended;
});

test('woken while it sweeps, it sweeps again', async () => {
  const { scheduled, counts, onSchedule, pass, stop, sweep } = makeSubject();
  onSchedule.once = () => sweep.wake();
  await pass(200);
  await until(() => counts.length === 2);
  expect(scheduled).toEqual([...pages, ...pages]);
  stop.abort();
  await sweep.ended;
});

test('the first ends every pause, since what a process before waited for is not known', async () => {
  const { immediate, fail, pass, stop, sweep } = makeSubject();
  fail.schedule = true;
  await pass(200);
  fail.schedule = false;
  await pass(500);
  await pass(15_000);
  expect(immediate).toEqual([true, true, false, false]);
  stop.abort();
  await sweep.ended;
});

test.each([
  ['back', -3_600_000, true],
  ['forward', 3_600_000, false],
  ['back by a little, as a clock that is kept right', -500, false],
])('the wall clock is set %s: %d ms, pauses end: %s', async (_name, byMs, isImmediate) => {
  const { clock, immediate, pass, stop, sweep } = makeSubject();
  await pass(200);
  clock.set(byMs);
  await pass(15_000);
  await pass(15_000);
  expect(immediate).toEqual([true, true, isImmediate, isImmediate, false, false]);
  stop.abort();
  await sweep.ended;
});

test('one that fails is repeated soon, until it does not', async () => {
  const { scheduled, counts, fail, pass, stop, sweep } = makeSubject();
  fail.schedule = true;
  await pass(200);
  await pass(500);
  expect(counts).toEqual([]);
  fail.schedule = false;
  await pass(500);
  expect(scheduled).toEqual(pages);
  expect(counts).toEqual([3]);
  stop.abort();
  await sweep.ended;
});

test('stopped, it ends, also in the middle of a sweep', async () => {
  const { scheduled, counts, stop, sweep, clock } = makeSubject();
  clock.advance(200);
  stop.abort();
  await sweep.ended;
  expect(scheduled.length).toBeLessThan(2);
  expect(counts).toEqual([]);
});
