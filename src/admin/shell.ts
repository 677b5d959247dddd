/**
 * `admin …`: the operator's commands in a shell, made from core/admin/table.ts. Users and ids are plain arguments, the rest are
 * options; a password comes from a file or standard input, never as an argument. Exit codes: 0 done, 1 not done, with the
 * reason, 2 wrong use, 5 no bridge answers.
 */
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { Option, type Command } from 'commander';
import { nextOf, present } from '../bridge/commands/present';
import type { AdminOutputs, Table } from '../bridge/ports';
import { ConfigProblems } from '../config';
import { readReach } from '../config/reach';
import { readInput, valueOfText } from '../core/admin/input';
import { adminCommand, adminNames, type AdminName, type Argument } from '../core/admin/table';
import { Fault } from '../core/fault';
import { textsFor } from '../core/i18n';
import type { World } from '../world';
import { askBridge } from './request';

const adminCodes = { done: 0, notDone: 1, wrongUse: 2, unreachable: 5 } as const;

type Given = Readonly<Record<string, unknown>>;

/** Adds `admin` with all its commands to the program. `onCode` is told the exit code. */
export function addAdmin(program: Command, world: World, onCode: (code: number) => void): void {
  const admin = program
    .command('admin')
    .description('ask a running bridge, or tell it to do something')
    .option('-c, --config <PATH>', 'the configuration of the bridge (default: BRIDGE_CONFIG)')
    .option('--json', 'print the answer as JSON')
    .addHelpText('after', '\nExit codes: 0 done, 1 not done, 2 wrong use, 5 no bridge answers.');
  const groups = new Map<string, Command>();
  for (const name of adminNames) {
    const [first = '', second] = name.split(' ');
    const group = second === undefined ? admin : (groups.get(first) ?? admin.command(first));
    if (second !== undefined) groups.set(first, group.description(`${first}: its commands`));
    addOne(group.command(second ?? first), name, async (given, command) => {
      onCode(await perform(name, given, command.optsWithGlobals(), world));
    });
  }
}

function addOne(command: Command, name: AdminName, act: (given: Given, command: Command) => Promise<void>): void {
  const { titles, args: texts } = textsFor('en').operator;
  const { args } = adminCommand(name);
  command.description(titles[name]);
  const plain = args.filter(({ isPlain }) => isPlain);
  for (const argument of plain) {
    const word = argument.kind === 'sealed' ? 'FILE' : argument.name;
    const shown = argument.isMany || argument.kind === 'text' ? `${word}...` : word;
    command.argument(argument.isRequired ? `<${shown}>` : `[${shown}]`, texts[argument.name as keyof typeof texts]); // a test holds them together
  }
  for (const argument of args.filter(({ isPlain }) => !isPlain)) command.addOption(optionOf(argument));
  command.action(async (...all: unknown[]) => {
    const self = all.at(-1) as Command; // commander hands it over last
    const options: Given = self.opts();
    const given = args.map((argument) => {
      const at = plain.indexOf(argument);
      return [argument.name, at >= 0 ? all[at] : options[optionName(argument)]] as const;
    });
    await act(Object.fromEntries(given.filter(([, value]) => value !== undefined)), self);
  });
}

function optionName({ name, kind }: Argument): string {
  return kind === 'secret' ? `${name}File` : name;
}

function optionOf(argument: Argument): Option {
  const texts = textsFor('en').operator.args;
  const text = texts[argument.name as keyof typeof texts]; // a test holds them together
  const flag = optionName(argument).replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  if (argument.kind === 'flag') return new Option(`--${flag}`, text);
  const option = new Option(
    `--${flag} <${argument.kind === 'secret' ? 'FILE' : 'VALUE'}>`,
    argument.kind === 'secret' ? `${text}, in a file; - is standard input` : text,
  );
  if (argument.choices !== undefined) option.choices(argument.choices);
  return argument.isRequired ? option.makeOptionMandatory() : option;
}

async function perform(
  name: AdminName,
  given: Given,
  { config, json }: { config?: string; json?: boolean },
  world: World,
): Promise<number> {
  let input: object;
  try {
    input = readInput(
      name,
      Object.fromEntries(adminCommand(name).args.map((one) => [one.name, valueOf(one, given[one.name])])),
    );
  } catch (thrown) {
    world.err(`${thrown instanceof Fault ? thrown.text : String(thrown)}\n`);
    return adminCodes.wrongUse;
  }
  try {
    const reach = readReach(config ?? (world.env['BRIDGE_CONFIG'] || null), world.env);
    const answer = await askBridge(reach, name, input, userInfo().username);
    if (answer.kind === 'done') return show(name, answer.output, json === true, world);
    world.err(`${answer.text}\n`);
    if (answer.kind === 'unreachable') return adminCodes.unreachable;
    if (json) world.out(`${JSON.stringify({ code: answer.code, text: answer.text })}\n`);
    return answer.code === 'bad-request' ? adminCodes.wrongUse : adminCodes.notDone;
  } catch (thrown) {
    if (!(thrown instanceof ConfigProblems)) throw thrown;
    world.err(`the configuration cannot be used:\n${thrown.message.replace(/^/gm, '  ')}\n`);
    return adminCodes.notDone;
  }
}

/** As JSON has it. Files are read here. Throws Fault bad-request when one cannot be. */
function valueOf(argument: Argument, value: unknown): unknown {
  if (value === undefined || typeof value === 'boolean') return value;
  if (argument.kind === 'text' && Array.isArray(value)) return value.join(' ');
  if (typeof value !== 'string') return value;
  if (argument.kind !== 'secret' && argument.kind !== 'sealed') return valueOfText(argument, value);
  try {
    return readFileSync(value === '-' ? 0 : value, 'utf8').replace(/\r?\n$/, '');
  } catch {
    throw new Fault('bad-request', { text: `${value}: cannot be read` });
  }
}

function show(name: AdminName, output: unknown, isJson: boolean, { out, err }: World): number {
  if (isJson) out(`${JSON.stringify(output)}\n`);
  else if (name === 'links export')
    out(`${(output as AdminOutputs['links export']).sealed}\n`); // what the API answers for it
  else {
    const { text, table } = present(name, output as AdminOutputs[typeof name], 'en'); // what the API answers for it
    if (table !== undefined) out(columns(table));
    (table === undefined || nextOf(output) === null ? out : err)(`${text}\n`);
  }
  const hasFailed = typeof output === 'object' && output !== null && 'failed' in output;
  return hasFailed && Array.isArray(output.failed) && output.failed.length > 0 ? adminCodes.notDone : adminCodes.done;
}

/** Columns as wide as what stands in them. */
function columns({ columns: head, rows }: Table): string {
  const all = [head.map(({ label }) => label.toUpperCase()), ...rows];
  const widths = head.map((_, at) => Math.max(...all.map((row) => row[at]?.length ?? 0)));
  return all
    .map(
      (row) =>
        `${row
          .map((cell, at) => cell.padEnd(widths[at] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
