/**
 * The list of ad-hoc commands (XEP-0050), and the users' own: link, unlink, status, "where is my message?". Each names who
 * may run it; whether this user may is asked by the engine, through `makePermits`. A user sees nothing of other users.
 */
import type { Access } from '../../core/access';
import { parseAccount } from '../../core/address';
import type { Account, BareJid } from '../../core/address';
import { Fault } from '../../core/fault';
import { textsFor } from '../../core/i18n';
import type { Language, Texts } from '../../core/i18n';
import { parseLaneKey } from '../../core/model';
import type { Command, CommandContext, CommandStep, Permission, Table } from '../ports';
import type { DeadLetterView, Finding, Operator, Registration, Waiting } from '../ports';
import { adminCommands } from './admin';
import { faultWords, placeWords, timeWords } from './describe';
import { done, typed } from './form';
import { preferencesCommand } from './preferences';
import type { UserSettings } from '../state/settings';

export interface CommandsOptions {
  readonly operator: Operator;
  readonly registration: Pick<Registration, 'accountOf' | 'link' | 'unlink'>;
  readonly userSettings: Pick<UserSettings, 'of' | 'change'>;
  /** a name alone is one of this domain */
  readonly homeDomain: string;
  /** may users link accounts themselves? */
  readonly mayRegister: boolean;
}

/** Every command, in the order in which it is listed. */
export function makeCommands(options: CommandsOptions): readonly Command[] {
  const own: Command[] = [
    command('where', 'linked', (context) => where(options, context)),
    command('status', 'linked', (context) => status(options, context)),
    preferencesCommand(options.userSettings),
    command('link', 'allowed', (context) => link(options, context)),
    command('unlink', 'linked', (context) => unlink(options, context)),
  ];
  return [...own.filter(({ node }) => node !== 'link' || options.mayRegister), ...adminCommands(options.operator)];
}

/** May this user see and run what needs this permission? */
export function makePermits(options: {
  readonly access: Pick<Access, 'isAllowed' | 'isAdmin'>;
  readonly isLinked: (user: BareJid) => boolean;
}): (user: BareJid, permission: Permission) => boolean {
  const { access, isLinked } = options;
  return (user, permission) => {
    switch (permission) {
      case 'allowed':
        return access.isAllowed(user);
      case 'linked':
        return access.isAllowed(user) && isLinked(user);
      case 'admin':
        return access.isAdmin(user);
    }
  };
}

function command(node: 'link' | 'unlink' | 'status' | 'where', permission: Permission, run: Command['run']): Command {
  return { node, title: (language) => textsFor(language).commands[node], permission, run };
}

// ---------------------------------------------------------------- the link

function link({ registration, homeDomain }: CommandsOptions, { user, language, signal }: CommandContext): CommandStep {
  const say = textsFor(language).commands;
  const now = registration.accountOf(user);
  return {
    kind: 'form',
    title: say.link,
    hint: now === null ? say.linkHint : say.relinkHint,
    fields: [
      { var: 'account', type: 'text-single', label: say.account, value: now, isRequired: true },
      { var: 'password', type: 'text-private', label: say.password, isRequired: true },
    ],
    next: async (answers) => {
      const [name, password] = [typed(answers, 'account'), answers.get('password') ?? ''];
      if (name === '' || password === '') throw new Fault('not-acceptable', { reason: 'accountNeeded' });
      const account = accountOf(name, homeDomain);
      await registration.link(user, account, password, signal);
      return done(say.linked(account));
    },
  };
}

function accountOf(name: string, homeDomain: string): Account {
  const account = parseAccount(name.includes('@') ? name : `${name}@${homeDomain}`);
  if (account === null) throw new Fault('jid-malformed');
  return account;
}

function unlink({ registration }: CommandsOptions, { user, language }: CommandContext): CommandStep {
  const say = textsFor(language).commands;
  return {
    kind: 'form',
    title: say.unlink,
    hint: say.unlinkHint(registration.accountOf(user) ?? ''),
    fields: [{ var: 'sure', type: 'boolean', label: say.sure, value: 'false' }],
    next: async (answers) => {
      if (!['true', '1'].includes(typed(answers, 'sure'))) return done(say.kept);
      await registration.unlink(user);
      return done(say.unlinked);
    },
  };
}

// ---------------------------------------------------------------- what became of it

