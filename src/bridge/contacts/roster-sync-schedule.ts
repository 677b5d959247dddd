/**
 * When rosters are compared: after either side came back, when a far contact or a subscription changed, when the server's
 * grants changed, and at intervals, because servers do not push renamed contacts (XEP-0356 0.4). Reasons gather before
 * a comparison, few comparisons run at once, one per user. What a comparison does stands in roster-sync.ts.
 */
import type { Account } from '../../core/address';
import { toFault } from '../../core/fault';
import { makeThrottle } from '../pacing/throttle';
import { isAway } from '../presence/users';
import type { UserState } from '../state/user-state';
import type { UserStates } from '../state/user-states';
import { makeRosterSync, type RosterSyncOptions, type SyncResult, type RosterPlan } from './roster-sync';
import type { Clock, JabberPort } from '../ports';
import { makeKeyedQueue } from '../pacing/keyed-queue';
import { makeTimeouts } from '../pacing/timeouts';

export interface RosterSyncScheduleOptions extends Omit<RosterSyncOptions, 'goneOf' | 'throttle'> {
  readonly jabber: RosterSyncOptions['jabber'] & Pick<JabberPort, 'isUp'>;
  readonly userStates: Pick<UserStates, 'all'>;
  /** A comparison has ended. */
  readonly onCompared: (userState: UserState, outcome: SyncResult) => void;
  /** lanes that are being drained or stand in line for it */
  readonly drainsCount: () => number;
  readonly clock: Clock;
  /** pause between a reason to compare and the comparison, so that reasons gather */
  readonly gatherMs?: number;
  /** between the end of a comparison and the next one of the same user */
  readonly spaceMs?: number;
  /** pause after a comparison that failed or found verbs on their way */
  readonly laterMs?: number;
  /** all users whose rosters may have changed are compared once in this time */
  readonly sweepMs?: number;
  readonly concurrencyCount?: number;
}

export interface RosterSyncSchedule {
  /** There is a reason to compare. */
  request(userState: UserState): void;
  requestAll(): void;
  /** The far side says that a contact has changed, or was deleted. */
  onFarContact(userState: UserState, account: Account, isGone: boolean): void;
  /** A verb about this contact has come: a comparison that runs leaves the contact alone, another one follows. */
  onVerb(userState: UserState, peer: Account): void;
  /** What a comparison would do now; it does nothing. Rejects as the reading of the rosters does. */
  plan(userState: UserState, mayDelete: number | null, signal: AbortSignal): Promise<RosterPlan>;
  /** Compares now, for an operator: `mayDelete` contacts may lose something. Rejects when a side goes away. */
  run(userState: UserState, mayDelete: number | null, signal: AbortSignal): Promise<RosterPlan>;
  /** What the server lets us do has changed. */
  accessChanged(): void;
  /** Begins the regular comparisons. */
  start(): void;
  drop(userState: UserState): void;
  /** Aborts what runs; resolves when it has ended. */
  stop(): Promise<void>;
}

/** The end of so many comparisons in one go is worth a line in the log. */
const manyCount = 10;
/** of so many regular comparisons one looks at users at rest */
const restCount = 20;
/** contacts of one user whose deletion is remembered until the rosters are equal */
const goneMax = 20_000;
const none: ReadonlySet<Account> = new Set();

