/**
 * The one retry policy, for lanes and for reconnects: what to do after a fault, and how long to wait. Pure: age, attempts
 * and dice are arguments. It never decides what a fault means; that is the table in core/fault.ts.
 */
import { en } from './i18n/en';
import { Fault, faultTable, type FaultData } from './fault';

/** `baseMs`: the longest first pause. `capMs`: no pause is ever longer. */
export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
}

/** Between two tries of a lane's head. */
export const laneBackoff: Backoff = { baseMs: 1_000, capMs: 60_000 };

const floorMs = 100;

/** The longest pause that `backoffMs` can give after this many attempts: doubles from base to cap. Never throws. */
export function backoffBoundMs(attempts: number, { baseMs, capMs }: Backoff): number {
  return Math.min(capMs, baseMs * 2 ** Math.max(0, attempts - 1));
}

/**
 * Pause in ms after `attempts` failed tries (1 = the first has failed; less counts as 1): exponential with full jitter,
 * uniform between a small floor and the bound. `dice` is uniform in [0, 1). Whole milliseconds; never throws.
 */
export function backoffMs(attempts: number, dice: number, backoff: Backoff): number {
  const bound = backoffBoundMs(attempts, backoff);
  const floor = Math.min(floorMs, bound);
  return Math.round(floor + Math.min(1, Math.max(0, dice)) * (bound - floor));
}

export interface Circumstances {
  /** tries made, this one included */
  readonly attempts: number;
  readonly ageMs: number;
  readonly expireAfterMs: number;
  /** uniform in [0, 1) */
  readonly dice: number;
  /** may something be sent again that may have arrived already? The operator's choice. */
  readonly unknownOutcome: 'retry' | 'report';
  readonly backoff?: Backoff;
}

/**
 * wait: the same again after `ms`. bounce: tell the sender this fault, once. hold: nothing helps until the link changes;
 * look again after `ms` all the same, because by then it has expired.
 */
export type Decision =
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'bounce'; readonly fault: FaultData }
  | { readonly do: 'hold'; readonly ms: number };

/** True when something of this age is not tried any more. */
export function isExpired(ageMs: number, expireAfterMs: number): boolean {
  return ageMs >= expireAfterMs;
}

/** What the sender is told when time is up: `expired`, with what was in the way last (null: it was never tried). */
export function expiry(last: Pick<FaultData, 'text'> | null): FaultData {
  const said = en.faults.expired;
  return { code: 'expired', text: last === null || last.text === said ? said : `${said} ${last.text}` };
}

/** What to do after a fault. Refusals bounce whatever the age; anything else waits until it expires. Never throws. */
export function decide(thrown: Fault | FaultData, now: Circumstances): Decision {
  const fault = thrown instanceof Fault ? thrown.toData() : thrown;
  const { retry } = faultTable[fault.code];
  if (retry === 'never') return { do: 'bounce', fault };
  if (retry === 'unknown' && now.unknownOutcome === 'report') return { do: 'bounce', fault };
  if (isExpired(now.ageMs, now.expireAfterMs)) return { do: 'bounce', fault: expiry(fault) };
  const leftMs = Math.max(1, Math.ceil(now.expireAfterMs - now.ageMs));
  if (retry === 'reauth') return { do: 'hold', ms: leftMs };
  return { do: 'wait', ms: Math.min(leftMs, backoffMs(now.attempts, now.dice, now.backoff ?? laneBackoff)) };
}
