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
import { logInHttp, probeHttp, requestBeforeLoginHttp } from './http-login';
import { logIn, requireAdmission } from './login';
import type { LoginMemory, LoginSettings } from './types';
import { negotiateTls } from './negotiate-tls';
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

export interface ConnectOptions {
  /** the server has answered, encrypted as it must be: what fails from here on is not for want of a server */
  readonly onReached?: () => void;
  /** what worked at the last login of this account, and what does at this one */
  readonly memory?: LoginMemory;
  /** HTTP: where this session is noted */
  readonly record?: HttpSessionRecord | null;
}

/** An asynchronous document that came before the session was handed out: an alert, or a bye. */
interface Early {
  readonly document: Element;
  readonly isEncrypted: boolean;
}

const earlyCount = 16;

/**
 * Connects and logs in. Rejects not-authorized, login-refused, needs-user, too-many-sessions, no-tls, unavailable,
 * timeout, or the signal's Fault. `events` get all from the moment on when the session is handed out, and `onEnd` only
 * then; what came in clear text before TLS may be anybody's and is dropped.
 */
export async function connect(
  context: XimssContext,
  credentials: Credentials,
  events: SessionEvents,
  signal: AbortSignal,
  options: ConnectOptions = {},
): Promise<Connected> {
  const early: Early[] = [];
  const session: Session = new Session(context.sessionSettings, {
    ...noEvents,
    onAsync: (document) => {
      if (early.length < earlyCount) early.push({ document, isEncrypted: session.isEncrypted });
      return undefined;
    },
    onOddity: (kind, fault) => events.onOddity(kind, fault),
  });
  const onAbort = (): void => session.destroy(abortFault(signal));
  signal.addEventListener('abort', onAbort);
  try {
    const user = withLoginName(credentials, context);
    const info =
      context.http === null
        ? await overTcp(context, session, user, signal, options)
        : await overHttp(context, context.http, session, user, signal, options);
    if (session.isEnded) throw new Fault('unavailable', { cause: 'lost at the end of the login' });
    session.handOver(events);
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
  { onReached, memory }: ConnectOptions,
): Promise<SessionInfo> {
  const settings = loginSettings(context);
  const transport = await openTcp(context, session, signal);
  const features = await negotiateTls(session, transport, settings, signal);
  onReached?.();
  return logIn({ session, isEncrypted: transport.isEncrypted, features, credentials: user, settings, memory });
}

async function openTcp(context: XimssContext, session: Session, signal: AbortSignal): Promise<TcpTransport> {
  const target = {
    ...context.settings.server,
    lookup: context.settings.lookup,
    secureContext: context.secureContext,
  };
  const transport = await TcpTransport.open(target, context.codec, session, signal);
  session.attach(transport);
  return transport;
}

async function overHttp(
  context: XimssContext,
  client: HttpClient,
  session: Session,
  user: Credentials,
  signal: AbortSignal,
  { onReached, memory, record = null }: ConnectOptions,
): Promise<SessionInfo> {
  const { info, cookie } = await logInHttp(context, client, user, signal, { onReached, memory });
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
  return onConnection(context, signal, (session) => session.perform(operation));
}

/**
 * Looks whether people could log in now, without doing so. Rejects no-tls, unavailable, timeout, too-many-sessions, or
 * the signal's Fault.
 */
export async function probeServer(context: XimssContext, signal: AbortSignal): Promise<void> {
  if (context.http !== null) return probeHttp(context, context.http, signal);
  return onConnection(context, signal, () => Promise.resolve());
}

/** Something on a TCP connection of its own, with TLS as the configuration demands; it is closed afterwards. */
async function onConnection<R>(
  context: XimssContext,
  signal: AbortSignal,
  act: (session: Session) => Promise<R>,
): Promise<R> {
  const session = new Session(context.sessionSettings, noEvents);
  const onAbort = (): void => session.destroy(abortFault(signal));
  signal.addEventListener('abort', onAbort);
  try {
    const transport = await openTcp(context, session, signal);
    await negotiateTls(session, transport, loginSettings(context), signal);
    return await act(session);
  } catch (error) {
    throw signal.aborted ? abortFault(signal) : toFault(error);
  } finally {
    signal.removeEventListener('abort', onAbort);
    session.destroy(new Fault('unavailable', { cause: 'only a question' }));
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
