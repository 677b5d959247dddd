/** The operators' commands that look for messages (XEP-0050): the lanes that wait, and one message by its id. They show no text. */
import { textsFor } from '../../core/i18n';
import { parseLaneKey } from '../../core/model';
import type { CommandContext, CommandStep, Operator } from '../ports';
import { directionOf, faultWords, placeWords, timeWords } from './describe';
import { done, table, typed, userField, userOf } from './form';

const shownCount = 50;

/** Lanes with something in them, of one user or of all. */
export function lanes(operator: Operator, { language }: CommandContext): CommandStep {
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

/** Where a message is that has this id. */
export function trace(operator: Operator, { language }: CommandContext): CommandStep {
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
