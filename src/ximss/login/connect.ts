/**
 * One connection from nothing to a logged-in session, whatever the wire. It holds the connection open on success and
 * leaves nothing behind on failure. Binding, retrying and listening are the caller's.
 */
import { abortFault } from '../wire/deadline';
import type { Diary } from '../wire/http-session-record';
import { attr, type Element } from '../wire/element';
import type { Floor } from '../context';
import { HttpTransport } from '../wire/http';
import type { HttpClient } from '../wire/http-client';
import { askHttp, logInHttp } from './http-login';
import { logIn, reachDoor, requireAdmission, type LoginSettings } from './login';
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
export interface Past {
  /** id of a session that was given up */
  readonly abandoned?: string | null;
  /** where this session is noted */
  readonly diary?: Diary | null;
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
  floor: Floor,
  credentials: Credentials,
  events: SessionEvents,
  signal: AbortSignal,
  past: Past = {},
): Promise<Connected> {
  let isHandedOut = false;
  const early: Early[] = [];
  const session: Session = new Session(floor.sessionSettings, {
    onAsync: (document, place) => {
      if (isHandedOut) return events.onAsync(document, place);
      if (early.length < earlyCount) early.push({ document, isEncrypted: session.isEncrypted });
      return undefined;
    },
    onOddity: (kind, fault) => events.onOddity(kind, fault),
    onTrouble: (fault) => events.onTrouble(fault),
    onEnd: (fault) => {
      floor.ticker.remove(session);
      if (isHandedOut) events.onEnd(fault);
    },
  });
  const onAbort = (): void => session.destroy(abortFault(signal));
  signal.addEventListener('abort', onAbort);
  try {
    const user = named(credentials, floor);
    const info =
      floor.http === null
        ? await overTcp(floor, session, user, signal)
        : await overHttp(floor, floor.http, session, user, past, signal);
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

async function overTcp(floor: Floor, session: Session, user: Credentials, signal: AbortSignal): Promise<SessionInfo> {
  const transport = await openTcp(floor, session, signal);
  return logIn(session, transport, user, loginSettings(floor), signal);
}

async function openTcp(floor: Floor, session: Session, signal: AbortSignal): Promise<TcpTransport> {
  const target = { ...floor.target, secureContext: floor.secureContext };
  const transport = await TcpTransport.open(target, floor.codec, session, signal);
  session.attach(transport);
  floor.ticker.add(session);
  return transport;
}

async function overHttp(
  floor: Floor,
  client: HttpClient,
  session: Session,
  user: Credentials,
  { abandoned = null, diary = null }: Past,
  signal: AbortSignal,
): Promise<SessionInfo> {
  const { info, cookie } = await logInHttp(floor, client, user, abandoned, signal);
  const transport = new HttpTransport(
    {
      exchange: client.exchange,
      codec: floor.httpCodec,
      clock: floor.clock,
      urlId: info.urlId,
      cookie,
      isEncrypted: floor.target.isTls,
      requestTimeoutMs: floor.settings.requestTimeoutMs,
      diary,
    },
    session,
  );
  session.attach(transport);
  floor.ticker.add(session);
  await diary?.opened(info.urlId, cookie); // before the bind: from then on it holds what must not be lost
  requireAdmission(info); // only now: what follows a refusal ends the session on the server too
  transport.start();
  return info;
}

/**
 * Asks one operation before login (`listFeatures`, `signup`, `recoverPassword`) and leaves. Rejects its refusal, no-tls,
 * unavailable, timeout, or the signal's Fault.
 */
export async function ask<R>(floor: Floor, operation: Operation<R>, signal: AbortSignal): Promise<R> {
  if (floor.http !== null) {
    const isSecret = attr(operation.request, 'password') !== null;
    if (isSecret && !floor.target.isTls && floor.settings.starttls === 'required') throw new Fault('no-tls');
    return askHttp(floor, floor.http, operation, signal);
  }
  const done = new Fault('unavailable', { cause: 'only a question' });
  const session: Session = new Session(floor.sessionSettings, { ...deaf, onEnd: () => floor.ticker.remove(session) });
  const onAbort = (): void => session.destroy(abortFault(signal));
  signal.addEventListener('abort', onAbort);
  try {
    const transport = await openTcp(floor, session, signal);
    await reachDoor(session, transport, loginSettings(floor), signal);
    return await session.perform(operation);
  } catch (error) {
    throw signal.aborted ? abortFault(signal) : toFault(error);
  } finally {
    signal.removeEventListener('abort', onAbort);
    session.destroy(done);
  }
}

/** For sessions that nobody listens to. */
export const deaf: SessionEvents = {
  onAsync: () => undefined,
  onOddity: () => undefined,
  onTrouble: () => undefined,
  onEnd: () => undefined,
};

function loginSettings(floor: Floor): LoginSettings {
  const { domain, starttls, login } = floor.settings;
  return { host: floor.target.host, domain, starttls, login, dialect: floor.dialect };
}

/** The name as the dialect gives it (A5): with its domain, or the part before it. */
function named({ name, password }: Credentials, floor: Floor): Credentials {
  return { name: floor.dialect.loginName === 'local' ? (name.split('@')[0] ?? name) : name, password };
}
