/** XEP-0004 forms, as far as we use them: made from a list of fields, read back into values. Pure. */
import type { Field, Table } from '../../bridge/ports/commands';
import { ns } from './ns';
import { attr, childOf, childrenOf, childText, el, payload, textEl, type Element } from './element';

/** A field of a command, or one that the person does not see. */
export type FormField = Omit<Field, 'type'> & { readonly type: Field['type'] | 'hidden' };

export interface FormHead {
  readonly type: 'form' | 'result';
  readonly title: string;
  readonly hint?: string;
  /** XEP-0068 */
  readonly formType?: string;
}

export function formEl(head: FormHead, fields: readonly FormField[]): Element {
  const hidden =
    head.formType === undefined ? [] : [{ var: 'FORM_TYPE', type: 'hidden', value: head.formType } as const];
  return payload(
    'x',
    ns.form,
    { type: head.type },
    textEl('title', head.title),
    textEl('instructions', head.hint ?? null),
    ...[...hidden, ...fields].map(fieldEl),
  );
}

function fieldEl(field: FormField): Element {
  const options = (field.options ?? []).map(([value, label]) => el('option', { label }, textEl('value', value)));
  return el(
    'field',
    { var: field.var, type: field.type, label: field.label ?? null },
    field.isRequired ? el('required') : null,
    ...((field.value ?? null) === null ? [] : (field.value ?? '').split('\n').map((line) => textEl('value', line))),
    ...options,
  );
}

/** Several answers of one kind, XEP-0004 section 3.4. `formType`: XEP-0068. */
export function tableEl({ title, columns, rows }: Table, formType?: string): Element {
  const row = (values: readonly string[]): Element =>
    el('item', {}, ...columns.map((column, at) => el('field', { var: column.var }, textEl('value', values[at] ?? ''))));
  const head = columns.map((one) => el('field', { var: one.var, label: one.label, type: one.type ?? 'text-single' }));
  return payload(
    'x',
    ns.form,
    { type: 'result' },
    textEl('title', title),
    formType === undefined ? null : fieldEl({ var: 'FORM_TYPE', type: 'hidden', value: formType }),
    el('reported', {}, ...head),
    ...rows.map(row),
  );
}

/** What was submitted. `cancel`: the person gave up; null: there is no form. Values of several lines are joined. */
export function readForm(parent: Element): ReadonlyMap<string, string> | 'cancel' | null {
  const form = childOf(parent, 'x', ns.form);
  if (!form) return null;
  if (attr(form, 'type') === 'cancel') return 'cancel';
  const fields = childrenOf(form, 'field', ns.form);
  return new Map(fields.map((field) => [attr(field, 'var') ?? '', valueOf(field)]));
}

function valueOf(field: Element): string {
  const values = childrenOf(field, 'value', ns.form);
  return values.length === 0 ? (childText(field, 'value') ?? '') : values.map((value) => value.getText()).join('\n');
}
