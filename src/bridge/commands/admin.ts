/**
 * The operators' commands (XEP-0050), made from core/admin/table.ts: a form with a field for each argument, and the answer in
 * words. All need the permission `admin`. A dead letter is chosen from a list; what people wrote is shown for one, on
 * request.
 */
import { readInput, valueOfText } from '../../core/admin/input';
import { adminCommand, adminNames, type AdminName, type Argument, type Kinds } from '../../core/admin/table';
import { textsFor } from '../../core/i18n';
import type { Language } from '../../core/i18n';
import type { Answers, Command, CommandContext, CommandStep, DeadLetterView, Field, Operator } from '../ports';
import { faultWords, timeWords } from './describe';
import { present } from './present';
import { wayWords } from './present-rows';
import { done, typed } from './form';

/** dead letters to choose from */
const lettersCount = 20;

const fieldTypes = {
  user: 'jid-single',
  account: 'text-single',
  word: 'text-single',
  text: 'text-multi',
  secret: 'text-private',
  sealed: 'text-multi',
  letter: 'list-single',
  count: 'text-single',
  number: 'text-single',
  flag: 'boolean',
  time: 'text-single',
  choice: 'list-single',
} as const satisfies Record<keyof Kinds, Field['type']>;

/** The operators' commands, in the order of the table. */
export function adminCommands(operator: Operator): readonly Command[] {
  return adminNames.map((name) => ({
    node: nodeOf(name),
    title: (language) => textsFor(language).operator.titles[name],
    permission: 'admin',
    run: (context) => begin(operator, name, context),
  }));
}

/** The node of a command: `admin/links/list`. The users' own have names without a prefix. */
export function nodeOf(name: AdminName): string {
  return `admin/${name.replace(/ /g, '/')}`;
}

async function begin(operator: Operator, name: AdminName, context: CommandContext): Promise<CommandStep> {
  const { args } = adminCommand(name);
  if (args.length === 0) return perform(operator, name, context, new Map());
  const letters = args.some(({ kind }) => kind === 'letter') ? await newest(operator, context) : [];
  return {
    kind: 'form',
    title: textsFor(context.language).operator.titles[name],
    fields: args.map((argument) => fieldOf(argument, letters, context.language)),
    next: (answers) => perform(operator, name, context, answers),
  };
}

async function perform(
  operator: Operator,
  name: AdminName,
  { user, language, signal }: CommandContext,
  answers: Answers,
): Promise<CommandStep> {
  const given = adminCommand(name).args.map((argument) => [argument.name, givenOf(argument, answers)] as const);
  const input = readInput(name, Object.fromEntries(given.filter(([, value]) => value !== undefined)));
  const output = await operator.run(name, input, { face: 'jabber', name: user }, signal);
  const { text, table } = present(name, output, language);
  return done(text, table);
}

/** What was filled in, as JSON; undefined: nothing. */
function givenOf(argument: Argument, answers: Answers): unknown {
  if (argument.kind === 'secret') return answers.get(argument.name) ?? '';
  const text = typed(answers, argument.name);
  if (text === '') return undefined;
  if (!argument.isMany) return valueOfText(argument, text);
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
}

function fieldOf(argument: Argument, letters: readonly DeadLetterView[], language: Language): Field {
  const { name, kind, choices, isMany, isRequired } = argument;
  const { any, args } = textsFor(language).operator;
  const options =
    kind === 'letter'
      ? letters.map((one) => [one.id, letterWords(one, language)] as const)
      : (choices ?? []).map((one) => [one, one] as const);
  const isList = kind === 'letter' || choices !== undefined;
  const many = { user: 'jid-multi', letter: 'list-multi' } as const;
  return {
    var: name,
    type: isMany && (kind === 'user' || kind === 'letter') ? many[kind] : fieldTypes[kind],
    label: args[name as keyof typeof args], // a test holds the texts and the table together
    ...(isList ? { options: isRequired || isMany ? options : [['', any], ...options] } : {}),
    ...(isRequired ? { isRequired } : {}),
  };
}

async function newest(operator: Operator, { user }: CommandContext): Promise<readonly DeadLetterView[]> {
  const input = readInput('dead list', { count: lettersCount });
  return (await operator.run('dead list', input, { face: 'jabber', name: user })).entries;
}

function letterWords(letter: DeadLetterView, language: Language): string {
  const { unreadable } = textsFor(language).commands;
  const why = letter.envelope === null ? unreadable : faultWords(letter.envelope.fault, language);
  return `${timeWords(letter.at)}, ${wayWords(letter)}, ${why}`;
}