async function status({ operator }: CommandsOptions, { user, language }: CommandContext): Promise<CommandStep> {
  const say = textsFor(language).commands;
  const view = operator.link(user);
  if (view === null) throw new Fault('not-linked');
  const { lanes, dead } = await operator.waitingOf(user);
  const count = lanes.reduce((sum, { waiting }) => sum + waiting, 0);
  const session = [say.statuses[view.status], view.since === null ? '' : say.since(timeWords(view.since))];
  const lines = [
    say.linked(view.account),
    `${say.session}: ${session.filter(Boolean).join(', ')}. ${faultWords(view.fault, language)}`,
    count === 0 ? say.nothingWaits : say.waits(count, lanes.length),
    dead.length === 0 ? '' : say.refusedToday(dead.length),
  ];
  return done(
    lines
      .map((line) => line.trim())
      .filter(Boolean)
      .join('\n'),
    tableOf(rowsOf({ lanes, dead }, language), say),
  );
}

function where({ operator }: CommandsOptions, { user, language }: CommandContext): CommandStep {
  const say = textsFor(language).commands;
  return {
    kind: 'form',
    title: say.where,
    hint: say.whereHint,
    fields: [{ var: 'id', type: 'text-single', label: say.id }],
    next: async (answers) => {
      const id = typed(answers, 'id');
      if (id === '') return newest(await operator.waitingOf(user), language);
      const found = await operator.trace({ id, user });
      return found.length === 0 ? done(say.unknown) : done(...findings(found, language));
    },
  };
}

/** A sentence about the first finding and a table of all. */
function findings(found: readonly Finding[], language: Language): [string, Table] {
  const say = textsFor(language).commands;
  const rows = found.map((one) => ({
    peer: parseLaneKey(one.lane)?.peer ?? '',
    state: placeWords(one, say),
    at: one.acceptedAt,
    id: one.envelopeId,
    tries: one.attempts,
    why: faultWords(one.lastFault, language),
  }));
  const note = found[0]?.place === 'gone' ? say.goneNote : sentence(rows[0]);
  return [note, tableOf(rows, say)];
}

function newest(waiting: Waiting, language: Language): CommandStep {
  const say = textsFor(language).commands;
  const rows = rowsOf(waiting, language);
  return rows.length === 0 ? done(say.nothingWaits) : done(`${say.newest} ${sentence(rows[0])}`, tableOf(rows, say));
}

interface Row {
  readonly peer: string;
  readonly state: string;
  readonly at: number | null;
  readonly id: string;
  readonly tries: number | null;
  readonly why: string;
}

/** The newest of each conversation and what was refused, newest first. What holds a conversation up is at its head. */
function rowsOf({ lanes, dead }: Waiting, language: Language): readonly Row[] {
  const say = textsFor(language).commands;
  const ownId = (envelope: DeadLetterView['envelope']): string => envelope?.messageId ?? envelope?.envelopeId ?? '';
  const waiting = lanes.map(({ peer, waiting: count, oldest, newest: last }) => ({
    peer: peer ?? '',
    state: say.waiting(count),
    at: last?.acceptedAt ?? null,
    id: ownId(last),
    tries: oldest?.attempts ?? null,
    why: faultWords(oldest?.fault ?? null, language),
  }));
  const refused = dead.map(({ peer, envelope }) => ({
    peer: peer ?? '',
    state: say.places.dead,
    at: envelope?.acceptedAt ?? null,
    id: ownId(envelope),
    tries: envelope?.attempts ?? null,
    why: faultWords(envelope?.fault ?? null, language),
  }));
  return [...waiting, ...refused].sort((a, b) => (b.at ?? 0) - (a.at ?? 0));
}

function sentence(row: Row | undefined): string {
  if (row === undefined) return '';
  const parts = [row.peer, row.state, timeWords(row.at), row.why];
  return parts.filter(Boolean).join('; ');
}

function tableOf(rows: readonly Row[], say: Texts['commands']): Table {
  return {
    title: say.where,
    columns: [
      { var: 'contact', label: say.contact },
      { var: 'state', label: say.state },
      { var: 'accepted', label: say.accepted },
      { var: 'id', label: say.id },
      { var: 'tries', label: say.tries },
      { var: 'why', label: say.why },
    ],
    rows: rows.map((row) => [row.peer, row.state, timeWords(row.at), row.id, String(row.tries ?? ''), row.why]),
  };
}
