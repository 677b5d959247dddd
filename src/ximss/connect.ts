/**
 * One connection from nothing to a logged-in session, whatever the wire. It holds the connection open on success and
 * leaves nothing behind on failure. Binding, retrying and listening are the caller's.
 */
import { abortFault } from './deadline';
import type { Element } from './element';
import type { Floor } from './floor';
import { logIn } from './login';
import type { SessionInfo } from './operations';
import type { Credentials } from './sasl';
import { Session, type SessionEvents } from './session';
import { TcpTransport } from './tcp';
import { Fault, toFault } from '../core/fault';

export interface Connected {
  readonly session: Session;
  readonly info: SessionInfo;
}

/**
 * Connects and logs in. Rejects not-authorized, needs-user, too-many-sessions, no-tls, unavailable, timeout, or the
 * signal's Fault. `events.onEnd` is called only for a session that was handed out.
 */
export async function connect(
  floor: Floor,
  credentials: Credentials,
  events: SessionEvents,
  signal: AbortSignal,
): Promise<Connected> {
  let isHandedOut = false;
  let transport: TcpTransport | null = null;
  const early: Early[] = [];
  const session: Session = new Session(floor.sessionSettings, {
    onAsync: (document) => {
      if (isHandedOut) return events.onAsync(document);
      const isEncrypted = transport?.isEncrypted ?? false;
      if (early.length < earlyCount) early.push({ document, isEncrypted });
      return undefined;
    },
    onOddity: (kind, fault) => events.onOddity(kind, fault),
    onEnd: (fault) => {
      floor.ticker.remove(session);
      if (isHandedOut) events.onEnd(fault);
    },
  });
  const onAbort = (): void => session.destroy(abortFault(signal));
  try {
    transport = await TcpTransport.open(
      { ...floor.target, secureContext: floor.secureContext },
      floor.codec,
      session,
      signal,
    );
    session.attach(transport);
    floor.ticker.add(session);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    const info = await logIn(session, transport, named(credentials, floor), loginSettings(floor), signal);
    if (session.isEnded) throw new Fault('unavailable', { cause: 'lost at the end of the login' });
    isHandedOut = true;
    replay(early, transport.isEncrypted, events);
    return { session, info };
  } catch (error) {
    const fault = signal.aborted ? abortFault(signal) : toFault(error);
    session.destroy(fault);
    throw fault;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Asynchronous documents that came before the session was handed out: few, an alert or a bye. */
interface Early {
  readonly document: Element;
  readonly isEncrypted: boolean;
}

const earlyCount = 16;

/** Tells them after the login; what came in clear text before TLS may be anybody's and is dropped. */
function replay(early: readonly Early[], isEncrypted: boolean, events: SessionEvents): void {
  for (const { document, isEncrypted: wasEncrypted } of early) {
    if (wasEncrypted === isEncrypted) void events.onAsync(document);
  }
}

function loginSettings(floor: Floor) {
  const { domain, starttls, login } = floor.settings;
  return { host: floor.target.host, domain, starttls, login, dialect: floor.dialect };
}

/** The name as the dialect gives it (A5): with its domain, or the part before it. */
function named({ name, password }: Credentials, floor: Floor): Credentials {
  return { name: floor.dialect.loginName === 'local' ? (name.split('@')[0] ?? name) : name, password };
}
