import { makeCountdown, makePacer, makeRounds } from '../../../src/bridge/pacing/window';
import { Fault } from '../../../src/core/fault';
import { manualClock } from '../../support/clock';
import { silentLog } from '../../support/silence';
import { until } from '../../support/wait';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('the pacer', () => {
  /** Work of `left` pieces, a receiver that takes `proofMs` per window. */
  function scene(left: number, proofMs: (windowIndex: number) => number) {
    const clock = manualClock();
    const windows: number[] = [];
    const inFlight = { now: 0, max: 0 };
    let proofs = 0;
    let fails = 0;
    const state = { left, unproven: 0 };
    const pacer = makePacer({
      work: (count) => {
        const doneCount = Math.min(count, state.left);
        state.left -= doneCount;
        inFlight.now += doneCount;
        inFlight.max = Math.max(inFlight.max, inFlight.now);
        if (doneCount > 0) windows.push(doneCount);
        return Promise.resolve({ doneCount, sentCount: doneCount });
      },
      proof: () => {
        clock.advance(proofMs(proofs++));
        if (fails > 0) {
          fails -= 1;
          return Promise.reject(new Fault('unavailable'));
        }
        inFlight.now = 0;
        return Promise.resolve();
      },
      unproven: () => (state.unproven += 1),
      clock,
      log: silentLog,
      minCount: 10,
      maxCount: 80,
      gatherMs: 0,
    });
    return { clock, windows, inFlight, state, pacer, failNext: (count: number) => (fails = count) };
  }

  test('sends the next window only when the one before is proved, and widens while the receiver is quick', async () => {
    const { pacer, windows, inFlight, state } = scene(1_000, () => 1);
    pacer.wake();
    await until(() => state.left === 0, { what: 'all work' });
    expect(windows.slice(0, 4)).toEqual([10, 20, 40, 80]);
    expect(inFlight.max).toBe(80);
    await pacer.stop();
  });

  test('narrows when the receiver is slow, so that a message waits behind little', async () => {
    const { pacer, windows, state } = scene(1_000, (i) => (i < 3 ? 1 : 200));
    pacer.wake();
    await until(() => state.left === 0, { what: 'all work' });
    expect(windows.slice(0, 8)).toEqual([10, 20, 40, 80, 40, 20, 10, 10]);
    await pacer.stop();
  });

  test('tells that a window may be lost, and goes on when woken', async () => {
    const { pacer, state, failNext } = scene(5, () => 1);
    failNext(1);
    pacer.wake();
    await until(() => state.unproven === 1, { what: 'the report' });
    state.left = 3;
    pacer.wake();
    await until(() => state.left === 0, { what: 'the rest' });
    expect(state.unproven).toBe(1);
    await pacer.stop();
  });

  test('asks for no proof when nothing was sent, and does nothing after stop', async () => {
    let proofs = 0;
    let works = 0;
    const pacer = makePacer({
      work: () => Promise.resolve({ doneCount: (works += 1) && 0, sentCount: 0 }),
      proof: () => Promise.resolve(void (proofs += 1)),
      unproven: () => undefined,
      clock: manualClock(),
      log: silentLog,
    });
    pacer.wake();
    await until(() => works === 1, { what: 'the look' });
    await pacer.stop();
    pacer.wake();
    await turn();
    expect([works, proofs]).toEqual([1, 0]);
  });
});

describe('rounds', () => {
  test('run each key once however often it is asked for, at most so many at a time, and again when asked while running', async () => {
    const runs: number[] = [];
    const ends: (() => void)[] = [];
    let most = 0;
    const rounds = makeRounds<number>({
      run: (key) => {
        runs.push(key);
        most = Math.max(most, runs.length - ended);
        return new Promise((resolve) => ends.push(resolve));
      },
      concurrencyCount: 2,
      log: silentLog,
    });
    let ended = 0;
    const endOne = async (): Promise<void> => {
      ended += 1;
      ends.shift()?.();
      await turn();
    };
    for (const key of [1, 2, 3, 1, 2, 3]) rounds.ask(key);
    await turn();
    expect(runs).toEqual([1, 2]);
    rounds.ask(1); // while it runs
    await endOne();
    await endOne();
    await endOne();
    await endOne();
    expect(runs).toEqual([1, 2, 3, 1]);
    expect(most).toBe(2);
    expect(rounds.busyCount()).toBe(0);
    await rounds.stop();
  });

  test('a failing key does not stop the others', async () => {
    const runs: number[] = [];
    const rounds = makeRounds<number>({
      run: (key) => (runs.push(key), key === 1 ? Promise.reject(new Fault('unavailable')) : Promise.resolve()),
      concurrencyCount: 1,
      log: silentLog,
    });
    rounds.ask(1);
    rounds.ask(2);
    await until(() => runs.length === 2, { what: 'both' });
    await rounds.stop();
  });

  test('stop aborts what runs and forgets what waits', async () => {
    let aborted = 0;
    const runs: number[] = [];
    const rounds = makeRounds<number>({
      run: (key, signal) => {
        runs.push(key);
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve(void (aborted += 1))));
      },
      concurrencyCount: 1,
      log: silentLog,
    });
    rounds.ask(1);
    rounds.ask(2);
    await turn();
    await rounds.stop();
    expect([runs, aborted]).toEqual([[1], 1]);
  });
});

describe('a countdown', () => {
  test('is due once per key, in order, and a second begin does not prolong it', async () => {
    const clock = manualClock();
    const due: string[] = [];
    const countdown = makeCountdown<string>({ afterMs: 90, due: (key) => due.push(key), clock });
    countdown.begin('a');
    clock.advance(40);
    countdown.begin('b');
    countdown.begin('a');
    clock.advance(49);
    await turn();
    expect(due).toEqual([]);
    clock.advance(1);
    await turn();
    expect(due).toEqual(['a']);
    clock.advance(40);
    await turn();
    expect(due).toEqual(['a', 'b']);
    countdown.begin('a');
    clock.advance(90);
    await turn();
    expect(due).toEqual(['a', 'b', 'a']);
    countdown.stop();
  });

  test('a cancelled key is never due, and stop leaves no timer behind', async () => {
    const clock = manualClock();
    const due: string[] = [];
    const countdown = makeCountdown<string>({ afterMs: 90, due: (key) => due.push(key), clock });
    countdown.begin('a');
    countdown.begin('b');
    countdown.cancel('a');
    expect([countdown.isRunning('a'), countdown.isRunning('b')]).toEqual([false, true]);
    clock.advance(90);
    await turn();
    expect(due).toEqual(['b']);
    countdown.begin('c');
    countdown.stop();
    clock.advance(90);
    await turn();
    expect(due).toEqual(['b']);
    expect(clock.sleeping()).toBe(0);
  });
});
