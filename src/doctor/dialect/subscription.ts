/**
 * Contact requests and their answers (A19), the words of a roster item (A17), what presence looks like (A20). Between
 * strangers the whole way is gone: request, answer, presence. Between people who know each other one takes their
 * subscription back, and cleanup.ts gives it again. What it cannot put back it does not touch.
 */
import type { SubscriptionVerb } from '../../core/model';
import { dialectOf, type Dialect } from '../../ximss/protocol/dialect';
import { attr, childText, type Element } from '../../ximss/wire/element';
import { peerOf, readDocument } from '../../ximss/protocol/read';
import { writeEvent, writePresence } from '../../ximss/protocol/write';
import type { Answer } from '../checks/raw-tcp';
import { found, notFound, type Finding } from './findings';
import type { DialectContext } from './context';
import type { TestSession } from './session';

type Form = Dialect['subscriptionForm'];
const forms: readonly Form[] = ['presenceSet', 'rosterSet'];
const sees = (word: string | null): boolean => word === 'to' || word === 'both';

/** The word of an item; null when it has none, '' when there is no item. */
const wordOf = (item: Element | undefined): string | null => (item === undefined ? '' : attr(item, 'subscription'));

/** Says a verb in a form. */
export function sendVerb(
  from: TestSession,
  to: TestSession,
  verb: SubscriptionVerb,
  subscriptionForm: Form,
): Promise<Answer> {
  const operation = writeEvent(
    to.owner.account,
    { kind: 'verb', verb, status: null },
    '',
    dialectOf({ subscriptionForm }),
  );
  if (operation === null) throw new Error('a verb has a form'); // write.ts: only receipts have none
  return from.ask(operation);
}

/** A19, A17, A20. */
export async function trySubscription(context: DialectContext, one: TestSession, two: TestSession): Promise<void> {
  const mine = (await one.roster()).get(two.owner.account);
  const theirs = (await two.roster()).get(one.owner.account);
  const [a, b] = [wordOf(mine), wordOf(theirs)];
  const areStrangers = [a, b].every((word) => word === '' || word === 'none');
  const isAsking = [mine, theirs].some((item) => item !== undefined && attr(item, 'ask') !== null);
  if (areStrangers && !isAsking) return tryAmongStrangers(context, one, two);
  if (sees(a)) return tryAmongContacts(context, one, two);
  if (sees(b)) return tryAmongContacts(context, two, one);
  const why =
    'the two accounts know each other in a way that could not be put back: remove each from the contacts of the other';
  context.note(notFound('subscriptionForm', 'unknown', why));
  context.note(words(one, two, null));
}

// ---- strangers

async function tryAmongStrangers(context: DialectContext, one: TestSession, two: TestSession): Promise<void> {
  const failures: string[] = [];
  for (const form of forms) {
    const failure = await request(context, one, two, form);
    if (failure !== null) {
      failures.push(`${form}: ${failure}`);
      continue;
    }
    context.note(
      found('subscriptionForm', form, `request and answer take effect${failures.map((text) => `; ${text}`).join('')}`),
    );
    const item = (await one.roster()).get(two.owner.account);
    context.note(words(one, two, item ?? null));
    return tryPresence(context, one, two);
  }
  context.note(notFound('subscriptionForm', 'neither', failures.join('; ')));
  context.note(words(one, two, null));
}

/** One asks, the other agrees; why it did not work, null when it did. */
async function request(
  context: DialectContext,
  one: TestSession,
  two: TestSession,
  form: Form,
): Promise<string | null> {
  const marks = [one.received.length, two.received.length];
  context.subscriptionsRequested.add(`${one.owner.account} ${two.owner.account}`);
  const asked = await sendVerb(one, two, 'subscribe', form);
  if (asked.refusal !== null) return `a request is refused (${asked.refusal})`;
  if ((await two.waitFor(isVerb('subscribe', one), marks[1])) === null)
    return 'a request does not arrive as presence type="subscribe"';
  const answered = await sendVerb(two, one, 'subscribed', form);
  if (answered.refusal !== null) return `an answer is refused (${answered.refusal})`;
  if ((await one.waitFor(isVerb('subscribed', two), marks[0])) !== null) return null;
  const isThere = await one.rosterFits((roster) => sees(wordOf(roster.get(two.owner.account))));
  return isThere ? null : 'an answer does not take effect';
}

