/**
 * From an open TCP connection whose features are known to a logged-in session (docs/XIMSS.md 2.3, 2.4): the strongest
 * login that both sides know. It never falls back to a weaker login after the server has seen an answer of ours, but
 * where a password has letters outside ASCII, which servers hash in different ways; and to clear text then only inside
 * TLS.
 */
import { Fault, toFault } from '../../core/fault';
import type { Dialect } from '../protocol/dialect';
import { readSession, type Features, type SessionInfo } from '../protocol/operations';
import type { Session } from '../session/session';
import { LoginAttempt } from './attempt';
import { loginFault } from './login-fault';
import type { Credentials } from './sasl';
import type { LoginMemory, LoginMethod, LoginSettings, LoginWay } from './types';

export interface LoginOptions {
  readonly session: Session;
  readonly isEncrypted: boolean;
  readonly features: Features;
  readonly credentials: Credentials;
  readonly settings: LoginSettings;
  readonly memory?: LoginMemory | undefined;
}

/** Logs in. Rejects not-authorized, login-refused, needs-user, too-many-sessions, unavailable, timeout. */
export async function logIn(options: LoginOptions): Promise<SessionInfo> {
  const { session, isEncrypted, features, credentials, settings, memory } = options;
  const methods = methodsFor(settings.login, features.sasl, settings.dialect);
  const isAscii = !/[^\0-\x7f]/.test(credentials.name + credentials.password);
  const mayUsePlain = settings.login === 'auto' && isEncrypted;
  const ways = remembered(isAscii ? methods.map(standard) : waysFor(methods, mayUsePlain), memory?.way ?? null);
  let wrongPassword: Fault | null = null;
  for (const [index, way] of ways.entries()) {
    const attempt = new LoginAttempt(session, credentials, settings);
    try {
      const info = readSession(await attempt.run(way));
      requireAdmission(info);
      if (memory !== undefined) memory.way = way;
      return info;
    } catch (error) {
      const fault = toFault(error);
      const meant = loginFault(fault, settings.dialect);
      if (meant.code === 'not-authorized') wrongPassword = meant;
      const isLast = index === ways.length - 1 || meant.code === 'too-many-sessions';
      const mayTryNext = fault.code === 'refused' && !isLast && (!attempt.hasAnswered || !isAscii);
      if (!mayTryNext) throw wrongPassword ?? meant;
    }
  }
  throw new Fault('unavailable', { cause: 'no login method' });
}

const standard = (method: LoginMethod): LoginWay => ({ method, hashing: 'standard' });

/** Methods to try, strongest first (dialect A3). The last of `auto` is clear text, which needs no advertisement. */
export function methodsFor(
  configured: 'auto' | LoginMethod,
  offered: readonly string[],
  dialect: Pick<Dialect, 'challengeMethods'>,
): readonly LoginMethod[] {
  if (configured !== 'auto') return [configured];
  const known: readonly LoginMethod[] = ['digest-md5', 'cram-md5'];
  const allowed = known.filter((method) => dialect.challengeMethods === 'all' || method === dialect.challengeMethods);
  const usable = allowed.filter((method) => offered.includes(method.toUpperCase()));
  return usable.length > 0 ? usable : ['plain'];
}

/** Ways for a password with letters outside ASCII: the strongest method in both hashings, then each other one once. */
export function waysFor(methods: readonly LoginMethod[], mayUsePlain: boolean): readonly LoginWay[] {
  const [first = 'plain', ...others] = methods;
  const both: readonly LoginWay[] = first === 'plain' ? [] : [{ method: first, hashing: 'other' }];
  const last: readonly LoginMethod[] = mayUsePlain && !methods.includes('plain') ? ['plain'] : [];
  return [standard(first), ...both, ...[...others, ...last].map(standard)];
}

/** The way that worked last time comes first. */
function remembered(ways: readonly LoginWay[], last: LoginWay | null): readonly LoginWay[] {
  const isLast = ({ method, hashing }: LoginWay): boolean => method === last?.method && hashing === last.hashing;
  return [...ways.filter(isLast), ...ways.filter((way) => !isLast(way))];
}

/** Throws needs-user when the account has something to do before it may be used (2.4). */
export function requireAdmission(info: SessionInfo): void {
  if (info.mustChangePassword || info.needsSecondFactor) throw new Fault('needs-user');
}
