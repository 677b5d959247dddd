/**
 * Binding and messages: which form of bind (A6) and of sendIM (A7, A8, A13) makes a message arrive, what the arriving one
 * says (A9, A11), chat states (A12), reports about failures (A13). Every element is made by the bridge's own writers and
 * read by its own readers, so that what works here works there.
 */
import type { Message } from '../../core/model';
import { dialectOf, type Dialect } from '../../ximss/dialect';
import { attr, childOf, type Element } from '../../ximss/element';
import { signalUnbind } from '../../ximss/operations';
import { peerOf, readDocument } from '../../ximss/read';
import { writeBind, writeChatState, writeEvent } from '../../ximss/write';
import { found, notFound } from './findings';
import { CLIENT_ID, token, type Stage } from './stage';
import type { Visit } from './visit';

/** A test message with a word of its own. */
export const testMessage = (word: string): Message => ({
  kind: 'message',
  id: null,
  resource: null,
  type: 'chat',
  body: `xmpp-ximss-bridge doctor, test message ${word} <&> ж`,
  subject: null,
  sentAt: null,
  wantsReceipt: false,
  nick: null,
});

/** The sendIM of the bridge. */
export function sendOf(to: Visit, word: string, dialect: Dialect): { readonly request: Element } {
  const operation = writeEvent(to.person.account, testMessage(word), word, dialect);
  if (operation === null) throw new Error('a message has a form'); // write.ts: only receipts have none
  return operation;
}

/** Text of an arrived message as the bridge would read it; null when it is no message. */
export function bodyOf(document: Element, dialect: Dialect): string | null {
  const reading = readDocument(document, dialect);
  return reading.kind === 'event' && reading.event.kind === 'message' ? reading.event.body : null;
}

const says =
  (word: string, dialect: Dialect) =>
  (document: Element): boolean =>
    document.name === 'readIM' && (bodyOf(document, dialect) ?? '').includes(word);

/** Binds both, finds a form in which a message arrives, notes A6, A7, A8 and the ids of A13. False: nothing arrives. */
export async function tryMessages(stage: Stage, one: Visit, two: Visit): Promise<boolean> {
  const refusals: string[] = [];
  for (const form of ['full', 'bare'] as const) {
    const refusal = await bind([one, two], form);
    if (refusal !== null) {
      refusals.push(`${form}: ${refusal}`);
      continue;
    }
    const sent = await findForm(stage, one, two);
    if (sent !== null) {
      const why = refusals.length > 0 ? `; ${refusals.join('; ')}` : '';
      stage.note(found('bind', form, `accepted, and messages arrive${why}`));
      noteForm(stage, sent, two);
      return true;
    }
    refusals.push(`${form}: accepted, but no message arrives`);
  }
  stage.note(notFound('bind', 'neither', refusals.join('; ')));
  for (const key of ['messageType', 'messageContent', 'errorReports'] as const) {
    stage.note(notFound(key, 'untold', 'no message arrives'));
  }
  return false;
}

async function bind(visits: readonly Visit[], form: Dialect['bind']): Promise<string | null> {
  for (const visit of visits) {
    if (form === 'bare') await visit.ask(signalUnbind());
    const { refusal } = await visit.ask(writeBind(CLIENT_ID, dialectOf({ bind: form })));
    if (refusal !== null) return refusal;
  }
  return null;
}

/** Forms of a message, the assumed one first, then ever farther from it. */
const forms: readonly Partial<Dialect>[] = [
  {},
  { errorReports: 'without-ids' },
  { messageType: 'omit' },
  { messageContent: 'body' },
  { errorReports: 'without-ids', messageType: 'omit' },
  { errorReports: 'without-ids', messageContent: 'body' },
  { messageType: 'omit', messageContent: 'body' },
  { errorReports: 'without-ids', messageType: 'omit', messageContent: 'body' },
];

interface Sent {
  readonly form: Partial<Dialect>;
  readonly word: string;
  readonly arrived: Element;
  /** why the forms before were not it */
  readonly refusals: readonly string[];
}

async function findForm(stage: Stage, one: Visit, two: Visit): Promise<Sent | null> {
  const refusals: string[] = [];
  for (const form of forms) {
    const word = token();
    const dialect = { ...stage.dialect, ...form };
    const { refusal } = await one.ask(sendOf(two, word, dialect));
    if (refusal !== null) {
      refusals.push(refusal);
      continue;
    }
    const arrived = await two.hear(says(word, dialect));
    if (arrived !== null) return { form, word, arrived, refusals };
    refusals.push('accepted, but it does not arrive with its text');
  }
  return null;
}

