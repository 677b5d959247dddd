/**
 * Getting in: the name of the starttls request (A2), which challenge logins work (A3), the form of a clear-text login
 * (A4), the form of the name (A5). At most a handful of refused logins, and a clear-text password only where the
 * bridge itself might send it: encrypted, or to this machine, or where the configuration allows it.
 */
import { isLoopback, type Config } from '../../config';
import { Fault, toFault } from '../../core/fault';
import type { Dialect } from '../../ximss/protocol/dialect';
import { probePrelogin, preloginFailure, type PreloginResult } from '../checks/prelogin-probe';
import { found, notFound, type Finding } from './findings';
import type { ContextChanges } from '../checks/ximss-context';
import type { DialectContext } from './context';
import type { TestSession } from './session';

const lookMs = 20_000;

/** Finds how to log in and opens a session for each account. Rejects with a Fault whose text says who cannot log in. */
export async function logIn(context: DialectContext): Promise<readonly [TestSession, TestSession]> {
  const prelogin = await tryStarttls(context);
  const first = await firstLogin(context, prelogin);
  await tryMethods(context, prelogin);
  const second = await context.openSession(context.accounts[1]).catch((thrown: unknown) => {
    throw named(thrown, context.accounts[1].account);
  });
  return [first, second];
}

// ---- A2

async function tryStarttls(context: DialectContext): Promise<PreloginResult | null> {
  const target = context.ximss().settings.server;
  const probe = (element: Dialect['starttlsElement']): Promise<PreloginResult> =>
    probePrelogin(
      { server: context.config.ximss.server, context: context.ximss(), starttlsElement: element },
      AbortSignal.any([context.signal, AbortSignal.timeout(lookMs)]),
    );
  let prelogin: PreloginResult;
  try {
    prelogin = await probe('starttls');
  } catch (thrown) {
    throw new Fault('unavailable', { text: preloginFailure(thrown, context.config.ximss.server), cause: thrown });
  }
  if (target.binding === 'http') context.note(notFound('starttlsElement', 'unknown', 'not used over HTTP'));
  else if (target.isTls) context.note(notFound('starttlsElement', 'unknown', 'TLS begins with the first byte here'));
  else if (prelogin.starttls === 'up') context.note(found('starttlsElement', 'starttls', 'TLS came up'));
  else if (prelogin.starttls === 'not-offered')
    context.note(notFound('starttlsElement', 'unknown', 'the server offers no TLS'));
  else {
    const refusal = typeof prelogin.starttls === 'object' ? (prelogin.starttls?.refusal ?? '') : '';
    const other = await probe('startTLS').catch(() => null);
    if (other?.starttls !== 'up')
      context.note(notFound('starttlsElement', 'neither', `both names are refused: ${refusal}`));
    else context.note(found('starttlsElement', 'startTLS', `starttls is refused: ${refusal}`));
    return other ?? prelogin;
  }
  return prelogin;
}

// ---- the first login, A5

interface LoginForm {
  readonly changes: ContextChanges;
  readonly name?: Dialect['loginName'];
}

async function firstLogin(context: DialectContext, prelogin: PreloginResult | null): Promise<TestSession> {
  const [owner] = context.accounts;
  const ways: LoginForm[] = [{ changes: {} }, { changes: { dialect: { loginName: 'local' } }, name: 'local' }];
  if (offered(prelogin).includes('CRAM-MD5')) ways.push({ changes: { login: 'cram-md5' } });
  if (mayTellPassword(context, prelogin)) {
    ways.push({ changes: { login: 'plain' } }, { changes: { login: 'plain', dialect: { clearTextLogin: 'plain' } } });
  }
  let failure: Fault | null = null;
  for (const { changes, name } of ways) {
    try {
      const session = await context.openSession(owner, changes);
      const seen = session.info?.userName ?? owner.account;
      if (name === 'local')
        context.note(found('loginName', name, `accepted only without its domain; the session is ${seen}'s`));
      else context.note(found('loginName', 'full', `the session is ${seen}'s`));
      return session;
    } catch (thrown) {
      failure ??= toFault(thrown);
      if (isFinal(toFault(thrown))) throw named(thrown, owner.account);
    }
  }
  throw named(failure, owner.account);
}

