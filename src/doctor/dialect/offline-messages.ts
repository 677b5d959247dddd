/**
 * Stored messages (A10): one is sent while the other account is not bound, fetched some seconds later, and its gmtTime
 * compared with the server's own clock. And questions from peer to peer (A16).
 */
import { attr, childOf, el, type Element } from '../../ximss/wire/element';
import { iqSend, readTime, signalUnbind } from '../../ximss/protocol/operations';
import { peerOf, readDocument } from '../../ximss/protocol/read';
import { writeBind, writeIqRefusal } from '../../ximss/protocol/write';
import { parseBasicTime } from '../../core/text';
import { found, notFound, type Finding } from './findings';
import { clientId, token, type DialectContext } from './context';
import { bodyOf, sendOf } from './messages';
import type { TestSession } from './session';

/** All times are the server's, cut to the second. Less than the pause before the fetching. */
const toleranceMs = 2_000;

/** A10. Leaves both bound again. */
export async function tryStored(context: DialectContext, one: TestSession, two: TestSession): Promise<void> {
  await two.ask(signalUnbind());
  const word = token();
  const isOurs = (document: Element): boolean =>
    document.name === 'readIM' && (bodyOf(document, context.dialect) ?? '').includes(word);
  const sentAt = await serverTime(one);
  const { refusal } = await one.ask(sendOf(two, word, context.dialect));
  const mark = two.received.length;
  await context.clock.sleep(context.timing.storedMs, context.signal);
  const cameUnbound = two.received.some(isOurs);
  const fetchedAt = await serverTime(one);
  await two.ask(writeBind(clientId, context.dialect));
  const arrived = refusal === null && !cameUnbound ? await two.waitFor(isOurs, mark) : null;
  if (cameUnbound) return context.note(notFound('storedTime', 'unknown', 'messages arrive although nothing is bound'));
  if (refusal !== null)
    return context.note(notFound('storedTime', 'unknown', `a message to nobody bound is refused: ${refusal}`));
  if (arrived === null)
    return context.note(notFound('storedTime', 'unknown', 'a message to nobody bound does not come later'));
  context.note(storedTime(attr(arrived, 'gmtTime'), sentAt, fetchedAt));
}

/** What the time of a stored message is. `sentAt`, `fetchedAt`: the server's clock then, null when it does not tell. Pure. */
export function storedTime(gmtTime: string | null, sentAt: number | null, fetchedAt: number | null): Finding {
  if (gmtTime === null) return notFound('storedTime', 'unknown', 'a stored message says no time');
  const time = parseBasicTime(gmtTime);
  if (time === null) return found('storedTime', 'ignore', `its gmtTime is no time we know: ${gmtTime.slice(0, 40)}`);
  if (sentAt === null || fetchedAt === null)
    return notFound('storedTime', 'unknown', 'the server does not tell its clock');
  const off = Math.abs(time - sentAt);
  if (off <= toleranceMs) return found('storedTime', 'gmtTime', 'it is the time of sending');
  if (Math.abs(time - fetchedAt) <= toleranceMs) return found('storedTime', 'ignore', 'it is the time of fetching');
  return found('storedTime', 'ignore', `it is ${Math.round(off / 1000)} s away from the time of sending`);
}

async function serverTime(session: TestSession): Promise<number | null> {
  const operation = readTime();
  const { data, refusal } = await session.ask(operation);
  return refusal === null ? operation.parse(data) : null;
}

/** A16: a question, its answer, and a vCard asked for. */
export async function tryIq(context: DialectContext, one: TestSession, two: TestSession): Promise<void> {
  const iqid = token();
  const question = el('query', { xmlns: 'jabber:iq:version' });
  const mark = two.received.length;
  const asked = await one.ask(iqSend({ type: 'get', peer: two.owner.account, iqid, payload: question }));
  if (asked.refusal !== null) {
    return context.note(notFound('incomingIq', 'unknown', `questions are refused: ${asked.refusal}`));
  }
  const came = await two.waitFor(
    (document) => document.name === 'iqRead' && peerOf(document) === one.owner.account,
    mark,
  );
  if (came === null) return context.note(notFound('incomingIq', 'unknown', 'a question does not arrive'));
  const reading = readDocument(came, { ...context.dialect, incomingIq: 'answer' });
  if (reading.kind !== 'iq-question') {
    const [type, id] = [attr(came, 'type') ?? 'none', attr(came, 'iqid') === null ? 'none' : 'given'];
    return context.note(
      found('incomingIq', 'ignore', `a question arrives that cannot be answered (type ${type}, iqid ${id})`),
    );
  }
  const back = one.received.length;
  const { refusal } = await two.ask(writeIqRefusal(reading.peer, reading.iqid));
  if (refusal !== null) return context.note(found('incomingIq', 'ignore', `an answer is refused: ${refusal}`));
  const answer = await one.waitFor((document) => document.name === 'iqRead' && attr(document, 'iqid') === iqid, back);
  const path =
    answer === null
      ? 'the answer does not come back with its iqid'
      : `the answer comes back as ${attr(answer, 'type') ?? 'no type'}`;
  const vCard = await tryVCard(one, two);
  if (answer === null) return context.note(found('incomingIq', 'ignore', `a question arrives; ${path}; ${vCard}`));
  context.note(found('incomingIq', 'answer', `a question arrives; ${path}; ${vCard}`));
}

async function tryVCard(one: TestSession, two: TestSession): Promise<string> {
  const iqid = token();
  const mark = one.received.length;
  const payload = el('vCard', { xmlns: 'vcard-temp' });
  const { refusal } = await one.ask(iqSend({ type: 'get', peer: two.owner.account, iqid, payload }));
  if (refusal !== null) return `a vCard is refused: ${refusal}`;
  const isAnswer = (document: Element): boolean =>
    document.name === 'iqRead' && (attr(document, 'iqid') === iqid || childOf(document, 'vCard') !== null);
  const answer = await one.waitFor(isAnswer, mark);
  if (answer === null) return 'a vCard does not come';
  return `a vCard comes as ${attr(answer, 'type') ?? 'no type'}${attr(answer, 'iqid') === iqid ? '' : ' without its iqid'}`;
}
