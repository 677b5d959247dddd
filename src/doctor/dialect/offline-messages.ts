/**
 * Stored messages (A10): one is sent while the other person is not bound, fetched some seconds later, and its gmtTime
 * compared with the server's own clock. And questions from peer to peer (A16).
 */
import { attr, childOf, el, type Element } from '../../ximss/wire/element';
import { iqSend, readTime, signalUnbind } from '../../ximss/protocol/operations';
import { peerOf, readDocument } from '../../ximss/protocol/read';
import { writeBind, writeIqRefusal } from '../../ximss/protocol/write';
import { parseBasicTime } from '../../core/text';
import { found, notFound, type Finding } from './findings';
import { CLIENT_ID, token, type Stage } from './context';
import { bodyOf, sendOf } from './messages';
import type { Visit } from './session';

/** All times are the server's, cut to the second. Less than the pause before the fetching. */
const TOLERANCE_MS = 2_000;

/** A10. Leaves both bound again. */
export async function tryStored(stage: Stage, one: Visit, two: Visit): Promise<void> {
  await two.ask(signalUnbind());
  const word = token();
  const says = (document: Element): boolean =>
    document.name === 'readIM' && (bodyOf(document, stage.dialect) ?? '').includes(word);
  const sentAt = await serverTime(one);
  const { refusal } = await one.ask(sendOf(two, word, stage.dialect));
  const mark = two.heard.length;
  await stage.clock.sleep(stage.timing.storedMs, stage.signal);
  const cameUnbound = two.heard.some(says);
  const fetchedAt = await serverTime(one);
  await two.ask(writeBind(CLIENT_ID, stage.dialect));
  const arrived = refusal === null && !cameUnbound ? await two.hear(says, mark) : null;
  if (cameUnbound) return stage.note(notFound('storedTime', 'untold', 'messages arrive although nothing is bound'));
  if (refusal !== null)
    return stage.note(notFound('storedTime', 'untold', `a message to nobody bound is refused: ${refusal}`));
  if (arrived === null)
    return stage.note(notFound('storedTime', 'untold', 'a message to nobody bound does not come later'));
  stage.note(storedTime(attr(arrived, 'gmtTime'), sentAt, fetchedAt));
}

/** What the time of a stored message is. `sentAt`, `fetchedAt`: the server's clock then, null when it does not tell. Pure. */
export function storedTime(gmtTime: string | null, sentAt: number | null, fetchedAt: number | null): Finding {
  if (gmtTime === null) return notFound('storedTime', 'untold', 'a stored message says no time');
  const time = parseBasicTime(gmtTime);
  if (time === null) return found('storedTime', 'ignore', `its gmtTime is no time we know: ${gmtTime.slice(0, 40)}`);
  if (sentAt === null || fetchedAt === null)
    return notFound('storedTime', 'untold', 'the server does not tell its clock');
  const off = Math.abs(time - sentAt);
  if (off <= TOLERANCE_MS) return found('storedTime', 'gmtTime', 'it is the time of sending');
  if (Math.abs(time - fetchedAt) <= TOLERANCE_MS) return found('storedTime', 'ignore', 'it is the time of fetching');
  return found('storedTime', 'ignore', `it is ${Math.round(off / 1000)} s away from the time of sending`);
}

async function serverTime(visit: Visit): Promise<number | null> {
  const operation = readTime();
  const { data, refusal } = await visit.ask(operation);
  return refusal === null ? operation.parse(data) : null;
}

/** A16: a question, its answer, and a vCard asked for. */
export async function tryIq(stage: Stage, one: Visit, two: Visit): Promise<void> {
  const iqid = token();
  const question = el('query', { xmlns: 'jabber:iq:version' });
  const mark = two.heard.length;
  const asked = await one.ask(iqSend({ type: 'get', peer: two.person.account, iqid, payload: question }));
  if (asked.refusal !== null) {
    return stage.note(notFound('incomingIq', 'untold', `questions are refused: ${asked.refusal}`));
  }
  const came = await two.hear(
    (document) => document.name === 'iqRead' && peerOf(document) === one.person.account,
    mark,
  );
  if (came === null) return stage.note(notFound('incomingIq', 'untold', 'a question does not arrive'));
  const reading = readDocument(came, { ...stage.dialect, incomingIq: 'answer' });
  if (reading.kind !== 'iq-question') {
    const [type, id] = [attr(came, 'type') ?? 'none', attr(came, 'iqid') === null ? 'none' : 'given'];
    return stage.note(
      found('incomingIq', 'ignore', `a question arrives that cannot be answered (type ${type}, iqid ${id})`),
    );
  }
  const back = one.heard.length;
  const { refusal } = await two.ask(writeIqRefusal(reading.peer, reading.iqid));
  if (refusal !== null) return stage.note(found('incomingIq', 'ignore', `an answer is refused: ${refusal}`));
  const answer = await one.hear((document) => document.name === 'iqRead' && attr(document, 'iqid') === iqid, back);
  const path =
    answer === null
      ? 'the answer does not come back with its iqid'
      : `the answer comes back as ${attr(answer, 'type') ?? 'no type'}`;
  const vCard = await tryVCard(one, two);
  if (answer === null) return stage.note(found('incomingIq', 'ignore', `a question arrives; ${path}; ${vCard}`));
  stage.note(found('incomingIq', 'answer', `a question arrives; ${path}; ${vCard}`));
}

async function tryVCard(one: Visit, two: Visit): Promise<string> {
  const iqid = token();
  const mark = one.heard.length;
  const payload = el('vCard', { xmlns: 'vcard-temp' });
  const { refusal } = await one.ask(iqSend({ type: 'get', peer: two.person.account, iqid, payload }));
  if (refusal !== null) return `a vCard is refused: ${refusal}`;
  const isAnswer = (document: Element): boolean =>
    document.name === 'iqRead' && (attr(document, 'iqid') === iqid || childOf(document, 'vCard') !== null);
  const answer = await one.hear(isAnswer, mark);
  if (answer === null) return 'a vCard does not come';
  return `a vCard comes as ${attr(answer, 'type') ?? 'no type'}${attr(answer, 'iqid') === iqid ? '' : ' without its iqid'}`;
}
