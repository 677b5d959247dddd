/**
 * What comes with messages once they arrive: the sender's instance (A9), chat states (A12), reports about failures (A13).
 */
import { dialectOf } from '../../ximss/protocol/dialect';
import { attr, type Element } from '../../ximss/wire/element';
import { peerOf, readDocument } from '../../ximss/protocol/read';
import { writeBind, writeChatState } from '../../ximss/protocol/write';
import { found, notFound } from './findings';
import { hasBody, sendOf } from './messages';
import { clientId, token, type DialectContext } from './context';
import type { TestSession } from './session';

/** A9: two instances of one account, told apart by clientID or not. */
export async function tryInstances(context: DialectContext, one: TestSession, two: TestSession): Promise<void> {
  const other = await context.openSession(one.owner);
  await other.ask(writeBind(`${clientId}-2`, context.dialect));
  const ids: (string | null)[] = [];
  for (const from of [one, one, other]) {
    const word = token();
    await from.ask(sendOf(two, word, context.dialect));
    const arrived = await two.waitFor(hasBody(word, context.dialect));
    ids.push(arrived === null ? null : attr(arrived, 'clientID'));
  }
  await other.close();
  context.note(instances(ids));
}

/** What three clientIDs say: two of one instance, one of another. Pure. */
export function instances(ids: readonly (string | null)[]): ReturnType<typeof found> {
  const [a, b, c] = ids;
  const shown = ids.map((id) => id ?? 'none').join(', ');
  if (ids.every((id) => id === null)) {
    return notFound('senderInstance', 'unknown', 'messages carry no clientID, so it makes no difference');
  }
  if (a === b && a !== c) return found('senderInstance', 'clientID', `it names the sender's instance (${shown})`);
  return found('senderInstance', 'ignore', `it does not name the sender's instance (${shown})`);
}

/** A12: each state once. */
export async function tryChatStates(context: DialectContext, one: TestSession, two: TestSession): Promise<void> {
  const results: string[] = [];
  let isNoise = false;
  let arrivedCount = 0;
  for (const state of ['composing', 'paused', 'gone'] as const) {
    const mark = two.received.length;
    const operation = writeChatState(
      two.owner.account,
      { kind: 'chatState', state },
      { ...context.dialect, chatStates: 'known' },
    );
    if (operation === null) continue;
    const { refusal } = await one.ask(operation);
    if (refusal !== null) {
      results.push(`${state} refused (${refusal})`);
      continue;
    }
    const arrived = await two.waitFor(
      (document) => document.name === 'readIM' && peerOf(document) === one.owner.account,
      mark,
    );
    const reading = arrived === null ? null : readDocument(arrived, context.dialect);
    const isState = reading?.kind === 'event' && reading.event.kind === 'chatState' && reading.event.state === state;
    if (isState) arrivedCount += 1;
    else if (arrived !== null) isNoise = true;
    results.push(
      `${state} ${isState ? 'arrives' : arrived === null ? 'does not arrive' : 'arrives as an odd message'}`,
    );
  }
  const value = arrivedCount > 0 && !isNoise ? 'known' : 'off';
  context.note(found('chatStates', value, results.join(', ')));
}

/** A13: what is told about a message to nobody; with what was seen of ids before. */
export async function tryReports(context: DialectContext, one: TestSession, two: TestSession): Promise<void> {
  if (context.sentForm === null) return;
  const { ids, arrivedId, word, why } = context.sentForm;
  const dialect = dialectOf({ ...context.changes, errorReports: ids });
  const nobody = token();
  const domain = two.owner.account.slice(two.owner.account.indexOf('@') + 1);
  const mark = one.received.length;
  const request = sendOf(two, nobody, dialect).request;
  const { refusal } = await one.ask({
    request: { ...request, attrs: { ...request.attrs, peer: `bridge-${nobody}@${domain}` } },
  });
  const isReport = (document: Element): boolean => document.name === 'readIM' && attr(document, 'type') === 'error';
  const report = refusal === null ? await one.waitFor(isReport, mark) : null;
  const isFalse = one.received.some((document) => isReport(document) && attr(document, 'iqid') === word);
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
  if (isFalse) context.note(found('errorReports', 'ignore', 'a report came about a message that did arrive'));
  else context.note(found('errorReports', ids, seen.join('; ') + why));
}
