/**
 * The operators' commands (XEP-0050): links, lanes, dead letters, finding a message, reconnecting, rosters, announcing. All need the
 * permission `admin`. What people wrote is shown for one letter, on request.
 */
import { parseJid } from '../../core/address';
import type { BareJid } from '../../core/address';
import { Fault } from '../../core/fault';
import { textsFor } from '../../core/i18n';
import type { Language, Texts } from '../../core/i18n';
import { parseLaneKey } from '../../core/model';
import type { LinkStatus } from '../../core/model';
import type { Operator, DeadLetterView, OpenDeadLetter, RosterView, LaneParts } from '../ports';
import { faultWords, placeWords, timeWords } from './describe';
import { done, typed } from './types';
import type { Command, CommandContext, Field, CommandStep, Table } from './types';

const shownCount = 50;
const lettersCount = 20;
const statuses = ['online', 'connecting', 'waiting', 'deferred', 'refused'] as const satisfies readonly LinkStatus[];

type Node = 'links' | 'lanes' | 'dead' | 'trace' | 'reconnect' | 'rosters' | 'announce';

/** The operators' commands, in the order in which they are listed. */
export function adminCommands(operator: Operator): readonly Command[] {
  const make = (
    node: Node,
    run: (operator: Operator, context: CommandContext) => CommandStep | Promise<CommandStep>,
  ): Command => ({
    node: node === 'dead' ? 'dead-letters' : node,
    title: (language) => textsFor(language).commands[node],
    permission: 'admin',
    run: (context) => run(operator, context),
  });
  return [
    make('links', links),
    make('lanes', lanes),
    make('dead', (_, context) => letters(operator, context, null)),
    make('trace', trace),
    make('reconnect', reconnect),
    make('rosters', rosters),
    make('announce', announce),
  ];
}

function links(operator: Operator, { language }: CommandContext): CommandStep {
  const say = textsFor(language).commands;
  const options = statuses.map((status) => [status, say.statuses[status]] as const);
  return {
    kind: 'form',
    title: say.links,
    fields: [
      { var: 'find', type: 'text-single', label: say.find },
      { var: 'status', type: 'list-single', label: say.session, value: '', options: [['', say.any], ...options] },
    ],
    next: async (answers) => {
      const wanted = statuses.find((status) => status === typed(answers, 'status')) ?? null;
      const find = typed(answers, 'find').toLowerCase();
      const { entries, next } = operator.links({ after: null, count: shownCount, status: wanted, find });
      const { links: counts } = await operator.overview();
      const rows = entries.map((one) => [
        one.user,
        one.account,
        say.statuses[one.status],
        timeWords(one.since),
        faultWords(one.fault, language),
      ]);
      const head = { user: say.user, account: say.account, status: say.session, since: say.sessionSince, why: say.why };
      return done(
        `${say.total(counts.total, counts.online)} ${say.shown(rows.length, next === null)}`,
        table(say.links, head, rows),
      );
    },
  };
}

function lanes(operator: Operator, { language }: CommandContext): CommandStep {
  const say = textsFor(language).commands;
  return {
    kind: 'form',
    title: say.lanes,
    fields: [userField(say.oneUser, false)],
    next: async (answers) => {
      const { entries, next } = await operator.lanes({ user: userOf(answers), after: null, count: shownCount });
      const rows = entries.map(({ waiting, oldest, ...way }) => [
        directionOf(way, say),
        way.user ?? way.lane,
        way.peer ?? '',
        String(waiting),
        timeWords(oldest?.acceptedAt ?? null),
        String(oldest?.attempts ?? ''),
        oldest ? faultWords(oldest.fault, language) : say.unreadable,
      ]);
      const head = {
        direction: say.direction,
        user: say.user,
        contact: say.contact,
        waiting: say.count,
        oldest: say.oldest,
        tries: say.tries,
        why: say.why,
      };
      return done(say.shown(rows.length, next === null), table(say.lanes, head, rows));
    },
  };
}

// ---------------------------------------------------------------- dead letters