const isVerb =
  (verb: SubscriptionVerb, from: TestSession) =>
  (document: Element): boolean => {
    const reading = readDocument(document, dialectOf({}));
    return (
      reading.kind === 'event' &&
      reading.event.kind === 'verb' &&
      reading.event.verb === verb &&
      reading.peer === from.owner.account
    );
  };

// ---- people who know each other: `one` sees `two`

async function tryAmongContacts(context: DialectContext, one: TestSession, two: TestSession): Promise<void> {
  await tryPresence(context, one, two);
  context.note(words(one, two, (await one.roster()).get(two.owner.account) ?? null));
  const failures: string[] = [];
  for (const form of forms) {
    const { refusal } = await sendVerb(one, two, 'unsubscribe', form);
    const isUndone = await one.rosterFits((roster) => !sees(wordOf(roster.get(two.owner.account))));
    if (isUndone) {
      context.note(
        found(
          'subscriptionForm',
          form,
          `taking a subscription back takes effect${failures.map((text) => `; ${text}`).join('')}`,
        ),
      );
      return;
    }
    failures.push(`${form}: ${refusal === null ? 'accepted without effect' : `refused (${refusal})`}`);
  }
  context.note(notFound('subscriptionForm', 'neither', failures.join('; ')));
}

// ---- A17

const known = ['none', 'to', 'from', 'both', 'remove'];

/** What subscription words were seen; `confirmed` is an item of somebody whose presence may surely be seen. */
function words(one: TestSession, two: TestSession, confirmed: Element | null): Finding {
  const seen = [...new Set([...one.subscriptionWords, ...two.subscriptionWords])].sort();
  return subscriptionWords(seen, confirmed === null ? null : (attr(confirmed, 'subscription') ?? ''));
}

const shownWord = (word: string): string => (word === '' ? 'no word' : word);

/** Pure: all words that were seen, and that of a confirmed contact (null: there was none). */
export function subscriptionWords(seen: readonly string[], confirmed: string | null): Finding {
  const shown = `words seen: ${seen.length === 0 ? 'none at all' : seen.map(shownWord).join(', ')}`;
  if (seen.length === 0) return notFound('unknownSubscription', 'unknown', shown);
  if (seen.every((word) => known.includes(word))) return found('unknownSubscription', 'none', shown);
  if (confirmed === null) return notFound('unknownSubscription', 'unknown', `${shown}; no contact could be confirmed`);
  if (known.includes(confirmed))
    return found('unknownSubscription', 'none', `${shown}; a confirmed contact has ${shownWord(confirmed)}`);
  return found('unknownSubscription', 'both', `${shown}; a confirmed contact has ${shownWord(confirmed)}`);
}

// ---- A20

async function tryPresence(context: DialectContext, one: TestSession, two: TestSession): Promise<void> {
  const mark = one.received.length;
  const { refusal } = await two.ask(writePresence({ show: 'dnd', status: 'doctor' }));
  const isTheirs = (document: Element): boolean =>
    document.name === 'presence' &&
    peerOf(document) === two.owner.account &&
    (childText(document, 'presence') ?? '') !== '';
  const came = refusal === null ? await one.waitFor(isTheirs, mark) : null;
  await two.ask(writePresence({ show: 'offline', status: null }));
  context.note(presenceForm(came, refusal));
}

/** What the presence of somebody who is busy looks like. Pure. */
export function presenceForm(document: Element | null, refusal: string | null): Finding {
  if (document === null) {
    const why = refusal === null ? 'presence does not arrive' : `presence is refused: ${refusal}`;
    return notFound('presenceFrom', 'unknown', why);
  }
  const [show, presence] = [childText(document, 'show'), childText(document, 'presence')];
  const seen = `busy arrives as ${presence}${show === null ? ', without show' : ` with show ${show}`}`;
  return found('presenceFrom', show === null || show === 'dnd' ? 'show-first' : 'presence-only', seen);
}
