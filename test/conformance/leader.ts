/**
 * What every store keeps: one leader. Run on Redis and on the memory store, so that what the layers above are tested with
 * behaves like what they run on.
 */
import type { Subject } from './subject';

export function describeLeader(name: string, subject: Subject): void {
  describe(`${name}: leader`, () => {
    test('one leads, the next waits, the token grows', async () => {
      const store = await subject.open();
      const second = await subject.sibling(store);
      const first = await store.lease.acquire(AbortSignal.timeout(5_000));
      await expect(second.lease.acquire(AbortSignal.timeout(60))).rejects.toBeDefined();
      const waiting = second.lease.acquire(AbortSignal.timeout(10_000));
      expect(first.lost.aborted).toBe(false);
      await first.release();
      await first.release();
      expect(first.lost.aborted).toBe(true);
      const next = await waiting;
      expect(next.token).toBeGreaterThan(first.token);
      await next.release();
    });
  });
}
