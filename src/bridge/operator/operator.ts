/**
 * What the operator can see and do, and what a user is told of their own messages. Verbs over ports; it knows neither HTTP
 * nor XMPP and checks no permission. Lists hold no text of anybody; what is changed is logged with who asked. Links and dead
 * letters have files of their own beside this one.
 */
import type { BareJid } from '../../core/address';
import { Fault } from '../../core/fault';
import type { LaneKey } from '../../core/model';
import type { Links } from '../accounts/links';
import type { Contacts } from '../contacts/types';
import type { Backlog, Clock, DeadLetterView, FarPort, Log, Meter, Operator, Scheduler } from '../ports';
import type { Announce } from './announce';
import { makeOperatorDeadLetters } from './dead-letters';
import { makeOperatorLinks, type OperatorLinks } from './links';
import { envelopeView, laneView, letterView, pageCount, pageMax, rosterView } from './views';

export interface OperatorOptions {
  readonly backlog: Backlog;
  readonly scheduler: Pick<Scheduler, 'schedule'> & {
    counts(): Promise<{ readonly waiting: number; readonly active: number; readonly delayed: number }>;
  };
  readonly links: Pick<Links, 'users' | 'linkOf' | 'isLinked'>;
  readonly far: Pick<FarPort, 'open' | 'close' | 'status' | 'reconnect'>;
  readonly announce: Announce;
  readonly contacts: Pick<Contacts, 'plan' | 'reconcile'>;
  /** events that wait at the intake */
  readonly intakeWaitingCount: () => number;
  readonly isStreamUp: () => boolean;
  readonly isStoreUp: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

export interface OperatorService extends Operator, Pick<OperatorLinks, 'onSession' | 'statuses'> {
  /** Sets the gauges that are counted only when somebody looks. Rejects `store-away`. */
  sample(): Promise<void>;
}

/** searches at once; each may look at everything there is */
const searchesMax = 4;
const idMax = 1_000;
const dayMs = 86_400_000;
const ownCount = 20;
/** for reading two rosters and writing what differs */
const rostersMs = 60_000;

export function makeOperator(options: OperatorOptions): OperatorService {
  const { backlog, scheduler, links, far, announce, contacts, intakeWaitingCount, clock, log, meter } = options;
  const operatorLinks = makeOperatorLinks({ links, far, clock, log });
  const deadLetters = makeOperatorDeadLetters({ backlog, scheduler, links, log });
  let searches = 0;

  // ---- rosters

  function mustBeLinked(user: BareJid): void {
    if (!links.isLinked(user)) throw new Fault('not-linked', { reason: 'noLink' });
  }

  const rosters: Operator['rosters'] = async (user) => {
    mustBeLinked(user);
    return rosterView(await contacts.plan(user, null, AbortSignal.timeout(rostersMs)));
  };

  const compare: Operator['compare'] = async (user, mayTake, by) => {
    mustBeLinked(user);
    const view = rosterView(await contacts.reconcile(user, mayTake, AbortSignal.timeout(rostersMs)));
    const counts = { count: view.changesCount, skipped: view.skippedCount };
    log.info({ by, peer: user, mayTake, ...counts }, 'rosters compared for the operator');
    return view;
  };

  // ---- lanes

  const lanes: Operator['lanes'] = async ({ user, after, count }) => {
    const page = await backlog.lanePage({ user, after: after as LaneKey | null, count: pageCount(count) }); // a place between names
    return { entries: page.entries.map(laneView), next: page.next };
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

  // ---- where is it?

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

  // ---- all of it

  const overview: Operator['overview'] = async () => {
    const [counts, drains] = await Promise.all([orNull(backlog.counts()), orNull(scheduler.counts())]);
    const [isStreamUp, isStoreUp] = [options.isStreamUp(), options.isStoreUp()];
    return { isStreamUp, isStoreUp, links: operatorLinks.statuses(), lanes: counts, drains };
  };

  async function sample(): Promise<void> {
    meter.gauge('intake_waiting', intakeWaitingCount());
    const [counts, drains] = await Promise.all([backlog.counts(), scheduler.counts()]);
    meter.gauge('lanes_waiting', counts.lanes);
    meter.gauge('envelopes_waiting', counts.envelopes);
    meter.gauge('dead_letters', counts.dead);
    for (const state of ['waiting', 'active', 'delayed'] as const) meter.gauge('drains', drains[state], { state });
  }

  return { ...operatorLinks, ...deadLetters, sample, overview, lanes, waitingOf, trace, rosters, compare, announce };
}

const orNull = <T>(asked: Promise<T>): Promise<T | null> => asked.catch(() => null); // shown as "the store is away"
