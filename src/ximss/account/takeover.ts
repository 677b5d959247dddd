/**
 * What an HTTP session that was left behind still holds for us (a crash, a connection given up): the server keeps what was
 * not acknowledged, and goes on collecting until it ends the session itself (docs/XIMSS.md 1.1, 3.2). Before the next
 * login its messages are fetched; it is unbound (2.7), so that the server stores what comes; what came meanwhile is fetched;
 * it is ended. All of it stays on the server until it is stored here, so this may break off anywhere and begin again. What
 * the middle has already is recognised by its place in the session.
 *
 * Unbinding is a numbered POST, and the number is known only up to a few (http-session-record.ts): a wrong one is refused and
 * does nothing. Where that does not work, the session is ended without it.
 */
import { surest } from '../../core/identity';
import { toFault } from '../../core/fault';
import { isDurable, type Link } from '../../core/model';
import { untilAborted, withDeadline } from '../../core/async';
import { reqSeqSlack, type HttpSessionRecord, type SessionNote } from '../wire/http-session-record';
import { attr, childrenOf, el, serialise, type Element } from '../wire/element';
import type { XimssContext } from '../context';
import { killSession, pathOf, placeOf } from '../wire/http-urls';
import { BadAnswer, lostStatus, readRoot, sequenceOf } from '../wire/http-answer';
import type { HttpRequest } from '../wire/http-client';
import type { Inbox } from '../session/inbox';
import { readDocument } from '../protocol/read';

/** Higher than any id of a session's requests (session.ts). */
const unbindId = '999999998';
const byeId = '999999999';
/** Refusals in a row after which what the session holds is given up; some may be a proxy's, during a restart. */
const refusedLimitCount = 3;

export interface TakeOverSessionOptions {
  readonly context: XimssContext;
  readonly link: Link;
  readonly record: HttpSessionRecord;
  readonly inbox: Pick<Inbox, 'take'>;
  /** the server has answered, well or not */
  readonly onReached: () => void;
  readonly signal: AbortSignal;
}

/**
 * Hands what the link's last session holds, if there is one, to the inbox and ends it. Resolves when all is stored and there
 * is no such session any more. Rejects with why it must be tried again: `store-away` before the server was asked at all.
 */
export async function takeOverSession(options: TakeOverSessionOptions): Promise<void> {
  const { context, link, record, inbox, onReached, signal } = options;
  const note = await record.previous();
  if (note === null) return;
  /** Messages count; states are told anew. */
  const take = (document: Element, place: string): Promise<void> | undefined => {
    const reading = readDocument(document, context.dialect);
    if (reading.kind !== 'event' || !isDurable(reading.event)) return undefined;
    return inbox.take(reading.peer, reading.event, surest(reading.identity, place));
  };
  try {
    const count = await fetchAndEnd({ context, note, record, take, onReached, signal });
    context.log.info({ account: link.account, count }, 'an earlier session was taken over and ended');
  } catch (error) {
    if (!(error instanceof BadAnswer) || record.countRefusal() < refusedLimitCount) throw error;
    context.log.warn({ account: link.account }, 'what an earlier session holds is not to be had');
  }
  await record.closed();
}

interface FetchOptions {
  readonly context: XimssContext;
  readonly note: SessionNote;
  readonly record: Pick<HttpSessionRecord, 'acknowledged'>;
  /** Takes a document; the promise settles when it is safe. */
  readonly take: (document: Element, place: string) => Promise<void> | undefined;
  readonly onReached: () => void;
  readonly signal: AbortSignal;
}

/**
 * Fetches what the session holds, hands it over in order, and ends the session. Resolves with how many documents that
 * were, when all are safe. Rejects BadAnswer when the server says no, else why it could not be asked.
 */
async function fetchAndEnd({ context, note, record, take, onReached, signal }: FetchOptions): Promise<number> {
  const { httpCodec, clock, settings } = context;
  const exchange = context.http?.exchange;
  if (exchange === undefined) return 0;
  const { urlId } = note;
  const path = pathOf(urlId);
  const cookie = note.cookie === null ? {} : { Cookie: note.cookie };
  let count = 0;

  /** The answer's root; null: there is no such session any more. */
  const ask = async (request: Omit<HttpRequest, 'headers'>): Promise<Element | null> => {
    const type = request.body === null ? {} : { 'Content-Type': 'text/xml; charset=utf-8' };
    const answer = await withDeadline(clock, settings.requestTimeoutMs, signal, (inner) =>
      exchange({ ...request, headers: { ...cookie, ...type } }, inner),
    );
    onReached();
    return answer.status === lostStatus ? null : readRoot(answer, httpCodec);
  };

  async function handOver(documents: readonly Element[], respSeq: number): Promise<void> {
    count += documents.length;
    const unsafe = documents.map((document, i) => take(document, placeOf(urlId, respSeq, i)));
    await untilAborted(Promise.all(unsafe.filter((promise) => promise !== undefined)), signal);
  }

  let { ackSeq } = note;
  /** Until the session holds nothing; false: there is no such session any more. */
  async function fetchAll(): Promise<boolean> {
    for (;;) {
      const root = await ask({ method: 'GET', path: `${path}/get?ackSeq=${ackSeq}&maxWait=0`, body: null });
      if (root === null) return false;
      const respSeq = sequenceOf(root);
      if (respSeq === null || respSeq <= ackSeq) return true;
      await handOver(childrenOf(root), respSeq);
      await record.acknowledged(respSeq, note.cookie);
      ackSeq = respSeq;
    }
  }

  /** Was it answered, and not refused for its number? */
  async function say(name: 'signalUnbind' | 'bye', id: string, reqSeq: number): Promise<boolean> {
    const body = `<XIMSS>${serialise(el(name, { id }))}</XIMSS>`;
    const root = await ask({ method: 'POST', path: `${path}/sync?reqSeq=${reqSeq}`, body }).catch(refused);
    return root !== null && childrenOf(root).some((one) => one.name === 'response' && attr(one, 'id') === id);
  }

  if (!(await fetchAll())) return count;
  for (let reqSeq = Math.max(1, note.reqSeq - reqSeqSlack); reqSeq <= note.reqSeq + 1; reqSeq += 1) {
    if (!(await say('signalUnbind', unbindId, reqSeq))) continue;
    if (!(await fetchAll())) return count;
    await say('bye', byeId, reqSeq + 1);
    break;
  }
  await killSession(clock, exchange, urlId, note.cookie);
  return count;
}

/** A status that says no may be how a wrong number is refused; anything else is a reason to come again. */
function refused(thrown: unknown): Element {
  if (thrown instanceof BadAnswer) return el('XIMSS');
  throw toFault(thrown);
}
