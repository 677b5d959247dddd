/** What follows a failed login or the end of a session: the table, and the sums over many tries. */
import { Fault, type FaultCode } from '../../../src/core/fault';
import { nextTry, noHistory, type LoginHistory } from '../../../src/ximss/login/login-retry';

const dayMs = 86_400_000;
const failed = (code: FaultCode) => ({ kind: 'failed' as const, fault: new Fault(code) });
const ended = (livedMs: number) => ({ kind: 'ended' as const, fault: new Fault('unavailable'), livedMs });

/** The pauses of so many tries that end alike, each as late as chance allows. */
function pauses(ending: ReturnType<typeof failed> | ReturnType<typeof ended>, count: number): (number | null)[] {
  let history: LoginHistory = noHistory;
  let nowMs = 0;
  return Array.from({ length: count }, () => {
    const next = nextTry(history, ending, nowMs, 0.999_999);
    history = next.history;
    nowMs += next.pauseMs ?? 0;
    return next.pauseMs;
  });
}

test.each<[string, FaultCode, string, number | null]>([
  ['a wrong password is asked again after a minute', 'not-authorized', 'deferred', 60_000],
  ['words that are not known are tried again', 'login-refused', 'deferred', 2_000],
  ['a full house is tried again', 'too-many-sessions', 'deferred', 2_000],
  ['an answer that does not come is tried again', 'timeout', 'waiting', 1_000],
  ['our own store is waited for', 'store-away', 'waiting', 1_000],
  ['what only the user can do ends the tries', 'needs-user', 'refused', null],
])('%s', (_, code, status, pauseMs) => {
  expect(nextTry(noHistory, failed(code), 0, 1)).toMatchObject({ status, pauseMs });
});

test('a wrong password is asked twice, then no more', () => {
  expect(pauses(failed('not-authorized'), 2)).toEqual([60_000, null]);
  const once = nextTry(noHistory, failed('not-authorized'), 0, 0);
  expect(nextTry(once.history, failed('not-authorized'), 60_000, 0).status).toBe('refused');
});

test('a wrong password is not asked earlier because the server was away meanwhile', () => {
  expect(nextTry(noHistory, failed('not-authorized'), 0, 0).mayBeEarly).toBe(false);
  expect(nextTry(noHistory, failed('login-refused'), 0, 0).mayBeEarly).toBe(true);
});

test('the single connection that is lost is back within a second, the tenth time in a row too', () => {
  for (const pause of pauses(ended(10), 10)) expect(pause).toBeLessThanOrEqual(1_000);
  for (const pause of pauses(ended(60_000), 1_000)) expect(pause).toBeLessThanOrEqual(1_000);
});

test('our own store may be away for long: nobody is later than a second after its return', () => {
  for (const pause of pauses(failed('store-away'), 100)) expect(pause).toBeLessThanOrEqual(1_000);
});

test('sessions that end at once, one after the other, are not tried every second for ever', () => {
  expect(pauses(ended(10), 40).at(-1)).toBeGreaterThan(30_000);
});

test('refusals: the pauses grow to a quarter of an hour, and to an hour after a day', () => {
  const all = pauses(failed('login-refused'), 200).map((pause) => pause ?? Infinity);
  const firstDay = all.findIndex((_, i) => all.slice(0, i).reduce((sum, pause) => sum + pause, 0) >= dayMs);
  expect(Math.max(...all.slice(0, firstDay))).toBeLessThanOrEqual(900_000);
  expect(Math.max(...all.slice(0, firstDay))).toBeGreaterThan(850_000);
  for (const pause of all.slice(firstDay)) {
    expect(pause).toBeGreaterThan(2_600_000);
    expect(pause).toBeLessThanOrEqual(3_600_000);
  }
});

test('after a day the user should know, and after a session the count begins anew', () => {
  const first = nextTry(noHistory, failed('login-refused'), 1_000, 0);
  expect(nextTry(first.history, failed('login-refused'), 1_000 + dayMs - 1, 0).isLong).toBe(false);
  expect(nextTry(first.history, failed('login-refused'), 1_000 + dayMs, 0).isLong).toBe(true);
  const after = nextTry(first.history, ended(60_000), 2_000, 0);
  expect(after.history).toEqual(noHistory);
});
