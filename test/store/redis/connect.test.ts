/** How soon a Redis that was away is tried again. */
import { systemClock } from '../../../src/ops/clock';
import { baseOptions } from '../../../src/store/redis/connect';
import { targetOf } from '../../../src/store/redis/target';

test.each([0, 0.5, 0.999])('it is tried every second at most, however long it was away (dice %d)', (dice) => {
  const { retryStrategy } = baseOptions(targetOf({ url: 'redis://127.0.0.1' }), { ...systemClock, dice: () => dice });
  const waits = Array.from({ length: 200 }, (_, i) => retryStrategy?.(i + 1) ?? Infinity);
  for (const ms of waits) expect(ms).toBeLessThanOrEqual(1_000);
});