export function makeRosterSyncSchedule(options: RosterSyncScheduleOptions): RosterSyncSchedule {
  const { jabber, userStates, onCompared, clock, log, meter } = options;
  const { gatherMs = 500, spaceMs = 2_000, laterMs = 5_000, sweepMs = 600_000, concurrencyCount = 8 } = options;
  // equal when compared last, and the user, who would be heard, has not come since: how often they were left out
  const atRest = new WeakMap<UserState, number>();
  const gone = new WeakMap<UserState, Set<Account>>();
  const throttle = makeThrottle({ clock, drainsCount: options.drainsCount });
  const rosterSync = makeRosterSync({ ...options, throttle, goneOf: (userState) => gone.get(userState) ?? none });
  const stopping = new AbortController();
  const queue = makeKeyedQueue<UserState>({ run: compare, concurrencyCount, log });
  const soon = makeTimeouts<UserState>({ afterMs: gatherMs, due: begin, clock });
  const spaced = makeTimeouts<UserState>({ afterMs: spaceMs, due: (userState) => queue.ask(userState), clock });
  const later = makeTimeouts<UserState>({ afterMs: laterMs, due: (userState) => queue.ask(userState), clock });
  let inARow = 0;

  const isPossible = (userState: UserState): boolean => userState.hasFarSession && jabber.isUp();

  function begin(userState: UserState): void {
    if (clock.monotonic() - userState.comparedAtMs < spaceMs) spaced.begin(userState);
    else queue.ask(userState);
  }

  async function compare(userState: UserState, signal: AbortSignal): Promise<void> {
    if (!isPossible(userState)) return; // its coming back is a reason to compare
    const began = clock.monotonic();
    try {
      const outcome = await rosterSync.run(userState, null, signal);
      report(userState, outcome, clock.monotonic() - began);
      afterwards(userState, outcome);
    } catch (thrown) {
      if (signal.aborted) return;
      meter.count('reconciles_total', { result: 'failed' });
      const fault = toFault(thrown);
      log.debug({ peer: userState.user, fault: fault.code, err: thrown }, 'rosters could not be compared');
      // refused for good (a roster beyond all limits): until there is a new reason, or the sweep comes
      if (fault.retry !== 'never' && isPossible(userState)) later.begin(userState);
    }
    userState.comparedAtMs = clock.monotonic();
    await throttle(signal).catch(() => undefined); // stop ends it
    inARow += 1;
    if (queue.busyCount() > 1) return; // this one still counts
    if (inARow >= manyCount) log.info({ count: inARow }, 'all rosters are compared');
    inARow = 0;
  }

  function report(userState: UserState, { actions, skipped }: RosterPlan, ms: number): void {
    meter.count('reconciles_total', { result: actions.length === 0 ? 'equal' : 'changed' });
    const fields = { peer: userState.user, count: actions.length, skipped: skipped.length, ms };
    if (skipped.length === 0) return log.debug(fields, 'rosters compared');
    meter.count('contacts_skipped_total', {}, skipped.length);
    log.warn(fields, 'too many contacts would lose something at once: left alone until the operator says so');
  }

  function onFarContact(userState: UserState, account: Account, isGone: boolean): void {
    const named = gone.get(userState) ?? new Set();
    if (!isGone) named.delete(account);
    else if (named.size < goneMax) gone.set(userState, named.add(account));
    request(userState);
  }

  function request(userState: UserState): void {
    atRest.delete(userState);
    soon.begin(userState);
  }

  function afterwards(userState: UserState, outcome: SyncResult): void {
    if (outcome.actions.length === 0 && outcome.skipped.length === 0) {
      gone.delete(userState);
      if (!outcome.isUnsettled && isAway(userState)) atRest.set(userState, 0);
    }
    onCompared(userState, outcome);
    if (outcome.isRefused) soon.begin(userState);
    if (outcome.isUnsettled) later.begin(userState);
  }

  function requestAll(): void {
    for (const userState of userStates.all()) if (userState.hasFarSession) request(userState);
  }

  /** Who is at rest is looked at seldom: in case something was not heard. */
  function isDue(userState: UserState): boolean {
    const leftOutCount = atRest.get(userState);
    if (leftOutCount === undefined || leftOutCount + 1 >= restCount) return true;
    atRest.set(userState, leftOutCount + 1);
    return false;
  }

  async function compareRegularly(): Promise<void> {
    for (;;) {
      const all = [...userStates.all()];
      if (all.length === 0) await clock.sleep(sweepMs, stopping.signal);
      for (const userState of all) {
        await clock.sleep(sweepMs / all.length, stopping.signal);
        if (isPossible(userState) && isDue(userState)) queue.ask(userState);
      }
    }
  }

  return {
    request,
    requestAll,
    onFarContact,
    onVerb(userState, peer) {
      rosterSync.onVerb(userState, peer);
      // where the server roster cannot be read there is nothing to compare with
      if (userState.isRosterReadable) request(userState);
    },
    plan: (userState, mayDelete, signal) => rosterSync.plan(userState, mayDelete, signal),
    async run(userState, mayDelete, signal) {
      const outcome = await rosterSync.run(userState, mayDelete, signal);
      afterwards(userState, outcome);
      return outcome;
    },
    accessChanged() {
      rosterSync.accessChanged();
      requestAll();
    },
    start: () => void compareRegularly().catch(() => undefined), // stop ends it
    drop(userState) {
      soon.cancel(userState);
      spaced.cancel(userState);
      later.cancel(userState);
      queue.drop(userState);
    },
    async stop() {
      stopping.abort();
      soon.stop();
      spaced.stop();
      later.stop();
      await queue.stop();
    },
  };
}
