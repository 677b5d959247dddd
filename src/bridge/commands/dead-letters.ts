/**
 * The operators' command for dead letters (XEP-0050): choose one, then show it, send it again or drop it. What people wrote
 * is shown for the one that is chosen, on request.
 */
import { Fault } from '../../core/fault';
import { textsFor } from '../../core/i18n';
import type { Language } from '../../core/i18n';
import type { CommandContext, CommandStep, DeadLetterView, OpenDeadLetter, Operator } from '../ports';
import { faultWords, timeWords } from './describe';
import { done, table, typed } from './form';

const lettersCount = 20;
const olderPrefix = 'older ';

/** A page of them, the newest first; `before` continues it. */
export async function deadLetters(
  operator: Operator,
  context: CommandContext,
  before: string | null,
): Promise<CommandStep> {
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
      if (chosen.startsWith(olderPrefix)) return deadLetters(operator, context, chosen.slice(olderPrefix.length));
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
