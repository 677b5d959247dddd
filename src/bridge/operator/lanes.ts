/** What waits, and where a message is, for the operator and for a user's own commands. Reads only; no text of anybody. */
import { Fault } from '../../core/fault';
import type { LaneKey } from '../../core/model';
import type { Backlog, Clock, DeadLetterView, Operator } from '../ports';
import type { Handlers } from './handlers';
import { defaultCount, envelopeView, laneView, letterView, pageMax } from './views';

export interface OperatorLanesOptions {
  readonly backlog: Pick<Backlog, 'lanePage' | 'deadLettersOf' | 'search'>;
  readonly clock: Clock;
}

export interface OperatorLanes extends Pick<Operator, 'trace' | 'waitingOf'> {
  readonly handlers: Handlers<'lanes' | 'trace'>;
}

/** searches at once; each may look at everything there is */
const searchesMax = 4;
const idMax = 1_000;
const dayMs = 86_400_000;
const ownCount = 20;

export function makeOperatorLanes({ backlog, clock }: OperatorLanesOptions): OperatorLanes {
  let searches = 0;

  const trace: Operator['trace'] = async ({ id, user }) => {
    if (id === '' || id.length > idMax) throw new Fault('bad-request', { reason: 'idNeeded' });
    if (searches >= searchesMax) throw new Fault('rate-limited', { reason: 'searchesMany' });
    searches += 1;
    try {
      return await backlog.search({ id, user });
    } finally {
      searches -= 1;
    }
  };

  const waitingOf: Operator['waitingOf'] = async (user) => {
    const { entries } = await backlog.lanePage({ user, after: null, count: pageMax });
    const own = entries.filter(({ lane }) => lane.startsWith('toFar ')).slice(0, ownCount);
    const dead = await backlog.deadLettersOf(user, clock.now() - dayMs, ownCount);
    const isOwn = ({ direction, envelope }: DeadLetterView): boolean =>
      direction === 'toFar' && envelope?.kind === 'message';
    return {
      lanes: own.map((one) => ({ ...laneView(one), newest: one.newest && envelopeView(one.newest) })),
      dead: dead.map(letterView).filter(isOwn),
    };
  };

  return {
    trace,
    waitingOf,
    handlers: {
      async lanes({ user, after, count }) {
        const place = after as LaneKey | null; // a place between names
        const page = await backlog.lanePage({ user, after: place, count: count ?? defaultCount });
        return { entries: page.entries.map(laneView), next: page.next };
      },
      trace: async (query) => ({ entries: await trace(query) }),
    },
  };
}