/** No other way of logging in would help. */
const isFinal = ({ code }: Fault): boolean => ['needs-user', 'too-many-sessions', 'no-tls', 'stopping'].includes(code);

function named(thrown: unknown, account: string): Fault {
  const fault = toFault(thrown);
  return new Fault(fault.code, { text: `${account} cannot log in: ${fault.text}`, cause: fault });
}

const offered = (prelogin: PreloginResult | null): readonly string[] => prelogin?.features?.sasl ?? [];

function mayTellPassword(context: DialectContext, prelogin: PreloginResult | null): boolean {
  return isPasswordSafe(context.ximss().settings.server, prelogin, context.config.ximss);
}

/** May a clear-text password go there: encrypted, to this machine, or as the bridge itself would send it? Pure. */
export function isPasswordSafe(
  { host, isTls }: { readonly host: string; readonly isTls: boolean },
  prelogin: Pick<PreloginResult, 'starttls' | 'features'> | null,
  { starttls, login }: Pick<Config['ximss'], 'starttls' | 'login'>,
): boolean {
  const isEncrypted = isTls || (prelogin?.starttls === 'up' && starttls !== 'never');
  const hasChallenge = prelogin?.features?.sasl.some((name) => ['CRAM-MD5', 'DIGEST-MD5'].includes(name)) === true;
  const isUsual = starttls !== 'required' && (login === 'plain' || (login === 'auto' && !hasChallenge));
  return isEncrypted || isLoopback(host) || isUsual;
}

// ---- A3, A4

async function tryMethods(context: DialectContext, prelogin: PreloginResult | null): Promise<void> {
  const works = new Map<string, Fault | null>();
  for (const { login, name } of challengesOf(context, prelogin)) works.set(name, await failureOf(context, { login }));
  context.note(challenges(works));
  if (!mayTellPassword(context, prelogin)) {
    return context.note(
      notFound('clearTextLogin', 'unknown', 'the connection is not encrypted: no password is sent over it'),
    );
  }
  const plain = await failureOf(context, { login: 'plain' });
  if (plain === null) return context.note(found('clearTextLogin', 'method-less', 'name and password are accepted'));
  if (plain.code === 'no-tls') return context.note(notFound('clearTextLogin', 'unknown', plain.text));
  const sasl = await failureOf(context, { login: 'plain', dialect: { clearTextLogin: 'plain' } });
  if (sasl === null) return context.note(found('clearTextLogin', 'plain', `without a method: ${plain.text}`));
  context.note(notFound('clearTextLogin', 'neither', `both forms are refused: ${plain.text}; ${sasl.text}`));
}

/** What can be tried: over HTTP it is the nonce, whatever the configuration calls it. */
function challengesOf(
  context: DialectContext,
  prelogin: PreloginResult | null,
): readonly { readonly login: 'digest-md5' | 'cram-md5'; readonly name: string }[] {
  if (context.ximss().settings.server.binding === 'http') {
    return prelogin?.features?.nonce == null ? [] : [{ login: 'cram-md5', name: 'login by nonce' }];
  }
  return (['digest-md5', 'cram-md5'] as const)
    .filter((login) => offered(prelogin).includes(login.toUpperCase()))
    .map((login) => ({ login, name: login }));
}

/** A3. `auto` takes the strongest, so DIGEST-MD5 that fails is in the way, and CRAM-MD5 behind one that works is not. Pure. */
export function challenges(works: ReadonlyMap<string, Fault | null>): Finding {
  const tried = [...works].map(([name, fault]) => `${name} ${fault === null ? 'works' : `fails (${fault.text})`}`);
  if (tried.length === 0) return notFound('challengeMethods', 'unknown', 'the server offers none');
  const [strongest] = works.values();
  if (strongest === null) return found('challengeMethods', 'all', tried.join(', '));
  return found('challengeMethods', works.get('cram-md5') === null ? 'cram-md5' : 'none', tried.join(', '));
}

/** Logs the first account in and out; null when it worked. */
async function failureOf(context: DialectContext, changes: ContextChanges): Promise<Fault | null> {
  try {
    await (await context.openSession(context.accounts[0], changes)).close();
    return null;
  } catch (thrown) {
    return toFault(thrown);
  }
}
