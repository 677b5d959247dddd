/**
 * `doctor --ximss`: two test accounts find out which reading of each assumption about the far protocol a real server has
 * (docs/XIMSS.md 11), part by part; then everything is put back and the `dialect:` block printed. A part
 * that fails does not stop the others. It never shows a password or a message that is not its own.
 */
import type { Clock } from '../../bridge/ports';
import type { Config } from '../../config';
import { parseXimssServer } from '../../config';
import { Fault, toFault } from '../../core/fault';
import type { Dialect } from '../../ximss/protocol/dialect';
import { writeBind } from '../../ximss/protocol/write';
import { logIn } from './login';
import { blockOf, dialectFrom, isConfigured, tableOf, notFound, type Finding } from './findings';
import type { TestAccounts } from './test-accounts';
import { restore, snapshotRosters, type RosterSnapshot } from './cleanup';
import { tryDirectory } from './directory';
import { tryRoster } from './roster';
import { clientId, defaultTiming, DialectContext, type Timing } from './context';
import { tryIq, tryStored } from './offline-messages';
import { trySubscription } from './subscription';
import { tryMessages } from './messages';
import { tryChatStates, tryInstances, tryReports } from './chat-features';
import type { TestSession } from './session';
import { tryHttp } from './http';

export interface DialectTestOptions {
  readonly config: Config;
  readonly accounts: TestAccounts;
  /** URL of the HTTP binding to try as well; null: only when the configuration names it */
  readonly httpUrl: string | null;
  readonly print: (line: string) => void;
  readonly clock: Clock;
  /** ends the test early; what was changed is put back all the same */
  readonly signal: AbortSignal;
  readonly timing?: Timing;
}

const testMs = 300_000;
const restoreMs = 120_000;
const endedEarly = (): Fault => new Fault('stopping', { text: 'it was ended early' });

/**
 * Runs the test and prints what was found. True: nothing to do. False: somebody could not log in, the configuration does not fit
 * the server, the server does something that no option covers, or something could not be put back. Never rejects.
 */
export async function runDialectTests(options: DialectTestOptions): Promise<boolean> {
  const { config, accounts, print, clock, timing = defaultTiming } = options;
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(testMs)]);
  const context = new DialectContext(config, accounts, clock, timing, signal);
  let before: RosterSnapshot | null = null;
  let trouble: string | null = null;
  print(
    `${config.ximss.server}: ${accounts[0].account} and ${accounts[1].account} try what it understands; this takes a minute or two`,
  );
  try {
    const [one, two] = await logIn(context);
    before = await snapshotRosters(one, two).catch(() => null);
    const act = makeParts(context, print);
    const arrives = await act('messages', messageKeys, () => tryMessages(context, one, two));
    if (arrives === true) await tryConversation(context, act, one, two);
    if (before === null) noteUnknown(context, ['rosterSetForm', ...subscriptionKeys], 'the roster cannot be read');
    else {
      await act('contacts', ['rosterSetForm'], () => tryRoster(context, one, two));
      await act('subscriptions', subscriptionKeys, () => trySubscription(context, one, two));
    }
    const httpUrl =
      options.httpUrl ?? (parseXimssServer(config.ximss.server)?.binding === 'http' ? config.ximss.server : null);
    if (httpUrl !== null && arrives === true)
      await act('the HTTP binding', ['protocolVersion'], () => tryHttp(context, httpUrl, one, two));
    if (context.signal.aborted) throw endedEarly();
  } catch (thrown) {
    trouble = toFault(thrown).text;
  }
  await context.end();
  const left = before === null ? [] : await restoreRosters(options, context, before);
  return report(options, context.findings, trouble, left);
}

type Keys = readonly (keyof Dialect)[];
const messageKeys: Keys = ['bind', 'messageType', 'messageContent', 'errorReports'];
const subscriptionKeys: Keys = ['subscriptionForm', 'unknownSubscription', 'presenceFrom'];

type RunPart = <T>(name: string, keys: Keys, run: () => Promise<T>) => Promise<T | null>;

/** Runs a part that is to find these options; a failure is told and the next part goes on, unless the test is over. */
function makeParts(context: DialectContext, print: (line: string) => void): RunPart {
  return async (name, keys, run) => {
    if (context.signal.aborted) throw endedEarly();
    print(`  ${name} ...`);
    try {
      return await run();
    } catch (thrown) {
      const { text } = toFault(thrown);
      print(`  ${name}: ended early: ${text}`);
      noteUnknown(context, keys, text);
      return null;
    }
  };
}

async function tryConversation(
  context: DialectContext,
  act: RunPart,
  one: TestSession,
  two: TestSession,
): Promise<void> {
  await act('reports', ['errorReports'], () => tryReports(context, one, two));
  await act('chat states', ['chatStates'], () => tryChatStates(context, one, two));
  await act('instances', ['senderInstance'], () => tryInstances(context, one, two));
  await act('stored messages', ['storedTime'], () => tryStored(context, one, two));
  await act('questions', ['incomingIq'], () => tryIq(context, one, two));
  await act('people in the directory', ['directory', 'directoryFields'], () => tryDirectory(context, one, two));
}

/** Notes for each that was not found yet why not. */
function noteUnknown(context: DialectContext, keys: Keys, why: string): void {
  for (const key of keys) {
    if (!context.findings.some((finding) => finding.key === key)) context.note(notFound(key, 'unknown', why));
  }
}

/**
 * With sessions of its own, which live also when the test was ended early. They bind, so that what is still stored of the
 * trial is taken away.
 */
async function restoreRosters(
  { config, accounts, clock, print, timing = defaultTiming }: DialectTestOptions,
  { changes, subscriptionsRequested: asked, addedContacts: invented }: DialectContext,
  before: RosterSnapshot,
): Promise<readonly string[]> {
  const context = new DialectContext(config, accounts, clock, timing, AbortSignal.timeout(restoreMs));
  context.changes = changes;
  for (const pair of asked) context.subscriptionsRequested.add(pair);
  print('  putting back ...');
  try {
    const sessions = [await context.openSession(accounts[0]), await context.openSession(accounts[1])] as const;
    for (const session of sessions) await session.ask(writeBind(clientId, context.dialect));
    return await restore(context, sessions, before, invented);
  } catch (thrown) {
    return [`the contacts of both accounts could not be looked at again: ${toFault(thrown).text}`];
  } finally {
    await context.end();
  }
}

function report(
  { config, print }: DialectTestOptions,
  findings: readonly Finding[],
  trouble: string | null,
  left: readonly string[],
): boolean {
  const configured = config.ximss.dialect;
  const choice = dialectFrom(findings, configured);
  print('');
  for (const row of tableOf(findings)) print(row);
  print('');
  if (trouble !== null) print(`The test could not be finished: ${trouble}`);
  for (const line of left) print(`NOT PUT BACK: ${line}`);
  if (left.length === 0 && findings.length > 0)
    print('Contacts, groups and subscriptions of both accounts are as they were.');
  const isRight = isConfigured(choice, configured);
  if (findings.length > 0) {
    if (Object.keys(choice).length === 0) print('The assumed readings fit this server; no dialect is needed:');
    else print(isRight ? 'The configuration has what this server needs:' : 'Paste this into the configuration:');
    for (const line of blockOf(choice)) print(line);
  }
  const isOdd = findings.some(({ outcome }) => outcome === 'neither');
  if (isOdd)
    print(
      'NEITHER: this server does something that no option covers; please tell the authors of the bridge, with the table.',
    );
  return trouble === null && left.length === 0 && isRight && !isOdd;
}
