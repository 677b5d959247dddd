/**
 * One connection from nothing to a logged-in session, whatever the wire. It holds the connection open on success and
 * leaves nothing behind on failure. Binding, retrying and listening are the caller's.
 */
import { abortFault } from '../../core/async';
import type { HttpSessionRecord } from '../wire/http-session-record';
import { attr, type Element } from '../wire/element';
import type { XimssContext } from '../context';
import { HttpTransport } from '../wire/http';
import type { HttpClient } from '../wire/http-client';
import { requestBeforeLoginHttp, logInHttp } from './http-login';
import { logIn, negotiateTls, requireAdmission, type LoginSettings } from './login';
import type { SessionInfo } from '../protocol/operations';
import type { Credentials } from './sasl';
import type { Operation } from '../protocol/request';
import { Session, type SessionEvents } from '../session/session';
import { TcpTransport } from '../wire/tcp';
import { Fault, toFault } from '../../core/fault';

export interface Connected {
  readonly session: Session;
  readonly info: SessionInfo;
}

/** Of HTTP sessions only. */
export interface PreviousSession {
  /** id of a session that was given up */
  readonly previousUrlId?: string | null;
  /** where this session is noted */
  readonly record?: HttpSessionRecord | null;
}

/** An asynchronous document that came before the session was handed out: an alert, or a bye. */
interface Early {
  readonly document: Element;
  readonly isEncrypted: boolean;
}

const earlyCount = 16;

/**
 * Connects and logs in. Rejects not-authorized, needs-user,
 * too-many-sessions, no-tls, unavailable, timeout, or the signal's Fault. `events.onEnd` is called only for a session
 * that was handed out; what came in clear text before TLS may be anybody's and is dropped.
 */
export async function connect(
  context: XimssContext,
  credentials: Credentials,
  events: SessionEvents,
  signal: AbortSignal,
  past: PreviousSession = {},
): Promise<Connected> {
  let isHandedOut = false;
  const early: Early[] = [];
  const session: Session = new Session(context.sessionSettings, {
    onAsync: (document, place) => {
      if (isHandedOut) return events.onAsync(document, place);
      if (early.length < earlyCount) early.push({ document, isEncrypted: session.isEncrypted });
      return undefined;
    },
    onOddity: (kind, fault) => events.onOddity(kind, fault),
    onTrouble: (fault) => events.onTrouble(fault),
    onEnd: (fault) => {
      context.ticker.remove(session);
      if (isHandedOut) events.onEnd(fault);
    },
  });
  const onAbort = (): void => session.destroy(abortFault(signal));
  signal.addEventListener('abort', onAbort);
  try {
    const user = withLoginName(credentials, context);
    const info =
      context.http === null
        ? await overTcp(context, session, user, signal)
        : await overHttp(context, context.http, session, user, past, signal);
    if (session.isEnded) throw new Fault('unavailable', { cause: 'lost at the end of the login' });
    isHandedOut = true;
    for (const { document, isEncrypted } of early) {
      if (isEncrypted === session.isEncrypted) void events.onAsync(document);
    }
    return { session, info };
  } catch (error) {
    const fault = signal.aborted ? abortFault(signal) : toFault(error);
    session.destroy(fault);
    throw fault;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

async function overTcp(
  context: XimssContext,
  session: Session,
  user: Credentials,
  signal: AbortSignal,
): Promise<SessionInfo> {
  const transport = await openTcp(context, session, signal);
  return logIn(session, transport, user, loginSettings(context), signal);
}

async function openTcp(context: XimssContext, session: Session, signal: AbortSignal): Promise<TcpTransport> {
  const target = { ...context.settings.server, secureContext: context.secureContext };
  const transport = await TcpTransport.open(target, context.codec, session, signal);
  session.attach(transport);
  context.ticker.add(session);
  return transport;
}

async function overHttp(
  context: XimssContext,
  client: HttpClient,
  session: Session,
  user: Credentials,
  { previousUrlId = null, record = null }: PreviousSession,
  signal: AbortSignal,
): Promise<SessionInfo> {
  const { info, cookie } = await logInHttp(context, client, user, previousUrlId, signal);
  const transport = new HttpTransport(
    {
      exchange: client.exchange,
      codec: context.httpCodec,
      clock: context.clock,
      urlId: info.urlId,
      cookie,
      isEncrypted: context.settings.server.isTls,
      requestTimeoutMs: context.settings.requestTimeoutMs,
      record,
    },
    session,
  );
  session.attach(transport);
  context.ticker.add(session);
  await record?.opened(info.urlId, cookie); // before the bind: from then on it holds what must not be lost
  requireAdmission(info); // only now: what follows a refusal ends the session on the server too
  transport.start();
  return info;
}

/**
 * Asks one operation before login (`listFeatures`, `signup`) and leaves. Rejects its refusal, no-tls,
 * unavailable, timeout, or the signal's Fault.
 */
export async function requestBeforeLogin<R>(
  context: XimssContext,
  operation: Operation<R>,
  signal: AbortSignal,
): Promise<R> {
  if (context.http !== null) {
    const isSecret = attr(operation.request, 'password') !== null;
    if (isSecret && !context.settings.server.isTls && context.settings.starttls === 'required')
      throw new Fault('no-tls');
    return requestBeforeLoginHttp(context, context.http, operation, signal);
  }
  const done = new Fault('unavailable', { cause: 'only a question' });
  const session: Session = new Session(context.sessionSettings, {
    ...noEvents,
    onEnd: () => context.ticker.remove(session),
  });
  const onAbort = (): void => session.destroy(abortFault(signal));
  signal.addEventListener('abort', onAbort);
  try {
    const transport = await openTcp(context, session, signal);
    await negotiateTls(session, transport, loginSettings(context), signal);
    return await session.perform(operation);
  } catch (error) {
    throw signal.aborted ? abortFault(signal) : toFault(error);
  } finally {
    signal.removeEventListener('abort', onAbort);
    session.destroy(done);
  }
}

/** For sessions that nobody listens to. */
export const noEvents: SessionEvents = {
  onAsync: () => undefined,
  onOddity: () => undefined,
  onTrouble: () => undefined,
  onEnd: () => undefined,
};

function loginSettings(context: XimssContext): LoginSettings {
  const { domain, starttls, login } = context.settings;
  return { host: context.settings.server.host, domain, starttls, login, dialect: context.dialect };
}

/** The name as the dialect gives it (A5): with its domain, or the part before it. */
function withLoginName({ name, password }: Credentials, context: XimssContext): Credentials {
  return { name: context.dialect.loginName === 'local' ? (name.split('@')[0] ?? name) : name, password };
}
