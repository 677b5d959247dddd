/**
 * The operators' commands (XEP-0050): links, lanes, dead letters, finding a message, reconnecting, rosters, announcing. All need the
 * permission `admin`. The longer ones have files of their own beside this one.
 */
import { Fault } from '../../core/fault';
import { textsFor } from '../../core/i18n';
import type { LinkStatus } from '../../core/model';
import type { Command, CommandContext, CommandStep, Operator } from '../ports';
import { deadLetters } from './dead-letters';
import { faultWords, timeWords } from './describe';
import { done, table, typed, userField, userOf } from './form';
import { lanes, trace } from './lanes';
import { rosters } from './rosters';

const shownCount = 50;
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
    make('dead', (_, context) => deadLetters(operator, context, null)),
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
