import { makeWindowedSender } from '../../../src/bridge/pacing/window';
import { Fault } from '../../../src/core/fault';
import { manualClock } from '../../support/clock';
import { silentLog } from '../../support/silence';
import { until } from '../../support/wait';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a windowed sender', () => {
  /** Work of `left` pieces, a receiver that takes `proofMs` per window. */
  function scene(left: number, proofMs: (windowIndex: number) => number) {
    const clock = manualClock();
    const windows: number[] = [];
    const inFlight = { now: 0, max: 0 };
    let proofs = 0;
    let fails = 0;
    const state = { left, unproven: 0 };
    const sender = makeWindowedSender({
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
    return { clock, windows, inFlight, state, sender, failNext: (count: number) => (fails = count) };
  }

  test('sends the next window only when the one before is proved, and widens while the receiver is quick', async () => {
    const { sender, windows, inFlight, state } = scene(1_000, () => 1);
    sender.wake();
    await until(() => state.left === 0, { what: 'all work' });
    expect(windows.slice(0, 4)).toEqual([10, 20, 40, 80]);
    expect(inFlight.max).toBe(80);
    await sender.stop();
  });

  test('narrows when the receiver is slow, so that a message waits behind little', async () => {
    const { sender, windows, state } = scene(1_000, (i) => (i < 3 ? 1 : 200));
    sender.wake();
    await until(() => state.left === 0, { what: 'all work' });
    expect(windows.slice(0, 8)).toEqual([10, 20, 40, 80, 40, 20, 10, 10]);
    await sender.stop();
  });

  test('tells that a window may be lost, and goes on when woken', async () => {
    const { sender, state, failNext } = scene(5, () => 1);
    failNext(1);
    sender.wake();
    await until(() => state.unproven === 1, { what: 'the report' });
    state.left = 3;
    sender.wake();
    await until(() => state.left === 0, { what: 'the rest' });
    expect(state.unproven).toBe(1);
    await sender.stop();
  });

  test('asks for no proof when nothing was sent, and does nothing after stop', async () => {
    let proofs = 0;
    let works = 0;
    const sender = makeWindowedSender({
      work: () => Promise.resolve({ doneCount: (works += 1) && 0, sentCount: 0 }),
      proof: () => Promise.resolve(void (proofs += 1)),
      unproven: () => undefined,
      clock: manualClock(),
      log: silentLog,
    });
    sender.wake();
    await until(() => works === 1, { what: 'the look' });
    await sender.stop();
    sender.wake();
    await turn();
    expect([works, proofs]).toEqual([1, 0]);
  });
});
