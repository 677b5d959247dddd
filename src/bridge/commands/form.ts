/** What the commands have in common: reading what was typed, the end with a table. */
import type { Answers, CommandStep, Table } from '../ports';

/** The end with a sentence, and a table when it has rows. */
export function done(text: string, table?: Table): CommandStep {
  return { kind: 'done', text, ...(table === undefined || table.rows.length === 0 ? {} : { table }) };
}

/** What was typed, without spaces around; '' when nothing was. */
export function typed(answers: Answers, name: string): string {
  return (answers.get(name) ?? '').trim();
}

/** A table whose columns are named by `head`: name and label. */
export function table(
  title: string,
  head: Readonly<Record<string, string>>,
  rows: readonly (readonly string[])[],
): Table {
  return { title, columns: Object.entries(head).map(([name, label]) => ({ var: name, label })), rows };
}
