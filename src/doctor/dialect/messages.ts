/**
 * Binding and sending: which form of bind (A6) and of sendIM (A7, A8, the ids of A13) makes a message arrive. Every element is
 * made by the bridge's own writers and read by its own readers, so that what works here works there.
 */
import { chatMessage, type Message } from '../../core/model';
import { dialectOf, type Dialect } from '../../ximss/protocol/dialect';
import { attr, childOf, type Element } from '../../ximss/wire/element';
import { signalUnbind } from '../../ximss/protocol/operations';
import { readDocument } from '../../ximss/protocol/read';
import { writeBind, writeEvent } from '../../ximss/protocol/write';
import { found, notFound } from './findings';
import { clientId, token, type DialectContext } from './context';
import type { TestSession } from './session';

/** A test message with a word of its own. */
const testMessage = (word: string): Message => chatMessage(`xmpp-ximss-bridge doctor, test message ${word} <&> ж`);

/** The sendIM of the bridge. */
export function sendOf(to: TestSession, word: string, dialect: Dialect): { readonly request: Element } {
  const operation = writeEvent(to.owner.account, testMessage(word), word, dialect);
  if (operation === null) throw new Error('a message has a form'); // write.ts: only receipts have none
  return operation;
}

/** Text of an arrived message as the bridge would read it; null when it is no message. */
export function bodyOf(document: Element, dialect: Dialect): string | null {
  const reading = readDocument(document, dialect);
  return reading.kind === 'event' && reading.event.kind === 'message' ? reading.event.body : null;
}

/** True for a message that carries this word. */
export const hasBody =
  (word: string, dialect: Dialect) =>
  (document: Element): boolean =>
    document.name === 'readIM' && (bodyOf(document, dialect) ?? '').includes(word);

/** Binds both, finds a form in which a message arrives, notes A6, A7, A8 and the ids of A13. False: nothing arrives. */
export async function tryMessages(context: DialectContext, one: TestSession, two: TestSession): Promise<boolean> {
  const refusals: string[] = [];
  for (const form of ['full', 'bare'] as const) {
    const refusal = await bind([one, two], form);
    if (refusal !== null) {
      refusals.push(`${form}: ${refusal}`);
      continue;
    }
    const sent = await findForm(context, one, two);
    if (sent !== null) {
      const why = refusals.length > 0 ? `; ${refusals.join('; ')}` : '';
      context.note(found('bind', form, `accepted, and messages arrive${why}`));
      noteForm(context, sent, two);
      return true;
    }
    refusals.push(`${form}: accepted, but no message arrives`);
  }
  context.note(notFound('bind', 'neither', refusals.join('; ')));
  for (const key of ['messageType', 'messageContent', 'errorReports'] as const) {
    context.note(notFound(key, 'unknown', 'no message arrives'));
  }
  return false;
}

async function bind(sessions: readonly TestSession[], form: Dialect['bind']): Promise<string | null> {
  for (const session of sessions) {
    if (form === 'bare') await session.ask(signalUnbind());
    const { refusal } = await session.ask(writeBind(clientId, dialectOf({ bind: form })));
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

async function findForm(context: DialectContext, one: TestSession, two: TestSession): Promise<Sent | null> {
  const refusals: string[] = [];
  for (const form of forms) {
    const word = token();
    const dialect = { ...context.dialect, ...form };
    const { refusal } = await one.ask(sendOf(two, word, dialect));
    if (refusal !== null) {
      refusals.push(refusal);
      continue;
    }
    const arrived = await two.waitFor(hasBody(word, dialect));
    if (arrived !== null) return { form, word, arrived, refusals };
    refusals.push('accepted, but it does not arrive with its text');
  }
  return null;
}

function noteForm(context: DialectContext, { form, word, arrived, refusals }: Sent, two: TestSession): void {
  const why = refusals[0] === undefined ? '' : `; the assumed form: ${refusals[0]}`;
  const type = attr(arrived, 'type');
  context.note(
    found(
      'messageType',
      form.messageType ?? 'chat',
      `arrives ${type === null ? 'without a type' : `as ${type}`}${why}`,
    ),
  );
  const format = childOf(arrived, 'body') === null ? 'as direct text' : 'in a body';
  const whole = bodyOf(arrived, context.dialect) === testMessage(word).body ? '' : ', changed on the way';
  context.note(found('messageContent', form.messageContent ?? 'text', `arrives ${format}${whole}${why}`));
  const { version } = two.info ?? { version: null };
  if (context.ximss().settings.server.binding === 'tcp') {
    const seen = `over TCP without a version: messages come ${format} (server ${version ?? 'of unknown version'})`;
    context.note(notFound('protocolVersion', 'unknown', seen));
  }
  const ids = form.errorReports === 'without-ids' ? 'without-ids' : 'with-ids';
  context.sentForm = { ids, arrivedId: attr(arrived, 'iqid'), word, why };
}
