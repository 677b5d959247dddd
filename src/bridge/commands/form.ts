/** What the commands have in common: the field that names a user, reading what was typed, the end with a table. */
import { parseJid, type BareJid } from '../../core/address';
import { Fault } from '../../core/fault';
import type { Answers, CommandStep, Field, Table } from '../ports';

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

/** The field; an optional one may stay empty. */
export function userField(label: string, isRequired: boolean): Field {
  return { var: 'user', type: 'jid-single', label, isRequired };
}

/** The user that was typed, null for none. Throws Fault jid-malformed. */
export function userOf(answers: Answers): BareJid | null {
  const text = typed(answers, 'user');
  if (text === '') return null;
  const jid = parseJid(text);
  if (jid === null) throw new Fault('jid-malformed');
  return jid.bare;
}
