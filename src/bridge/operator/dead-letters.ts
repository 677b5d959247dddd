/**
 * Dead letters as the operator handles them: listed, opened, sent again, dropped; one, several, or all that fit a filter.
 * Opening one shows what was written. A letter of a user without a link is not sent again.
 */
import { timeOf } from '../../core/admin/input';
import type { BareJid } from '../../core/address';
import { Fault, toFault } from '../../core/fault';
import type { Links } from '../accounts/links';
import type { Backlog, Clock, DeadLetter, DeadLetterView, Log, Scheduler } from '../ports';
import { doEach } from './each';
import type { Handlers } from './handlers';
import { defaultCount, letterView, pageMax, textOf } from './views';

export interface OperatorDeadLettersOptions {
  readonly backlog: Pick<Backlog, 'deadLetters' | 'deadLetter' | 'resend' | 'dropDeadLetters'>;
  readonly scheduler: Pick<Scheduler, 'schedule'>;
  readonly links: Pick<Links, 'isLinked'>;
  readonly clock: Clock;
  readonly log: Log;
}

interface Filter {
  readonly user: BareJid | null;
  /** a fault's code, or a part of its text */
  readonly reason: string | null;
  readonly since: string | null;
}

type Chosen = Filter & { readonly ids: readonly string[]; readonly all: boolean };

/** Handlers of the commands about dead letters. */
export function makeDeadLetterHandlers(
  options: OperatorDeadLettersOptions,
): Handlers<'dead list' | 'dead show' | 'dead resend' | 'dead drop'> {
  const { backlog, scheduler, links, clock, log } = options;

  /** Newest first. */
  async function* matching(filter: Filter, before: string | null): AsyncGenerator<DeadLetterView> {
    const since = timeOf(filter.since, clock.now());
    for (let place = before; ;) {
      const page = await backlog.deadLetters({ before: place, count: pageMax });
      for (const letter of page.entries) {
        if (since !== null && letter.at < since) return;
        const view = letterView(letter);
        if (fits(view, filter)) yield view;
      }
      if (page.next === null) return;
      place = page.next;
    }
  }

  async function letterOf(id: string): Promise<DeadLetter> {
    const letter = await backlog.deadLetter(id);
    if (!letter) throw new Fault('not-found', { reason: 'noLetter' });
    return letter;
  }

  async function resend(id: string): Promise<void> {
    const view = letterView(await letterOf(id));
    if (view.envelope === null) throw new Fault('poisoned');
    if (view.user === null || !links.isLinked(view.user)) throw new Fault('not-linked', { reason: 'noLink' });
    const resent = await backlog.resend(id);
    if (resent?.result.outcome === 'full') throw new Fault('lane-full');
    if (!resent) throw new Fault('not-found', { reason: 'noLetter' });
    log.info({ letter: id, lane: resent.lane, env: view.envelope.envelopeId }, 'a dead letter is sent again');
    // what cannot be scheduled now is found by the scheduler's sweep
    await scheduler
      .schedule([resent.lane], { immediately: true })
      .catch((thrown: unknown) => log.debug({ fault: toFault(thrown).code }, 'a lane could not be scheduled yet'));
  }

  async function drop(id: string): Promise<void> {
    if ((await backlog.dropDeadLetters([id])) === 0) throw new Fault('not-found', { reason: 'noLetter' });
  }

  /** The ids that were named, or those of all that fit; oldest first, as they lay in their lanes. */
  async function chosen({ ids, ...filter }: Chosen): Promise<readonly string[]> {
    if (ids.length > 0) return [...new Set(ids)].sort(byAge);
    const found: string[] = [];
    for await (const { id } of matching(filter, null)) found.push(id);
    return found.reverse();
  }

  return {
    async 'dead list'({ before, count, ...filter }) {
      const wanted = count ?? defaultCount;
      const entries: DeadLetterView[] = [];
      for await (const view of matching(filter, before)) {
        if (entries.length === wanted) return { entries, next: entries.at(-1)?.id ?? null };
        entries.push(view);
      }
      return { entries, next: null };
    },
    async 'dead show'({ id }) {
      const letter = await letterOf(id);
      const { content } = letter;
      return { ...letterView(letter), text: 'envelope' in content ? textOf(content.envelope.event) : content.poisoned };
    },
    'dead resend': async (input) => doEach(await chosen(input), resend, 1),
    'dead drop': async (input) => doEach(await chosen(input), drop),
  };
}

function fits({ user, envelope }: DeadLetterView, filter: Filter): boolean {
  if (filter.user !== null && user !== filter.user) return false;
  if (filter.reason === null) return true;
  const { code, text } = envelope?.fault ?? { code: 'poisoned', text: '' };
  return code === filter.reason || text.toLowerCase().includes(filter.reason.toLowerCase());
}

/** Their ids are two numbers: time and order within it. */
function byAge(a: string, b: string): number {
  const [[atA = 0, nthA = 0], [atB = 0, nthB = 0]] = [a.split('-').map(Number), b.split('-').map(Number)];
  return atA - atB || nthA - nthB;
}
