import { makeTimeouts } from '../../../src/bridge/pacing/timeouts';
import { manualClock } from '../../support/clock';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('timeouts', () => {
  test('are due once per key, in order, and a second begin does not prolong it', async () => {
    const clock = manualClock();
    const due: string[] = [];
    const timeouts = makeTimeouts<string>({ afterMs: 90, due: (key) => due.push(key), clock });
    timeouts.begin('a');
    clock.advance(40);
    timeouts.begin('b');
    timeouts.begin('a');
    clock.advance(49);
    await turn();
    expect(due).toEqual([]);
    clock.advance(1);
    await turn();
    expect(due).toEqual(['a']);
    clock.advance(40);
    await turn();
    expect(due).toEqual(['a', 'b']);
    timeouts.begin('a');
    clock.advance(90);
    await turn();
    expect(due).toEqual(['a', 'b', 'a']);
    timeouts.stop();
  });

  test('a cancelled key is never due, and stop leaves no timer behind', async () => {
    const clock = manualClock();
    const due: string[] = [];
    const timeouts = makeTimeouts<string>({ afterMs: 90, due: (key) => due.push(key), clock });
    timeouts.begin('a');
    timeouts.begin('b');
    timeouts.cancel('a');
    expect([timeouts.isRunning('a'), timeouts.isRunning('b')]).toEqual([false, true]);
    clock.advance(90);
    await turn();
    expect(due).toEqual(['b']);
    timeouts.begin('c');
    timeouts.stop();
    clock.advance(90);
    await turn();
    expect(due).toEqual(['b']);
    expect(clock.sleeping()).toBe(0);
  });
});
