import { makeKeyedQueue } from '../../../src/bridge/pacing/keyed-queue';
import { Fault } from '../../../src/core/fault';
import { recordingLog, silentLog } from '../../support/silence';
import { until } from '../../support/wait';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a keyed queue', () => {
  test('runs each key once however often it is asked for, at most so many at a time, and again when asked while running', async () => {
    const runs: number[] = [];
    const ends: (() => void)[] = [];
    let most = 0;
    const queue = makeKeyedQueue<number>({
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
    for (const key of [1, 2, 3, 1, 2, 3]) queue.ask(key);
    await turn();
    expect(runs).toEqual([1, 2]);
    queue.ask(1); // while it runs
    await endOne();
    await endOne();
    await endOne();
    await endOne();
    expect(runs).toEqual([1, 2, 3, 1]);
    expect(most).toBe(2);
    expect(queue.busyCount()).toBe(0);
    await queue.stop();
  });

  test.each<[string, () => Promise<void>]>([
    ['rejects', () => Promise.reject(new Fault('unavailable'))],
    [
      'throws at once',
      () => {
        throw new Error('a mistake');
      },
    ],
  ])(
    'a key whose work %s is logged once, gives its place to the others and can be asked for again',
    async (_, fail) => {
      const runs: number[] = [];
      const { log, lines } = recordingLog();
      let isFailing = true;
      const queue = makeKeyedQueue<number>({
        run: (key) => (runs.push(key), key === 1 && isFailing ? fail() : Promise.resolve()),
        concurrencyCount: 1,
        log,
      });
      queue.ask(1);
      queue.ask(2);
      await until(() => queue.busyCount() === 0, { what: 'both' });
      isFailing = false;
      queue.ask(1);
      await until(() => queue.busyCount() === 0, { what: 'the first again' });
      expect(runs).toEqual([1, 2, 1]);
      expect(lines.map(({ level }) => level)).toEqual(['warn']);
      await queue.stop();
    },
  );

  test('stop aborts what runs and forgets what waits', async () => {
    let aborted = 0;
    const runs: number[] = [];
    const queue = makeKeyedQueue<number>({
      run: (key, signal) => {
        runs.push(key);
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve(void (aborted += 1))));
      },
      concurrencyCount: 1,
      log: silentLog,
    });
    queue.ask(1);
    queue.ask(2);
    await turn();
    await queue.stop();
    expect([runs, aborted]).toEqual([[1], 1]);
  });
});
