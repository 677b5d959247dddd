/**
 * What the operator can see and do, and what a user is told of their own messages: links and sessions, lanes, dead letters,
 * traces, reconnecting, announcing. Verbs over ports; it knows neither HTTP nor XMPP and checks no permission. Lists hold no
 * text of anybody; opening one dead letter does, and that is logged, as is every change, with who asked.
 */
import type { Account, BareJid } from '../../core/address';
import { Fault, toFault } from '../../core/fault';
import type { FaultData } from '../../core/fault';
import { parseLaneKey } from '../../core/model';
import type { Durable, Envelope, LaneKey, LinkStatus } from '../../core/model';
import type { Announce } from './announce';
import type { RosterPlan } from '../contacts/roster-sync';
import type { Backlog, DeadLetter, Operator, EnvelopeView, LaneSummary, LaneView } from '../ports';
import type { DeadLetterView, LinkView, RosterView, LaneParts } from '../ports';
import type { Links } from '../accounts/links';
import type { Contacts } from '../contacts/contacts';
import type { Clock, Scheduler, FarPort, Log, Meter } from '../ports';

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

export interface OperatorService extends Operator {
  /** A session has another status; remembered for the links' list. Never throws. */
  onSession(user: BareJid, status: LinkStatus, fault: Fault | null): void;
  /** How many links there are, and how many of them have which status. */
  statuses(): Readonly<Record<'total' | LinkStatus, number>>;
  /** Sets the gauges that are counted only when somebody looks. Rejects `store-away`. */
  sample(): Promise<void>;
}

interface Session {
  readonly status: LinkStatus;
  readonly since: number;
  readonly fault: FaultData | null;
}

export const pageMax = 500;
/** searches at once; each may look at everything there is */
const searchesMax = 4;
const idMax = 1_000;
const dayMs = 86_400_000;
const ownCount = 20;
/** for reading two rosters and writing what differs */
const rostersMs = 60_000;

