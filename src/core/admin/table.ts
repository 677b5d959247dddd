/**
 * What an operator can ask and do, once: each command with its arguments and its effect. The JSON API and its description,
 * the ad-hoc commands (XEP-0050), the command line and the console are all made from this table; the texts for people
 * stand in core/i18n under the same names. Data only: it does nothing, and says nothing of how a face shows it.
 */
import type { Account, BareJid } from '../address';

/** What an argument may be; input.ts reads each. */
export interface Kinds {
  /** a Jabber user, bare */
  readonly user: BareJid;
  readonly account: Account;
  /** one line: a part of an address, an id, the place where a page ends */
  readonly word: string;
  /** many lines */
  readonly text: string;
  /** never in a query, a log, the audit log, or an argument of a program */
  readonly secret: string;
  /** what `links export` has written */
  readonly sealed: string;
  /** id of a dead letter */
  readonly letter: string;
  /** entries of a page */
  readonly count: number;
  readonly number: number;
  readonly flag: boolean;
  /** a date and time (ISO 8601), or how long ago: `90s`, `30m`, `2h`, `3d` */
  readonly time: string;
  /** one of `choices` */
  readonly choice: string;
}

export interface Argument {
  readonly name: string;
  readonly kind: keyof Kinds;
  readonly isRequired?: true;
  /** a list of them */
  readonly isMany?: true;
  /** in a shell it stands without its name */
  readonly isPlain?: true;
  readonly choices?: readonly string[];
}

export interface AdminCommand {
  /** read: shows. reveal: shows what is written into the audit log as a change is. change: does something. */
  readonly effect: 'read' | 'reveal' | 'change';
  readonly args: readonly Argument[];
  /** without this argument it only reads */
  readonly readsWithout?: string;
  /** one of these must be given, and only one */
  readonly oneOf?: readonly string[];
  /** one of these must be given */
  readonly someOf?: readonly string[];
}

/** States of a link as an operator sees them (docs/OPERATING.md, Links). */
export const linkStates = ['online', 'connecting', 'waiting', 'deferred', 'refused', 'suspended', 'closed'] as const;
export type LinkState = (typeof linkStates)[number];

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** To whom an announcement goes. */
const audiences = ['everybody', 'online'] as const;

/** Through what an operator acts. `signal`: SIGHUP. */
export const faces = ['api', 'console', 'jabber', 'shell', 'signal'] as const;
export type Face = (typeof faces)[number];

const user = { name: 'user', kind: 'user', isRequired: true, isPlain: true } as const;
const users = { name: 'users', kind: 'user', isRequired: true, isMany: true, isPlain: true } as const;
const someUser = { name: 'user', kind: 'user' } as const;
const password = { name: 'password', kind: 'secret', isRequired: true } as const;
const find = { name: 'find', kind: 'word' } as const;
const count = { name: 'count', kind: 'count' } as const;
const after = { name: 'after', kind: 'word' } as const;
const before = { name: 'before', kind: 'word' } as const;
const since = { name: 'since', kind: 'time' } as const;
const all = { name: 'all', kind: 'flag' } as const;
const reason = { name: 'reason', kind: 'word' } as const;
const ids = { name: 'ids', kind: 'letter', isMany: true, isPlain: true } as const;

/** By the words that one types; the order is that of every list of them. */
export const adminTable = {
  status: { effect: 'read', args: [] },
  'links list': {
    effect: 'read',
    args: [find, { name: 'status', kind: 'choice', choices: linkStates }, after, count],
  },
  'links show': { effect: 'read', args: [user] },
  'links add': {
    effect: 'change',
    args: [
      user,
      { name: 'account', kind: 'account', isRequired: true, isPlain: true },
      password,
      { name: 'shared', kind: 'flag' },
    ],
  },
  'links remove': { effect: 'change', args: [users] },
  'links suspend': { effect: 'change', args: [users] },
  'links resume': { effect: 'change', args: [users] },
  'links password': { effect: 'change', args: [user, password] },
  'links reconnect': {
    effect: 'change',
    args: [{ name: 'users', kind: 'user', isMany: true, isPlain: true }, all, { name: 'refused', kind: 'flag' }],
    oneOf: ['users', 'all', 'refused'],
  },
  'links export': { effect: 'reveal', args: [] },
  'links import': {
    effect: 'change',
    args: [
      { name: 'sealed', kind: 'sealed', isRequired: true, isPlain: true },
      { name: 'replace', kind: 'flag' },
    ],
  },
  'rosters show': { effect: 'read', args: [user] },
  'rosters compare': { effect: 'change', args: [user, { name: 'mayTake', kind: 'number' }] },
  lanes: { effect: 'read', args: [someUser, after, count] },
  'dead list': { effect: 'read', args: [someUser, reason, since, before, count] },
  'dead show': { effect: 'reveal', args: [{ name: 'id', kind: 'letter', isRequired: true, isPlain: true }] },
  'dead resend': {
    effect: 'change',
    args: [ids, someUser, reason, since, all],
    someOf: ['ids', 'user', 'reason', 'since', 'all'],
  },
  'dead drop': {
    effect: 'change',
    args: [ids, someUser, reason, since, all],
    someOf: ['ids', 'user', 'reason', 'since', 'all'],
  },
  trace: { effect: 'read', args: [{ name: 'id', kind: 'word', isRequired: true, isPlain: true }, someUser] },
  announce: {
    effect: 'change',
    args: [
      { name: 'text', kind: 'text', isRequired: true, isPlain: true },
      { name: 'to', kind: 'choice', choices: audiences },
    ],
  },
  audit: {
    effect: 'read',
    args: [find, since, { name: 'face', kind: 'choice', choices: faces }, before, count],
  },
  'log-level': {
    effect: 'change',
    args: [{ name: 'level', kind: 'choice', choices: logLevels, isPlain: true }],
    readsWithout: 'level',
  },
  reload: { effect: 'change', args: [] },
} as const satisfies Readonly<Record<string, AdminCommand>>;

export type AdminName = keyof typeof adminTable;
export const adminNames = Object.keys(adminTable) as readonly AdminName[]; // the keys of the record above

type ValueOf<A extends Argument> = A extends { readonly choices: readonly (infer C)[] } ? C : Kinds[A['kind']];
type GivenOf<A extends Argument> = A extends { readonly isMany: true } ? readonly ValueOf<A>[] : ValueOf<A>;
type Args<N extends AdminName> = (typeof adminTable)[N]['args'][number];

/** What a command is given: required arguments, and null (of a list: nothing, of a flag: false) for what was left out. */
export type AdminInput<N extends AdminName> = {
  readonly [A in Args<N> as A['name']]: A extends
    { readonly isRequired: true } | { readonly isMany: true } | { readonly kind: 'flag' }
    ? GivenOf<A>
    : GivenOf<A> | null;
};

/** A command of the table, seen as any command. */
export function adminCommand(name: AdminName): AdminCommand {
  return adminTable[name];
}
