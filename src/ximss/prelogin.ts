/**
 * What is asked of a XIMSS server without a login (docs/XIMSS.md 2.2): an account is made. Each request has a connection
 * of its own and a deadline. It tells nobody why a request was refused but its caller.
 */
import type { Clock, Log, Meter } from '../bridge/ports';
import { domainOf, localOf, type Account } from '../core/address';
import { withDeadline } from '../core/async';
import { makeXimssContext, type FarSettings } from './context';
import { requestBeforeLogin } from './login/connect';
import { signup } from './protocol/operations';

export interface Prelogin {
  /** Makes an account; the server answers late on purpose. Rejects `refused`, `no-tls`, `unavailable`, `timeout`. */
  signup(account: Account, password: string, realName: string | null, signal: AbortSignal): Promise<void>;
  /** Closes idle connections. */
  close(): void;
}

export interface PreloginOptions {
  readonly settings: FarSettings;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

/** Opens nothing before the first request. */
export function makePrelogin(options: PreloginOptions): Prelogin {
  const context = makeXimssContext(options);
  const { requestTimeoutMs } = options.settings;
  return {
    signup: (account, password, realName, signal) => {
      const operation = signup({ userName: localOf(account) ?? '', domain: domainOf(account), password, realName });
      return withDeadline(context.clock, requestTimeoutMs, signal, (inner) =>
        requestBeforeLogin(context, operation, inner),
      );
    },
    close: () => context.http?.close(),
  };
}
