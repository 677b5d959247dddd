import { systemClock } from '../../src/ops/clock';
import { Fault } from '../../src/core/fault';

const never = new AbortController().signal;

test('a sleep ends by itself', async () => {
  await expect(systemClock.sleep(1, never)).resolves.toBeUndefined();
});

test('a sleep that is ended rejects with the reason of the signal, during it and before it', async () => {
  const stopper = new AbortController();
  const reason = new Fault('stopping');
  const sleeping = systemClock.sleep(60_000, stopper.signal);
  stopper.abort(reason);
  await expect(sleeping).rejects.toBe(reason);
  await expect(systemClock.sleep(60_000, stopper.signal)).rejects.toBe(reason);
});
