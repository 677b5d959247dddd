/**
 * What every store keeps: counters of tries at secrets. Run on Redis and on the memory store, so that what the layers
 * above are tested with behaves like what they run on.
 */
import { until } from '../support/wait';
import type { Subject } from './subject';

const rules = { freeCount: 3, baseMs: 60_000, capMs: 900_000, hourlyMax: 10 };
const user = 'user juliet@x.org';
const account = 'account romeo@y.net';

export function describeAttempts(name: string, subject: Subject): void {
  describe(`${name}: tries at secrets`, () => {
    test('the first three may follow each other at once, then each waits twice as long as the one before', async () => {
      const { attempts } = await subject.open();
      const short = { ...rules, baseMs: 40, capMs: 100 };
      const waits: number[] = [];
      for (let i = 0; i < 6; i += 1) {
        let waitMs = await attempts.begin([user], short);
        if (waitMs > 0) waits.push(waitMs);
        await until(async () => waitMs === 0 || (waitMs = await attempts.begin([user], short)) === 0, { everyMs: 1 });
      }
      expect(waits).toHaveLength(3);
      expect(waits.map((ms, i) => ms <= ([40, 80, 100][i] ?? 0))).toEqual([true, true, true]);
      expect(waits[2]).toBeGreaterThan(40);
    });

    test('a try before its time does not lengthen the pause, also of another process', async () => {
      const store = await subject.open();
      const second = await subject.sibling(store);
      for (let i = 0; i < 3; i += 1) expect(await store.attempts.begin([user], rules)).toBe(0);
      const first = await store.attempts.begin([user], rules);
      expect(first).toBeGreaterThan(50_000);
      for (let i = 0; i < 5; i += 1) expect(await second.attempts.begin([user], rules)).toBeLessThanOrEqual(first);
    });

    test('a try counts for all of its names or for none', async () => {
      const { attempts } = await subject.open();
      for (let i = 0; i < 3; i += 1) await attempts.begin([account], rules);
      for (let i = 0; i < 5; i += 1) expect(await attempts.begin([user, account], rules)).toBeGreaterThan(0);
      for (let i = 0; i < 3; i += 1) expect(await attempts.begin([user], rules)).toBe(0);
      expect(await attempts.begin([user], rules)).toBeGreaterThan(0);
    });

    test('not more than so many in an hour, whatever the pauses', async () => {
      const { attempts } = await subject.open();
      const free = { ...rules, freeCount: 1_000, hourlyMax: 4 };
      for (let i = 0; i < 4; i += 1) expect(await attempts.begin([user], free)).toBe(0);
      const waitMs = await attempts.begin([user], free);
      expect(waitMs).toBeGreaterThan(3_500_000);
      expect(waitMs).toBeLessThanOrEqual(3_600_000);
    });

    test('tries under way at once are counted before any of them has ended', async () => {
      const { attempts } = await subject.open();
      const waits = await Promise.all(Array.from({ length: 20 }, () => attempts.begin([user], rules)));
      expect(waits.filter((ms) => ms === 0)).toHaveLength(3);
    });

    test.each([
      ['right forgets the wrong ones before it', 'right', 3],
      ['wrong lets them stand', 'wrong', 0],
      ['void takes back its own try only', 'void', 1],
    ] as const)('%s', async (_, outcome, more) => {
      const { attempts } = await subject.open();
      for (let i = 0; i < 3; i += 1) await attempts.begin([user, account], rules);
      await attempts.end([user, account], outcome);
      let count = 0;
      while ((await attempts.begin([user, account], rules)) === 0) count += 1;
      expect(count).toBe(more);
    });

    test('the end of a try that nobody knows changes nothing', async () => {
      const { attempts } = await subject.open();
      await attempts.end([user], 'void');
      await attempts.end([user], 'right');
      for (let i = 0; i < 3; i += 1) expect(await attempts.begin([user], rules)).toBe(0);
      expect(await attempts.begin([user], rules)).toBeGreaterThan(0);
    });
  });
}