export function makeOperator(options: OperatorOptions): OperatorService {
  const { backlog, scheduler, links, far, announce, contacts, intakeWaitingCount, clock, log, meter } = options;
  const sessions = new Map<BareJid, Session>();
  let searches = 0;

  function onSession(user: BareJid, status: LinkStatus, fault: Fault | null): void {
    if (status === 'closed') return void sessions.delete(user);
    sessions.set(user, { status, since: clock.now(), fault: fault?.toData() ?? null });
  }

  // ---- links

  function link(user: BareJid): LinkView | null {
    const found = links.linkOf(user);
    if (!found) return null;
    const { account, origin } = found;
    const session = sessions.get(user);
    const status = far.status(user);
    const known = session?.status === status ? session : null;
    return { user, account, origin, status, since: known?.since ?? null, fault: known?.fault ?? null };
  }

  const listLinks: Operator['links'] = ({ after, count, status, find }) => {
    const wanted = bounded(count);
    const fits = (user: BareJid): boolean =>
      (after === null || user > after) &&
      (status === null || far.status(user) === status) &&
      (find === '' || user.includes(find) || links.linkOf(user)?.account.includes(find) === true);
    const users = first(links.users(), fits, wanted + 1);
    const entries = users
      .slice(0, wanted)
      .map(link)
      .filter((view) => view !== null);
    return { entries, next: users.length > wanted ? (users[wanted - 1] ?? null) : null };
  };

  async function reconnect(user: BareJid, by: string): Promise<void> {
    if (!links.isLinked(user)) throw notLinked();
    log.info({ by, peer: user }, 'session closed and opened again for the operator');
    await far.close(user);
    const now = links.linkOf(user); // it may have ended, or changed, meanwhile
    if (now) far.open(now);
  }

  function reconnectRefused(by: string): number {
    const users = [...links.users()].filter((user) => ['refused', 'deferred'].includes(far.status(user)));
    log.info({ by, count: users.length }, 'refused logins are tried again for the operator');
    far.reconnect(users);
    return users.length;
  }

  // ---- rosters

  const rosters: Operator['rosters'] = async (user) => {
    if (!links.isLinked(user)) throw notLinked();
    return rosterView(await contacts.plan(user, null, AbortSignal.timeout(rostersMs)));
  };

  const compare: Operator['compare'] = async (user, mayTake, by) => {
    if (!links.isLinked(user)) throw notLinked();
    const view = rosterView(await contacts.reconcile(user, mayTake, AbortSignal.timeout(rostersMs)));
    const counts = { count: view.changesCount, held: view.heldCount };
    log.info({ by, peer: user, mayTake, ...counts }, 'rosters compared for the operator');
    return view;
  };

  // ---- lanes

  const lanes: Operator['lanes'] = async ({ user, after, count }) => {
    const page = await backlog.lanePage({ user, after: after as LaneKey | null, count: bounded(count) }); // a place between names
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

  // ---- dead letters

  const deadLetters: Operator['deadLetters'] = async ({ before, count }) => {
    const page = await backlog.deadLetters({ before, count: bounded(count) });
    return { entries: page.entries.map(letterView), next: page.next };
  };

  async function letterOf(id: string): Promise<DeadLetter> {
    const letter = await backlog.deadLetter(id);
    if (!letter) throw new Fault('not-found', { reason: 'noLetter' });
    return letter;
  }

  const open: Operator['open'] = async (id, by) => {
    const letter = await letterOf(id);
    log.info({ by, letter: id }, 'a dead letter was read');
    const { content } = letter;
    return { ...letterView(letter), text: 'envelope' in content ? textOf(content.envelope.event) : content.poisoned };
  };

  const resend: Operator['resend'] = async (id, by) => {
    const letter = await letterOf(id);
    const view = letterView(letter);
    if (view.envelope === null) throw new Fault('poisoned');
    if (view.user === null || !links.isLinked(view.user)) throw notLinked();
    const resent = await backlog.resend(id);
    if (resent?.result.outcome === 'full') throw new Fault('lane-full');
    if (!resent) throw new Fault('not-found', { reason: 'noLetter' });
    log.info({ by, letter: id, lane: resent.lane, env: view.envelope.envelopeId }, 'a dead letter is sent again');
    // what cannot be scheduled now is found by the scheduler's sweep
    await scheduler
      .schedule([resent.lane], { immediately: true })
      .catch((thrown: unknown) => log.debug({ fault: toFault(thrown).code }, 'ring failed'));
    return view;
  };

  const drop: Operator['drop'] = async (ids, by) => {
    const count = await backlog.dropDeadLetters(ids);
    log.info({ by, count }, 'dead letters were dropped');
    return count;
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

  function statuses(): Record<'total' | LinkStatus, number> {
    const counts = { total: 0, connecting: 0, online: 0, waiting: 0, deferred: 0, refused: 0, closed: 0 };
    for (const user of links.users()) {
      counts.total += 1;
      counts[far.status(user)] += 1;
    }
    return counts;
  }

  const overview: Operator['overview'] = async () => {
    const [counts, drains] = await Promise.all([orNull(backlog.counts()), orNull(scheduler.counts())]);
    const [isStreamUp, isStoreUp] = [options.isStreamUp(), options.isStoreUp()];
    return { isStreamUp, isStoreUp, links: statuses(), lanes: counts, drains };
  };

  async function sample(): Promise<void> {
    meter.gauge('intake_waiting', intakeWaitingCount());
    const [counts, drains] = await Promise.all([backlog.counts(), scheduler.counts()]);
    meter.gauge('lanes_waiting', counts.lanes);
    meter.gauge('envelopes_waiting', counts.envelopes);
    meter.gauge('dead_letters', counts.dead);
    for (const state of ['waiting', 'active', 'delayed'] as const) meter.gauge('drains', drains[state], { state });
  }

  return {
    onSession,
    sample,
    statuses,
    overview,
    link,
    links: listLinks,
    lanes,
    waitingOf,
    deadLetters,
    open,
    resend,
    drop,
    trace,
    reconnect,
    reconnectRefused,
    rosters,
    compare,
    announce,
  };
}

/** The first of them by name that fit, without sorting them all. */
function first(users: Iterable<BareJid>, fits: (user: BareJid) => boolean, count: number): readonly BareJid[] {
  const kept: BareJid[] = [];
  for (const user of users) {
    const last = kept[count - 1];
    if ((last !== undefined && user > last) || !fits(user)) continue;
    const place = kept.findIndex((other) => other > user);
    kept.splice(place < 0 ? kept.length : place, 0, user);
    if (kept.length > count) kept.pop();
  }
  return kept;
}

const bounded = (count: number): number => Math.max(1, Math.min(pageMax, Math.floor(count)));
const orNull = <T>(asked: Promise<T>): Promise<T | null> => asked.catch(() => null); // shown as "the store is away"

function notLinked(): Fault {
  return new Fault('not-linked', { reason: 'noLink' });
}

function wayOf(lane: string | null): LaneParts {
  const parsed = lane === null ? null : parseLaneKey(lane);
  return parsed ?? { direction: null, user: null, peer: null };
}

function rosterView({ actions, held }: RosterPlan): RosterView {
  const changes = new Map<Account, string[]>();
  for (const action of actions) {
    if (action.do === 'save') continue; // our own memory
    const what = 'verb' in action ? `${action.do} ${action.verb}` : action.do;
    changes.set(action.account, [...(changes.get(action.account) ?? []), what]);
  }
  return {
    changes: [...changes].slice(0, pageMax).map(([contact, what]) => ({ contact, what })),
    changesCount: changes.size,
    held: held.slice(0, pageMax),
    heldCount: held.length,
  };
}

function laneView({ lane, length, oldest }: LaneSummary): LaneView {
  return { lane, ...wayOf(lane), waiting: length, oldest: oldest && envelopeView(oldest) };
}

function letterView({ id, at, lane, content }: DeadLetter): DeadLetterView {
  return { id, at, ...wayOf(lane), envelope: 'envelope' in content ? envelopeView(content.envelope) : null };
}

function envelopeView({ id, event, acceptedAt, attempts, lastFault, history = [] }: Envelope): EnvelopeView {
  const messageId = 'id' in event ? event.id : 'of' in event ? event.of : null;
  return { envelopeId: id, kind: event.kind, messageId, acceptedAt, attempts, fault: lastFault, history };
}

/** What somebody wrote, as far as the event has it. */
function textOf(event: Durable): string {
  switch (event.kind) {
    case 'message':
      return [event.subject, event.body].filter((part) => part !== null).join('\n');
    case 'verb':
      return [event.verb, event.status].filter((part) => part !== null).join('\n');
    case 'bounce':
      return event.excerpt ?? '';
    case 'receipt':
      return '';
  }
}
