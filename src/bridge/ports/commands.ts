/**
 * What a command is: a conversation of forms (XEP-0050, XEP-0004) in words that name no stanza. The middle offers commands of
 * this shape, and the Jabber side plays them.
 */
import type { BareJid } from '../../core/address';
import type { Language } from '../../core/i18n';

export interface Field {
  readonly var: string;
  readonly type:
    | 'text-single'
    | 'text-private'
    | 'text-multi'
    | 'boolean'
    | 'list-single'
    | 'list-multi'
    | 'jid-single'
    | 'jid-multi';
  readonly label?: string;
  readonly value?: string | null;
  readonly isRequired?: boolean;
  /** of a list: value and label */
  readonly options?: readonly (readonly [value: string, label: string])[];
}

export interface Table {
  readonly title: string;
  readonly columns: readonly { readonly var: string; readonly label: string; readonly type?: Field['type'] }[];
  readonly rows: readonly (readonly string[])[];
}

export type Answers = ReadonlyMap<string, string>;

/** What a command says next: a form and what to do with its answers, or the end. */
export type CommandStep =
  | {
      readonly kind: 'form';
      readonly title: string;
      readonly hint?: string;
      readonly fields: readonly Field[];
      readonly next: (answers: Answers) => CommandStep | Promise<CommandStep>;
    }
  | { readonly kind: 'done'; readonly text: string; readonly table?: Table };

export interface CommandContext {
  readonly user: BareJid;
  readonly language: Language;
  readonly signal: AbortSignal;
}

/** allowed: may use the bridge. linked: and has a link. admin: is named in `access.admins`. */
export type Permission = 'allowed' | 'linked' | 'admin';

/** A Fault thrown by `run` or a step ends the command with the fault's text. */
export interface Command {
  readonly node: string;
  readonly title: (language: Language) => string;
  readonly permission: Permission;
  readonly run: (context: CommandContext) => CommandStep | Promise<CommandStep>;
}
