/** The operators' command for a user's rosters (XEP-0050): shows what a comparison would do, and does it when told to. */
import { Fault } from '../../core/fault';
import { textsFor } from '../../core/i18n';
import type { CommandContext, CommandStep, Operator, RosterView, Table } from '../ports';
import { done, table, typed, userField, userOf } from './form';

/** contacts that are named */
const shownCount = 50;

/** A dry run first; what was left alone is done only when the operator, who has seen it, says so. */
export function rosters(operator: Operator, { user: by, language }: CommandContext): CommandStep {
  const say = textsFor(language).commands;
  const shown = ({ changes, skipped }: RosterView): Table => {
    const rows = [
      ...skipped.map((contact) => [contact, say.alone]),
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
      if (plan.changesCount + plan.skippedCount === 0) return done(say.rostersEqual);
      const [named, rest] = [shown(plan), plan.changesCount + plan.skippedCount - shownCount];
      return {
        kind: 'form',
        title: say.rosters,
        hint: [
          say.rostersWould(plan.changesCount, plan.skippedCount),
          ...named.rows.map((row) => row.join(': ')),
          ...(rest > 0 ? [`… (${rest})`] : []),
        ].join('\n'),
        fields: [{ var: 'do', type: 'list-single', label: say.rostersDo, value: 'nothing', options: choices }],
        next: async (chosen) => {
          const what = typed(chosen, 'do');
          if (what !== 'usual' && what !== 'all') return done(say.kept);
          const view = await operator.compare(user, what === 'all' ? plan.skippedCount : null, by);
          return done(say.rostersDone(view.changesCount, view.skippedCount), shown(view));
        },
      };
    },
  };
}
