/** A deadline: the timer, the abort, what is left behind. */
import { manualClock } from '../support/clock';
import { withDeadline } from '../../src/core/async';

const open = new AbortController().signal;

describe('a deadline', () => {
  const listening = (signal: AbortSignal): Promise<never> =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))); // a Fault or the test's own

  test('gives what was done in time, and leaves no timer', async () => {
    const clock = manualClock();
    await expect(withDeadline(clock, 5, open, () => Promise.resolve('x'))).resolves.toBe('x');
    expect(clock.sleeping()).toBe(0);
  });
  test('is a timeout when it passes', async () => {
    const clock = manualClock();
    const outcome = withDeadline(clock, 5, open, listening);
    clock.advance(10_000);
    await expect(outcome).rejects.toMatchObject({ code: 'timeout' });
  });
  test('passes the abort on, also one that has been', async () => {
    const clock = manualClock();
    const stopper = new AbortController();
    const outcome = withDeadline(clock, 5, stopper.signal, listening);
    stopper.abort(new Error('enough'));
    await expect(outcome).rejects.toThrow('enough');
    const isAborted = (signal: AbortSignal): Promise<boolean> => Promise.resolve(signal.aborted);
    await expect(withDeadline(clock, 5, stopper.signal, isAborted)).resolves.toBe(true);
  });
});
