/**
 * From nothing to a bound session of one account: what an earlier HTTP session still holds, connection, login, bind
 * (docs/XIMSS.md 2.7); and its goodbye. What is held has a deadline of its own, since much may have to be stored, and the
 * rest another one. It leaves nothing open when it fails and tries nothing twice.
 */
import { abortFault, untilAborted, withDeadline } from '../../core/async';
import { Fault, toFault } from '../../core/fault';
import type { Link } from '../../core/model';
import type { Clock } from '../../core/runtime';
import type { XimssContext } from '../context';
import { connect } from '../login/connect';
import type { LoginMemory } from '../login/types';
import { loginFault } from '../login/login-fault';
import { bye } from '../protocol/operations';
import { writeBind } from '../protocol/write';
import type { Inbox } from '../session/inbox';
import type { Session, SessionEvents } from '../session/session';
import type { HttpSessionRecord } from '../wire/http-session-record';
import { takeOverSession } from './takeover';

/** Our place in the account: XIMSS' clientID (2.7). */
const clientId = 'xmpp-bridge';
const byeMs = 2_000;
/** Mean pause between two looks whether sessions can be noted. */
const notesMs = 500;
/** How long a goodbye waits for the store, before and after. */
const storedMs = 1_000;

export interface OpenSessionOptions {
  readonly context: XimssContext;
  readonly link: Link;
  readonly inbox: Pick<Inbox, 'take'>;
  readonly record: HttpSessionRecord | null;
  readonly events: SessionEvents;
  readonly memory: LoginMemory;
  /** the server has answered */
  readonly onReached: () => void;
  /** logged in and not bound yet: from now on documents may come */
  readonly onSession: (session: Session) => void;
}

/** Rejects as connect.ts says; a bind that is refused says nothing about the password. */
export async function openSession(options: OpenSessionOptions, signal: AbortSignal): Promise<void> {
  const { context, link, inbox, record, events, memory, onReached, onSession } = options;
  const { clock, settings } = context;
  if (record !== null) {
    await withDeadline(clock, settings.requestTimeoutMs, signal, (inner) =>
      takeOverSession({ context, link, record, inbox, onReached, signal: inner }),
    );
  }
  const credentials = { name: link.account, password: link.password };
  return withDeadline(clock, settings.requestTimeoutMs, signal, async (inner) => {
    const { session } = await connect(context, credentials, events, inner, { record, memory, onReached });
    onSession(session);
    // a server pushes what it holds from now on: who ends the session says goodbye first, and reads it
    const onAbort = (): void => {
      if (!signal.aborted) session.destroy(abortFault(inner));
    };
    inner.addEventListener('abort', onAbort);
    if (inner.aborted) session.destroy(abortFault(inner));
    try {
      await session.perform(writeBind(clientId, context.dialect));
    } catch (error) {
      const fault = inner.aborted ? abortFault(inner) : bindFault(toFault(error), context);
      if (!signal.aborted) session.destroy(fault);
      throw fault;
    } finally {
      inner.removeEventListener('abort', onAbort);
    }
  });
}

function bindFault(fault: Fault, { dialect }: XimssContext): Fault {
  const meant = loginFault(fault, dialect);
  return meant.code === 'not-authorized' ? new Fault('login-refused', { text: fault.text, cause: fault }) : meant;
}

/**
 * Resolves when sessions can be noted; nobody logs in before, since with this process all would be lost that such a session
 * holds. `onAway` is told why not, once. Never rejects; resolves when the signal aborts, too.
 */
export async function whenNotesThere(
  record: Pick<HttpSessionRecord, 'previous'> | null,
  clock: Pick<Clock, 'sleep' | 'dice'>,
  signal: AbortSignal,
  onAway: (fault: Fault) => void,
): Promise<void> {
  for (let isTold = false; record !== null && !signal.aborted; isTold = true) {
    try {
      return void (await record.previous());
    } catch (thrown) {
      if (!isTold) onAway(toFault(thrown));
      await clock.sleep(notesMs * (0.5 + clock.dice()), signal).catch(() => undefined);
    }
  }
}

export interface GoodbyeOptions {
  readonly session: Session;
  readonly inbox: Pick<Inbox, 'whenStored' | 'isHeldBack'>;
  /** the next start takes the session over, when no goodbye is said */
  readonly isNoted: boolean;
  readonly clock: Pick<Clock, 'sleep'>;
}

/**
 * Says goodbye on a session. True: it was heard, and all that the session had brought is stored. False, within four seconds
 * or when the signal aborts: nobody knows whether it was heard, or it was not said, because what came cannot be stored.
 */
export async function sayGoodbye(
  { session, inbox, isNoted, clock }: GoodbyeOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const isStored = (): Promise<boolean> => within(clock, storedMs, signal, (inner) => inbox.whenStored(inner));
  if (isNoted && !(await isStored()) && inbox.isHeldBack) return false;
  const isHeard = await within(clock, byeMs, signal, (inner) => untilAborted(session.perform(bye()), inner));
  return isHeard && isStored();
}

/** Has it come to its end in this time? */
function within(
  clock: Pick<Clock, 'sleep'>,
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<boolean> {
  return withDeadline(clock, ms, signal, work).then(
    () => true,
    () => false,
  );
}