const olderPrefix = 'older ';

async function letters(operator: Operator, context: CommandContext, before: string | null): Promise<CommandStep> {
  const { language } = context;
  const say = textsFor(language).commands;
  const { entries, next } = await operator.deadLetters({ before, count: lettersCount });
  if (entries.length === 0) return done(say.noDead);
  const choices = entries.map((one) => [one.id, labelOf(one, language)] as const);
  const older = next === null ? [] : [[olderPrefix + next, say.older] as const];
  const actions = (['show', 'resend', 'drop'] as const).map((action) => [action, say.actions[action]] as const);
  return {
    kind: 'form',
    title: say.dead,
    fields: [
      { var: 'letter', type: 'list-single', label: say.letter, options: [...choices, ...older], isRequired: true },
      { var: 'action', type: 'list-single', label: say.action, value: 'show', options: actions },
    ],
    next: (answers) => {
      const chosen = typed(answers, 'letter');
      if (chosen.startsWith(olderPrefix)) return letters(operator, context, chosen.slice(olderPrefix.length));
      return actOn(operator, context, chosen, typed(answers, 'action'));
    },
  };
}

async function actOn(
  operator: Operator,
  { user, language }: CommandContext,
  id: string,
  action: string,
): Promise<CommandStep> {
  const say = textsFor(language).commands;
  switch (action) {
    case 'show':
      return shown(await operator.open(id, user), language);
    case 'resend':
      await operator.resend(id, user);
      return done(say.resent);
    case 'drop':
      if ((await operator.drop([id], user)) === 0) throw new Fault('not-found', { reason: 'noLetter' });
      return done(say.dropped);
    default:
      throw new Fault('bad-request', { reason: 'chooseLetter' });
  }
}

function labelOf(letter: DeadLetterView, language: Language): string {
  const say = textsFor(language).commands;
  const { envelope, user, peer, direction } = letter;
  const [from, to] = direction === 'toJabber' ? [peer, user] : [user, peer];
  const what =
    envelope === null ? say.unreadable : `${say.kinds[envelope.kind]}: ${faultWords(envelope.fault, language)}`;
  return `${timeWords(letter.at)}, ${from ?? '?'} → ${to ?? '?'}, ${what}`;
}

function shown(letter: OpenDeadLetter, language: Language): CommandStep {
  const say = textsFor(language).commands;
  const { envelope, text } = letter;
  const lines = [
    labelOf(letter, language),
    envelope === null ? '' : `${say.id}: ${envelope.messageId ?? envelope.envelopeId}`,
    envelope === null ? '' : `${say.accepted}: ${timeWords(envelope.acceptedAt)}; ${say.tries}: ${envelope.attempts}`,
    `${say.text}:\n${text}`,
  ];
  const rows = (envelope?.history ?? []).map(({ at, code }) => [timeWords(at), code]);
  return done(lines.filter(Boolean).join('\n'), table(say.tries, { at: say.attempt, why: say.why }, rows));
}

// ---------------------------------------------------------------- the rest

function trace(operator: Operator, { language }: CommandContext): CommandStep {
  const say = textsFor(language).commands;
  return {
    kind: 'form',
    title: say.trace,
    hint: say.traceHint,
    fields: [{ var: 'id', type: 'text-single', label: say.id, isRequired: true }, userField(say.oneUser, false)],
    next: async (answers) => {
      const found = await operator.trace({ id: typed(answers, 'id'), user: userOf(answers) });
      if (found.length === 0) return done(say.nothingFound);
      const rows = found.map((one) => {
        const way = parseLaneKey(one.lane) ?? { direction: null, user: null, peer: null };
        return [
          directionOf(way, say),
          way.user ?? one.lane,
          way.peer ?? '',
          placeWords(one, say),
          timeWords(one.acceptedAt),
          one.envelopeId,
          String(one.attempts ?? ''),
          faultWords(one.lastFault, language),
        ];
      });
      const head = {
        direction: say.direction,
        user: say.user,
        contact: say.contact,
        state: say.state,
        accepted: say.accepted,
        id: say.id,
        tries: say.tries,
        why: say.why,
      };
      return done(say.shown(rows.length, true), table(say.trace, head, rows));
    },
  };
}

