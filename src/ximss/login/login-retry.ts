/**
 * What follows the end of a session, or of a try to have one: a table and small sums, pure. A password that the server
 * clearly calls wrong is asked twice, a minute apart, then the tries stop. Whatever else the server says is tried again
 * with growing pauses, up to a quarter of an hour, hourly after a day. A session that ended is back within a second,
 * unless one after another ends at once. Time and chance are arguments.
 */
import type { Fault } from '../../core/fault';
import type { LinkStatus } from '../../core/model';
import { backoffMs, type Backoff } from '../../core/retry';

/** What has been tried since the last session that lasted. Times in ms on the clock that never jumps. */
export interface LoginHistory {
  /** tries in a row that failed */
  readonly failureCount: number;
  readonly wrongPasswordCount: number;
  /** when the server first said no; null: it has not, or a session was had since */
  readonly refusedSinceMs: number | null;
  /** sessions in a row that ended soon */
  readonly shortCount: number;
}

export const noHistory: LoginHistory = { failureCount: 0, wrongPasswordCount: 0, refusedSinceMs: null, shortCount: 0 };

/** ended: a session was there for `livedMs`. failed: there was none. */
export type Ending =
  | { readonly kind: 'ended'; readonly fault: Fault; readonly livedMs: number }
  | { readonly kind: 'failed'; readonly fault: Fault };

export interface NextTry {
  readonly history: LoginHistory;
  readonly status: Extract<LinkStatus, 'waiting' | 'deferred' | 'refused'>;
  /** null: none, until the link changes or the operator wants it */
  readonly pauseMs: number | null;
  /** the return of the server ends the pause */
  readonly mayBeEarly: boolean;
  /** it has been a day: the user should know */
  readonly isLong: boolean;
}

const steadyMs = 30_000;
/** Sessions that ended soon, in a row, before the pauses grow. */
const shortLimitCount = 20;
const wrongPasswordPauseMs = 60_000;
const wrongPasswordLimitCount = 2;
const dayMs = 86_400_000;
const hourMs = 3_600_000;

const afterSession: Backoff = { baseMs: 1_000, capMs: 1_000 };
const afterShortSessions: Backoff = { baseMs: 1_000, capMs: 60_000 };
const afterFailure: Backoff = { baseMs: 1_000, capMs: 120_000 };
const afterRefusal: Backoff = { baseMs: 2_000, capMs: 900_000 };

/** What to do now. `dice` is uniform in [0, 1). Never throws. */
export function nextTry(history: LoginHistory, ending: Ending, nowMs: number, dice: number): NextTry {
  const { fault } = ending;
  const base = { mayBeEarly: true, isLong: false };
  if (ending.kind === 'ended') {
    const shortCount = ending.livedMs >= steadyMs ? 0 : history.shortCount + 1;
    const tooMany = shortCount - shortLimitCount;
    const pauseMs = tooMany > 0 ? backoffMs(tooMany, dice, afterShortSessions) : backoffMs(1, dice, afterSession);
    return { ...base, history: { ...noHistory, shortCount }, status: 'waiting', pauseMs };
  }
  const failureCount = history.failureCount + 1;
  if (fault.code === 'needs-user') {
    return { ...base, history: { ...history, failureCount }, status: 'refused', pauseMs: null };
  }
  if (fault.code === 'not-authorized') {
    const wrongPasswordCount = history.wrongPasswordCount + 1;
    const next = { ...history, failureCount, wrongPasswordCount };
    if (wrongPasswordCount >= wrongPasswordLimitCount) {
      return { ...base, history: next, status: 'refused', pauseMs: null };
    }
    return { ...base, mayBeEarly: false, history: next, status: 'deferred', pauseMs: wrongPasswordPauseMs };
  }
  if (fault.code === 'login-refused' || fault.code === 'too-many-sessions') {
    const refusedSinceMs = history.refusedSinceMs ?? nowMs;
    const isLong = nowMs - refusedSinceMs >= dayMs;
    const pauseMs = isLong ? Math.round((1 - dice / 4) * hourMs) : backoffMs(failureCount, dice, afterRefusal);
    return { ...base, isLong, history: { ...history, failureCount, refusedSinceMs }, status: 'deferred', pauseMs };
  }
  if (fault.code === 'store-away') {
    // ours, and back in a moment: nothing is asked of the server meanwhile
    return { ...base, history, status: 'waiting', pauseMs: backoffMs(1, dice, afterSession) };
  }
  const pauseMs = backoffMs(failureCount, dice, afterFailure);
  return { ...base, history: { ...history, failureCount }, status: 'waiting', pauseMs };
}
