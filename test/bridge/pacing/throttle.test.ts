import { makeThrottle } from '../../../src/bridge/pacing/throttle';
import { manualClock } from '../../support/clock';

const turn = () => new Promise((resolve) => setImmediate(resolve));

test.each([
  ['after a quick turn none', 4, 0],
  ['after a slow turn twice as long', 40, 80],
  ['at most a second', 5_000, 1_000],
])('the pause is %s', async (_, turnMs, pauseMs) => {
  const clock = manualClock();
  const throttle = makeThrottle({ clock, drainsCount: () => 0 });
  setImmediate(() => clock.advance(turnMs)); // others have that much to do
  const began = clock.monotonic();
  let tookMs: number | null = null;
  const pause = throttle(new AbortController().signal).then(() => (tookMs = clock.monotonic() - began));
  await turn();
  if (pauseMs > 0) {
    clock.advance(pauseMs - 1);
    await turn();
    expect(tookMs).toBeNull();
    clock.advance(1);
  }
  await pause;
  expect(tookMs).toBe(turnMs + pauseMs);
});

test.each([
  ['until few lanes are under way', [400, 300, 200, 190], 20],
  ['a second at most', [300], 1_000],
  ['not at all while they are few', [200], 0],
])('it waits %s', async (_, counts, waitMs) => {
  const clock = manualClock();
  const drainsCount = (): number => (counts.length > 1 ? counts.shift() : counts[0]) ?? 0;
  let isOver = false;
  const pause = makeThrottle({ clock, drainsCount })(new AbortController().signal).then(() => (isOver = true));
  await turn();
  for (let ms = 0; ms < waitMs; ms += 10) {
    await turn();
    expect(isOver).toBe(false);
    clock.advance(10);
  }
  await pause;
  expect(clock.monotonic()).toBe(waitMs);
});

test('a stop ends the pause', async () => {
  const clock = manualClock();
  const stopping = new AbortController();
  setImmediate(() => clock.advance(500));
  const pause = makeThrottle({ clock, drainsCount: () => 0 })(stopping.signal);
  await turn();
  stopping.abort();
  await expect(pause).rejects.toThrow();
  expect(clock.sleeping()).toBe(0);
});