function noteForm(stage: Stage, { form, word, arrived, refusals }: Sent, two: Visit): void {
  const why = refusals[0] === undefined ? '' : `; the assumed form: ${refusals[0]}`;
  const type = attr(arrived, 'type');
  stage.note(
    found(
      'messageType',
      form.messageType ?? 'chat',
      `arrives ${type === null ? 'without a type' : `as ${type}`}${why}`,
    ),
  );
  const format = childOf(arrived, 'body') === null ? 'as direct text' : 'in a body';
  const whole = bodyOf(arrived, stage.dialect) === testMessage(word).body ? '' : ', changed on the way';
  stage.note(found('messageContent', form.messageContent ?? 'text', `arrives ${format}${whole}${why}`));
  const { version } = two.info ?? { version: null };
  if (stage.floor().target.kind === 'tcp') {
    const seen = `over TCP without a version: messages come ${format} (server ${version ?? 'of unknown version'})`;
    stage.note(notFound('protocolVersion', 'untold', seen));
  }
  const ids = form.errorReports === 'without-ids' ? 'without-ids' : 'with-ids';
  stage.sentForm = { ids, arrivedId: attr(arrived, 'iqid'), word, why };
}

/** A9: two instances of one account, told apart by clientID or not. */
export async function tryInstances(stage: Stage, one: Visit, two: Visit): Promise<void> {
  const other = await stage.visit(one.person);
  await other.ask(writeBind(`${CLIENT_ID}-2`, stage.dialect));
  const ids: (string | null)[] = [];
  for (const from of [one, one, other]) {
    const word = token();
    await from.ask(sendOf(two, word, stage.dialect));
    const arrived = await two.hear(says(word, stage.dialect));
    ids.push(arrived === null ? null : attr(arrived, 'clientID'));
  }
  await other.leave();
  stage.note(instances(ids));
}

/** What three clientIDs say: two of one instance, one of another. Pure. */
export function instances(ids: readonly (string | null)[]): ReturnType<typeof found> {
  const [a, b, c] = ids;
  const shown = ids.map((id) => id ?? 'none').join(', ');
  if (ids.every((id) => id === null)) {
    return notFound('senderInstance', 'untold', 'messages carry no clientID, so it makes no difference');
  }
  if (a === b && a !== c) return found('senderInstance', 'clientID', `it names the sender's instance (${shown})`);
  return found('senderInstance', 'ignore', `it does not name the sender's instance (${shown})`);
}

/** A12: each state once. */
export async function tryChatStates(stage: Stage, one: Visit, two: Visit): Promise<void> {
  const results: string[] = [];
  let isNoise = false;
  let arrivedCount = 0;
  for (const state of ['composing', 'paused', 'gone'] as const) {
    const mark = two.heard.length;
    const operation = writeChatState(
      two.person.account,
      { kind: 'chatState', state },
      { ...stage.dialect, chatStates: 'known' },
    );
    if (operation === null) continue;
    const { refusal } = await one.ask(operation);
    if (refusal !== null) {
      results.push(`${state} refused (${refusal})`);
      continue;
    }
    const arrived = await two.hear(
      (document) => document.name === 'readIM' && peerOf(document) === one.person.account,
      mark,
    );
    const reading = arrived === null ? null : readDocument(arrived, stage.dialect);
    const isState = reading?.kind === 'event' && reading.event.kind === 'chatState' && reading.event.state === state;
    if (isState) arrivedCount += 1;
    else if (arrived !== null) isNoise = true;
    results.push(
      `${state} ${isState ? 'arrives' : arrived === null ? 'does not arrive' : 'arrives as an odd message'}`,
    );
  }
  const value = arrivedCount > 0 && !isNoise ? 'known' : 'off';
  stage.note(found('chatStates', value, results.join(', ')));
}

/** A13: what is told about a message to nobody; with what was seen of ids before. */
export async function tryReports(stage: Stage, one: Visit, two: Visit): Promise<void> {
  if (stage.sentForm === null) return;
  const { ids, arrivedId, word, why } = stage.sentForm;
  const dialect = dialectOf({ ...stage.changes, errorReports: ids });
  const nobody = token();
  const domain = two.person.account.slice(two.person.account.indexOf('@') + 1);
  const mark = one.heard.length;
  const request = sendOf(two, nobody, dialect).request;
  const { refusal } = await one.ask({
    request: { ...request, attrs: { ...request.attrs, peer: `bridge-${nobody}@${domain}` } },
  });
  const isReport = (document: Element): boolean => document.name === 'readIM' && attr(document, 'type') === 'error';
  const report = refusal === null ? await one.hear(isReport, mark) : null;
  const isFalse = one.heard.some((document) => isReport(document) && attr(document, 'iqid') === word);
  const seen = [
    refusal !== null ? `nobody's mailbox is refused at once (${refusal})` : null,
    report !== null ? `a report comes ${attr(report, 'iqid') === nobody ? 'with our id' : 'without our id'}` : null,
    refusal === null && report === null ? 'a message to nobody is accepted and no report comes' : null,
    arrivedId === word
      ? 'our id arrives with the message'
      : arrivedId === null
        ? 'no id arrives'
        : 'another id arrives',
  ].filter((part) => part !== null);
  if (isFalse) stage.note(found('errorReports', 'ignore', 'a report came about a message that did arrive'));
  else stage.note(found('errorReports', ids, seen.join('; ') + why));
}
