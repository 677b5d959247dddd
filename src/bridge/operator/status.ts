/**
 * How all of it is: what is up, what waits, and what is wrong now with the command that mends it, the worst first. Asked
 * every few seconds by a console: it looks at counters, and at the first lanes that wait.
 */
import type { LinkState } from '../../core/admin/table';
import type { Fault } from '../../core/fault';
import type { Backlog, FarPort, ProcessControl, ProcessView, Scheduler, Status, Trouble } from '../ports';
import type { Handlers } from './handlers';
import { laneView } from './views';

export interface StatusOptions {
  readonly backlog: Pick<Backlog, 'counts' | 'lanePage'>;
  readonly scheduler: Pick<Scheduler, never> & {
    counts(): Promise<{ readonly waiting: number; readonly active: number; readonly delayed: number }>;
  };
  readonly far: Pick<FarPort, 'status' | 'absence'>;
  readonly statuses: () => Readonly<Record<'total' | LinkState, number>>;
  /** the processes that live */
  readonly processes: () => Promise<readonly ProcessView[]>;
  readonly isStreamUp: () => boolean;
  readonly isStoreUp: () => boolean;
  readonly about: Pick<ProcessControl, 'version' | 'domain'>;
}

/** lanes that are looked at */
const lanesCount = 100;

export function makeStatusHandlers(options: StatusOptions): Handlers<'status'> {
  const { backlog, scheduler, far, statuses, about } = options;

  /** Lanes whose head was tried in vain although the other side can be reached. */
  async function blocked(): Promise<{ readonly count: number; readonly fault: Trouble['fault'] }> {
    const { entries } = await backlog.lanePage({ user: null, after: null, count: lanesCount });
    const faults = entries.map(laneView).flatMap(({ direction, user, oldest }) => {
      const isUp = direction === 'toJabber' ? options.isStreamUp() : user !== null && far.status(user) === 'online';
      return isUp && oldest?.fault ? [oldest.fault] : [];
    });
    return { count: faults.length, fault: faults[0] ?? null };
  }

  return {
    async status() {
      const [lanes, drains, stuck, processes] = await Promise.all([
        orNull(backlog.counts()),
        orNull(scheduler.counts()),
        orNull(blocked()),
        orNull(options.processes()),
      ]);
      const absence = far.absence();
      const links = statuses();
      const up = { isStreamUp: options.isStreamUp(), isStoreUp: options.isStoreUp() };
      const { version, domain } = about;
      const facts = {
        version,
        domain,
        ...up,
        isFarUp: absence === null,
        links,
        lanes,
        drains: drains && drainsOf(drains),
        processes,
      };
      return { ...facts, troubles: troublesOf(facts, absence, stuck) };
    },
  };
}

function troublesOf(
  { isStreamUp, isStoreUp, links, lanes }: Omit<Status, 'troubles'>,
  absence: Fault | null,
  stuck: { readonly count: number; readonly fault: Trouble['fault'] } | null,
): readonly Trouble[] {
  const whole = (kind: Trouble['kind'], fault: Trouble['fault'] = null): Trouble => {
    return { kind, count: null, fault, remedy: null };
  };
  const some = (kind: Trouble['kind'], count: number, remedy: Trouble['remedy'], fault: Trouble['fault'] = null) =>
    count === 0 ? [] : [{ kind, count, fault, remedy }];
  return [
    ...(isStoreUp ? [] : [whole('store-away')]),
    ...(isStreamUp ? [] : [whole('stream-down')]),
    ...(absence === null ? [] : [whole('far-away', absence.toData())]),
    ...some('lanes-blocked', stuck?.count ?? 0, 'lanes', stuck?.fault),
    ...some('links-refused', links.refused, 'links list'),
    ...some('links-deferred', links.deferred, 'links reconnect'),
    ...some('dead-letters', lanes?.dead ?? 0, 'dead list'),
  ];
}

/** The three that are shown, whatever else is counted. */
function drainsOf({ waiting, active, delayed }: NonNullable<Status['drains']>): NonNullable<Status['drains']> {
  return { waiting, active, delayed };
}

const orNull = <T>(asked: Promise<T>): Promise<T | null> => asked.catch(() => null); // shown as "the store is away"
