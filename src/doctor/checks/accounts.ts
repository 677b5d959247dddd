/**
 * With --accounts: each account of the configuration logs in once, as the bridge would, and leaves. The server's clock
 * is read on the way. Passwords are used and never shown.
 */
import type { Clock } from '../../bridge/ports';
import type { Config } from '../../config';
import { Fault, toFault } from '../../core/fault';
import type { Check, CheckResult } from '../runner';
import { connect, noEvents } from '../../ximss/login/connect';
import { bye, readTime } from '../../ximss/protocol/operations';
import { ximssContextOf } from './ximss-context';

const loginMs = 25_000;
/** Messages older than a minute are marked as delayed: clocks that differ more would mark them all. */
const skewMaxMs = 60_000;
/** The rows: one for each account, and one for the clock. `isWanted`: the operator has asked for logins. */
export function accountChecks(config: Config, clock: Clock, isWanted: boolean): readonly Check[] {
  const { accounts } = config;
  if (!isWanted) {
    const detail = `${accounts.length} in the configuration; tried only with --accounts`;
    return [{ name: 'account logins', run: () => Promise.resolve({ ok: 'skip', detail }) }];
  }
  if (accounts.length === 0) {
    const detail = 'there are none in the configuration (accounts:)';
    return [{ name: 'account logins', run: () => Promise.resolve({ ok: 'skip', detail }) }];
  }
  let skewMs: number | null = null;
  const logins = accounts.map(({ account, password, jid }, at): Check => ({
    name: `login ${account}`,
    needs: ['XIMSS server'],
    async run(signal) {
      try {
        const seen = await logIn(config, clock, { name: account, password }, signal);
        skewMs ??= seen.skewMs;
        return { ok: true, detail: `for ${jid}${seen.version === null ? '' : `, server version ${seen.version}`}` };
      } catch (thrown) {
        return loginResult(toFault(thrown), `accounts.${at}`);
      }
    },
  }));
  return [...logins, { name: 'clocks', run: () => Promise.resolve(clockResult(skewMs)) }];
}

interface LoginFacts {
  readonly version: string | null;
  /** theirs minus ours; null when it cannot be told */
  readonly skewMs: number | null;
}

async function logIn(
  config: Config,
  clock: Clock,
  credentials: { readonly name: string; readonly password: string },
  signal: AbortSignal,
): Promise<LoginFacts> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(loginMs)]);
  const { session, info } = await connect(ximssContextOf(config, clock), credentials, noEvents, limited);
  const drop = (): void => session.destroy(new Fault('timeout'));
  limited.addEventListener('abort', drop);
  try {
    const begun = clock.now();
    const theirs = await session.perform(readTime()).catch(() => null);
    // theirs is cut to the second: half of one is the best guess for the rest
    const skewMs = theirs === null ? null : theirs + 500 - (begun + clock.now()) / 2;
    await session.perform(bye()).catch(() => undefined); // the login has been proved
    return { version: info.version, skewMs };
  } finally {
    limited.removeEventListener('abort', drop);
    session.destroy(new Fault('stopping'));
  }
}

/** The row of a failed login; `path` is where the account stands in the configuration. */
export function loginResult(fault: Fault, path: string): CheckResult {
  const failed = (detail: string, advice?: string): CheckResult => ({
    ok: false,
    detail,
    ...(advice === undefined ? {} : { advice }),
  });
  switch (fault.code) {
    case 'not-authorized':
      return failed(
        `the server refuses account or password: ${fault.text}`,
        `Compare ${path}.account and ${path}.password with CommuniGate's; the account must have the XIMSS service switched on.`,
      );
    case 'needs-user':
      return failed(
        fault.text,
        'Log in once with a CommuniGate client and do what it asks (new password, second factor).',
      );
    case 'too-many-sessions':
      return failed(fault.text, 'Without a XIMSS or Groupware licence key CommuniGate takes 5 sessions in all.');
    case 'no-tls':
      return failed('the server offers no TLS and ximss.starttls is required', 'See the row about encryption.');
    default:
      return failed(fault.text, 'See the rows about the XIMSS server and its certificate.');
  }
}

/** The row about the clocks. */
export function clockResult(skewMs: number | null): CheckResult {
  if (skewMs === null) return { ok: 'skip', detail: 'the server did not tell its time' };
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  if (seconds <= 1) return { ok: true, detail: 'the clocks of both machines agree' };
  const detail = `the XIMSS server's clock is ${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} ours`;
  if (Math.abs(skewMs) <= skewMaxMs) return { ok: true, detail };
  return {
    ok: false,
    detail,
    advice: 'Stored messages would carry wrong times. Let NTP set both clocks: timedatectl set-ntp true',
  };
}
