/**
 * Dead letters as the operator handles them: listed, opened, sent again, dropped. Opening one shows what was written, so
 * it is logged, as is every change, with who asked. A letter of a user without a link is not sent again.
 */
import { Fault, toFault } from '../../core/fault';
import type { Links } from '../accounts/links';
import type { Backlog, DeadLetter, Log, Operator, Scheduler } from '../ports';
import { letterView, pageCount, textOf } from './views';

export interface OperatorDeadLettersOptions {
  readonly backlog: Pick<Backlog, 'deadLetters' | 'deadLetter' | 'resend' | 'dropDeadLetters'>;
  readonly scheduler: Pick<Scheduler, 'schedule'>;
  readonly links: Pick<Links, 'isLinked'>;
  readonly log: Log;
}

export type OperatorDeadLetters = Pick<Operator, 'deadLetters' | 'open' | 'resend' | 'drop'>;

/** The verbs of `Operator` that are about dead letters; they reject as it says. */
export function makeOperatorDeadLetters(options: OperatorDeadLettersOptions): OperatorDeadLetters {
  const { backlog, scheduler, links, log } = options;

  const deadLetters: OperatorDeadLetters['deadLetters'] = async ({ before, count }) => {
    const page = await backlog.deadLetters({ before, count: pageCount(count) });
    return { entries: page.entries.map(letterView), next: page.next };
  };

  async function letterOf(id: string): Promise<DeadLetter> {
    const letter = await backlog.deadLetter(id);
    if (!letter) throw new Fault('not-found', { reason: 'noLetter' });
    return letter;
  }

  const open: OperatorDeadLetters['open'] = async (id, by) => {
    const letter = await letterOf(id);
    log.info({ by, letter: id }, 'a dead letter was read');
    const { content } = letter;
    return { ...letterView(letter), text: 'envelope' in content ? textOf(content.envelope.event) : content.poisoned };
  };

  const resend: OperatorDeadLetters['resend'] = async (id, by) => {
    const letter = await letterOf(id);
    const view = letterView(letter);
    if (view.envelope === null) throw new Fault('poisoned');
    if (view.user === null || !links.isLinked(view.user)) throw new Fault('not-linked', { reason: 'noLink' });
    const resent = await backlog.resend(id);
    if (resent?.result.outcome === 'full') throw new Fault('lane-full');
    if (!resent) throw new Fault('not-found', { reason: 'noLetter' });
    log.info({ by, letter: id, lane: resent.lane, env: view.envelope.envelopeId }, 'a dead letter is sent again');
    // what cannot be scheduled now is found by the scheduler's sweep
    await scheduler
      .schedule([resent.lane], { immediately: true })
      .catch((thrown: unknown) => log.debug({ fault: toFault(thrown).code }, 'a lane could not be scheduled yet'));
    return view;
  };

  const drop: OperatorDeadLetters['drop'] = async (ids, by) => {
    const count = await backlog.dropDeadLetters(ids);
    log.info({ by, count }, 'dead letters were dropped');
    return count;
  };

  return { deadLetters, open, resend, drop };
}
