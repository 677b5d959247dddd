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
import { enter } from './login';
import { blockOf, dialectFrom, isConfigured, tableOf, notFound, type Finding } from './findings';
import type { People } from './test-accounts';
import { putBack, snapshot, type Snapshot } from './restore';
import { tryRoster } from './roster';
import { CLIENT_ID, defaultTiming, Stage, type Timing } from './context';
import { tryIq, tryStored } from './offline-messages';
import { trySubscription } from './subscription';
import { tryMessages } from './messages';
import { tryChatStates, tryInstances, tryReports } from './chat-features';
import type { Visit } from './session';
import { tryWeb } from './http';

export interface TrialOptions {
  readonly config: Config;
  readonly people: People;
  /** URL of the HTTP binding to try as well; null: only when the configuration names it */
  readonly web: string | null;
  readonly print: (line: string) => void;
  readonly clock: Clock;
  /** ends the trial early; what was changed is put back all the same */
  readonly signal: AbortSignal;
  readonly timing?: Timing;
}

const TRIAL_MS = 300_000;
const RESTORE_MS = 120_000;
const endedEarly = (): Fault => new Fault('stopping', { text: 'it was ended early' });

/**
 * Runs the trial and prints what was found. True: nothing to do. False: somebody could not log in, the configuration does not fit
 * the server, the server does something that no option covers, or something could not be put back. Never rejects.
 */
export async function runTrial(options: TrialOptions): Promise<boolean> {
  const { config, people, print, clock, timing = defaultTiming } = options;
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(TRIAL_MS)]);
  const stage = new Stage(config, people, clock, timing, signal);
  let before: Snapshot | null = null;
  let trouble: string | null = null;
  print(
    `${config.ximss.server}: ${people[0].account} and ${people[1].account} try what it understands; this takes a minute or two`,
  );
  try {
    const [one, two] = await enter(stage);
    before = await snapshot(one, two).catch(() => null);
    const act = makeActs(stage, print);
    const arrives = await act('messages', messageKeys, () => tryMessages(stage, one, two));
    if (arrives === true) await talk(stage, act, one, two);
    if (before === null) untold(stage, ['rosterSetForm', ...subscriptionKeys], 'the roster cannot be read');
    else {
      await act('contacts', ['rosterSetForm'], () => tryRoster(stage, one, two));
      await act('subscriptions', subscriptionKeys, () => trySubscription(stage, one, two));
    }
    const web = options.web ?? (parseXimssServer(config.ximss.server)?.binding === 'http' ? config.ximss.server : null);
    if (web !== null && arrives === true)
      await act('the HTTP binding', ['protocolVersion'], () => tryWeb(stage, web, one, two));
    if (stage.signal.aborted) throw endedEarly();
  } catch (thrown) {
    trouble = toFault(thrown).text;
  }
  await stage.end();
  const left = before === null ? [] : await restore(options, stage, before);
  return report(options, stage.findings, trouble, left);
}

type Keys = readonly (keyof Dialect)[];
const messageKeys: Keys = ['bind', 'messageType', 'messageContent', 'errorReports'];
const subscriptionKeys: Keys = ['subscriptionForm', 'unknownSubscription', 'presenceFrom'];

type Act = <T>(name: string, keys: Keys, run: () => Promise<T>) => Promise<T | null>;

/** Runs a part that is to find these options; a failure is told and the next part goes on, unless the trial is over. */
function makeActs(stage: Stage, print: (line: string) => void): Act {
  return async (name, keys, run) => {
    if (stage.signal.aborted) throw endedEarly();
    print(`  ${name} ...`);
    try {
      return await run();
    } catch (thrown) {
      const { text } = toFault(thrown);
      print(`  ${name}: ended early: ${text}`);
      untold(stage, keys, text);
      return null;
    }
  };
}

async function talk(stage: Stage, act: Act, one: Visit, two: Visit): Promise<void> {
  await act('reports', ['errorReports'], () => tryReports(stage, one, two));
  await act('chat states', ['chatStates'], () => tryChatStates(stage, one, two));
  await act('instances', ['senderInstance'], () => tryInstances(stage, one, two));
  await act('stored messages', ['storedTime'], () => tryStored(stage, one, two));
  await act('questions', ['incomingIq'], () => tryIq(stage, one, two));
}

/** Notes for each that was not found yet why not. */
function untold(stage: Stage, keys: Keys, why: string): void {
  for (const key of keys) {
    if (!stage.findings.some((finding) => finding.key === key)) stage.note(notFound(key, 'untold', why));
  }
}

/**
 * With sessions of its own, which live also when the trial was ended early. They bind, so that what is still stored of the
 * trial is taken away.
 */
async function restore(
  { config, people, clock, print, timing = defaultTiming }: TrialOptions,
  { changes, asked, invented }: Stage,
  before: Snapshot,
): Promise<readonly string[]> {
  const stage = new Stage(config, people, clock, timing, AbortSignal.timeout(RESTORE_MS));
  stage.changes = changes;
  for (const pair of asked) stage.asked.add(pair);
  print('  putting back ...');
  try {
    const visits = [await stage.visit(people[0]), await stage.visit(people[1])] as const;
    for (const visit of visits) await visit.ask(writeBind(CLIENT_ID, stage.dialect));
    return await putBack(stage, visits, before, invented);
  } catch (thrown) {
    return [`the contacts of both accounts could not be looked at again: ${toFault(thrown).text}`];
  } finally {
    await stage.end();
  }
}

function report(
  { config, print }: TrialOptions,
  findings: readonly Finding[],
  trouble: string | null,
  left: readonly string[],
): boolean {
  const configured = config.ximss.dialect;
  const choice = dialectFrom(findings, configured);
  print('');
  for (const row of tableOf(findings)) print(row);
  print('');
  if (trouble !== null) print(`The trial could not be finished: ${trouble}`);
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
