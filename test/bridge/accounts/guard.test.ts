/** Guessing is slow, whoever guesses and however often the bridge is started again. */
import { makeGuard, type GuardOptions } from '../../../src/bridge/accounts/guard';
import type { Account, BareJid } from '../../../src/core/address';
import { Fault } from '../../../src/core/fault';
import { manualClock } from '../../support/clock';
import { makeMemoryStore } from '../../support/fakes/memory-store';
import { countingMeter, silentLog } from '../../support/silence';

const juliet = 'juliet@jabber.test' as BareJid;
const account = 'romeo@far.test' as Account;
const wrong = new Fault('not-authorized');

function scene(options: Partial<GuardOptions> = {}) {
  const clock = manualClock();
  const store = makeMemoryStore({ clock });
  const start = () =>
    makeGuard({
      attempts: store.attempts,
      limits: () => ({ triesPerHour: 1_000, linksPerDomain: 1_000 }),
      isOwnDomain: () => false,
      log: silentLog,
      meter: countingMeter(),
      ...options,
    });
  let guard = start();
  let reachedCount = 0;
  /** How a try ends: `ok`, the fault's code, or the seconds to wait. */
  async function attempt(answer: Fault | null, user = juliet, at = account): Promise<string> {
    try {
      await guard.attempt(user, at, () => {
        reachedCount += 1;
        return answer === null ? Promise.resolve() : Promise.reject(answer);
      });
      return 'ok';
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown;
      return thrown.code === 'try-later' ? `wait ${thrown.value}` : thrown.code;
    }
  }
  return { clock, attempt, reached: () => reachedCount, restart: () => (guard = start()), guard };
}

test('after the third wrong password in a row each further one waits twice as long, to 15 minutes', async () => {
  const { clock, attempt } = scene();
  const waits: string[] = [];
  for (let i = 0; i < 14; i += 1) {
    expect(await attempt(wrong)).toBe('not-authorized');
    const before = await attempt(wrong);
    if (!before.startsWith('wait')) continue;
    waits.push(before);
    clock.advance(1_000 * Number(before.slice('wait '.length)));
  }
  expect(waits.slice(0, 4)).toEqual(['wait 1', 'wait 2', 'wait 4', 'wait 8']);
  expect(waits.at(-1)).toBe('wait 900');
});

test('a try before its time does not reach the other side and does not lengthen the pause; the right password is then accepted', async () => {
  const { clock, attempt, reached } = scene();
  for (let i = 0; i < 3; i += 1) await attempt(wrong);
  for (let i = 0; i < 100; i += 1) expect(await attempt(null)).toBe('wait 1');
  expect(reached()).toBe(3);
  clock.advance(1_000);
  expect(await attempt(null)).toBe('ok');
  expect(await attempt(wrong)).toBe('not-authorized'); // and the count begins anew
});

test('the pause is also that of the account: a thousand users who guess at one wait for each other', async () => {
  const { attempt, reached } = scene();
  const users = Array.from({ length: 1_000 }, (_, i) => `u${i}@remote.test` as BareJid);
  for (const user of users) await attempt(wrong, user);
  expect(reached()).toBe(3);
});

test('so many tries an hour, whatever the pauses', async () => {
  const { clock, attempt, reached } = scene({ limits: () => ({ triesPerHour: 5, linksPerDomain: 1_000 }) });
  for (let i = 0; i < 60; i += 1) {
    await attempt(wrong);
    clock.advance(60_000);
  }
  expect(reached()).toBeLessThanOrEqual(5);
});

test('counters survive a restart', async () => {
  const { attempt, restart } = scene();
  for (let i = 0; i < 3; i += 1) await attempt(wrong);
  restart();
  expect(await attempt(null)).toBe('wait 1');
});

test.each<[string, Fault, string]>([
  ['a server that was away judged nothing', new Fault('unavailable'), 'ok'],
  ['nor one that did not answer', new Fault('timeout'), 'ok'],
  ['a refusal in unknown words may mean a wrong password', new Fault('refused'), 'wait 1'],
  ['a password that needs more of its user was right', new Fault('needs-user'), 'ok'],
])('%s', async (_name, answer, next) => {
  const { attempt } = scene();
  for (let i = 0; i < 3; i += 1) await attempt(answer);
  expect(await attempt(null)).toBe(next);
});

test('sixteen tries are under way at once, in all', async () => {
  const { guard, attempt } = scene();
  const ends: (() => void)[] = [];
  const tries = Array.from({ length: 16 }, (_, i) =>
    guard.attempt(`u${i}@a.test` as BareJid, `a${i}@far.test` as Account, () => new Promise((end) => ends.push(end))),
  );
  expect(await attempt(null)).toBe('wait 5');
  while (ends.length < 16) await new Promise((resolve) => setImmediate(resolve));
  for (const end of ends) end();
  await Promise.all(tries);
  expect(await attempt(null)).toBe('ok');
});