function reconnect(operator: Operator, { user: by, language }: CommandContext): CommandStep {
  const say = textsFor(language).commands;
  return {
    kind: 'form',
    title: say.reconnect,
    fields: [userField(say.user, true)],
    next: async (answers) => {
      const user = userOf(answers);
      if (user === null) throw new Fault('jid-malformed');
      await operator.reconnect(user, by);
      return done(say.reconnected(user));
    },
  };
}

/** A dry run first; what was left alone is done only when the operator, who has seen it, says so. */
function rosters(operator: Operator, { user: by, language }: CommandContext): CommandStep {
  const say = textsFor(language).commands;
  const shown = ({ changes, held }: RosterView): Table => {
    const rows = [
      ...held.map((contact) => [contact, say.alone]),
      ...changes.map(({ contact, what }) => [contact, what.join(', ')]),
    ];
    return table(say.rosters, { contact: say.contact, change: say.change }, rows.slice(0, shownCount));
  };
  const choices = (['nothing', 'usual', 'all'] as const).map((one) => [one, say.rostersChoices[one]] as const);
  return {
    kind: 'form',
    title: say.rosters,
    fields: [userField(say.user, true)],
    next: async (answers) => {
      const user = userOf(answers);
      if (user === null) throw new Fault('jid-malformed');
      const plan = await operator.rosters(user);
      if (plan.changesCount + plan.heldCount === 0) return done(say.rostersEqual);
      const [named, rest] = [shown(plan), plan.changesCount + plan.heldCount - shownCount];
      return {
        kind: 'form',
        title: say.rosters,
        hint: [
          say.rostersWould(plan.changesCount, plan.heldCount),
          ...named.rows.map((row) => row.join(': ')),
          ...(rest > 0 ? [`… (${rest})`] : []),
        ].join('\n'),
        fields: [{ var: 'do', type: 'list-single', label: say.rostersDo, value: 'nothing', options: choices }],
        next: async (chosen) => {
          const what = typed(chosen, 'do');
          if (what !== 'usual' && what !== 'all') return done(say.kept);
          const view = await operator.compare(user, what === 'all' ? plan.heldCount : null, by);
          return done(say.rostersDone(view.changesCount, view.heldCount), shown(view));
        },
      };
    },
  };
}

function announce(operator: Operator, { user: by, language }: CommandContext): CommandStep {
  const say = textsFor(language).commands;
  const audience = (['everybody', 'online'] as const).map((to) => [to, say.audience[to]] as const);
  return {
    kind: 'form',
    title: say.announce,
    fields: [
      { var: 'text', type: 'text-multi', label: say.announcement, isRequired: true },
      { var: 'to', type: 'list-single', label: say.to, value: 'everybody', options: audience },
    ],
    next: async (answers) => {
      const to = typed(answers, 'to') === 'online' ? 'online' : 'everybody';
      const { queued, refused } = await operator.announce(answers.get('text') ?? '', to, by);
      return done(say.announced(queued, refused));
    },
  };
}

function userField(label: string, isRequired: boolean): Field {
  return { var: 'user', type: 'jid-single', label, isRequired };
}

/** The user that was typed, null for none. Throws Fault jid-malformed. */
function userOf(answers: ReadonlyMap<string, string>): BareJid | null {
  const text = typed(answers, 'user');
  if (text === '') return null;
  const jid = parseJid(text);
  if (jid === null) throw new Fault('jid-malformed');
  return jid.bare;
}

function directionOf({ direction }: Pick<LaneParts, 'direction'>, say: Texts['commands']): string {
  return direction === null ? say.unreadable : say[direction];
}

function table(title: string, head: Readonly<Record<string, string>>, rows: readonly (readonly string[])[]): Table {
  return { title, columns: Object.entries(head).map(([name, label]) => ({ var: name, label })), rows };
}
