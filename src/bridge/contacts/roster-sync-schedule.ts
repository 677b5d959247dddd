/**
 * When rosters are compared: after either side came back, when a far contact or a subscription changed, when the server's
 * grants changed, and now and then, because servers do not tell of renamed contacts (XEP-0356 0.4). Reasons gather before
 * a comparison, few comparisons run at once, one per user. What a comparison is stands in roster-sync.ts.
 */
import type { Account } from '../../core/address';
import { toFault } from '../../core/fault';
import { makeThrottle } from '../pacing/throttle';
import type { Circle, Circles } from '../state/user-state';
import { makeCompare, type CompareOptions, type Outcome, type Plan } from './roster-sync';
import type { Clock, JabberPort } from '../ports';
import { makeKeyedQueue } from '../pacing/keyed-queue';
import { makeTimeouts } from '../pacing/timeouts';

export interface RostersOptions extends Omit<CompareOptions, 'goneOf' | 'breathe'> {
  readonly jabber: CompareOptions['jabber'] & Pick<JabberPort, 'isUp'>;
  readonly circles: Pick<Circles, 'all'>;
  /** A comparison has ended. */
  readonly onCompared: (circle: Circle, outcome: Outcome) => void;
  /** lanes that are being drained or stand in line for it */
  readonly drainsCount: () => number;
  readonly clock: Clock;
  /** pause between a reason to compare and the comparison, so that reasons gather */
  readonly gatherMs?: number;
  /** between the end of a comparison and the next one of the same user */
  readonly spaceMs?: number;
  /** pause after a comparison that failed or found verbs on their way */
  readonly laterMs?: number;
  /** all users are compared once in this time */
  readonly sweepMs?: number;
  readonly concurrencyCount?: number;
}

export interface Rosters {
  /** There is a reason to compare. */
  ask(circle: Circle): void;
  askAll(): void;
  /** The far side says that a contact has changed, or was deleted. */
  told(circle: Circle, account: Account, isGone: boolean): void;
  /** A verb about this contact has come: a comparison that runs leaves the contact alone, another one follows. */
  touch(circle: Circle, peer: Account): void;
  /** What a comparison would do now; it does nothing. Rejects as the reading of the rosters does. */
  plan(circle: Circle, mayDelete: number | null, signal: AbortSignal): Promise<Plan>;
  /** Compares now, for an operator: `mayDelete` contacts may lose something. Rejects when a side goes away. */
  run(circle: Circle, mayDelete: number | null, signal: AbortSignal): Promise<Plan>;
  /** What the server lets us do has changed. */
  accessChanged(): void;
  /** Begins the regular comparisons. */
  start(): void;
  drop(circle: Circle): void;
  /** Aborts what runs; resolves when it has ended. */
  stop(): Promise<void>;
}

/** So many comparisons in one go are a storm whose end is worth a line in the log. */
const stormCount = 10;
/** contacts of one user whose deletion is remembered until the rosters are equal */
const goneMax = 20_000;
const none: ReadonlySet<Account> = new Set();

export function makeRosters(options: RostersOptions): Rosters {
  const { jabber, circles, onCompared, clock, log, meter } = options;
  const { gatherMs = 500, spaceMs = 2_000, laterMs = 5_000, sweepMs = 600_000, concurrencyCount = 8 } = options;
  const gone = new WeakMap<Circle, Set<Account>>();
  const breathe = makeThrottle({ clock, drainsCount: options.drainsCount });
  const compare = makeCompare({ ...options, breathe, goneOf: (circle) => gone.get(circle) ?? none });
  const stopping = new AbortController();
  const rounds = makeKeyedQueue<Circle>({ run: round, concurrencyCount, log });
  const soon = makeTimeouts<Circle>({ afterMs: gatherMs, due: begin, clock });
  const spaced = makeTimeouts<Circle>({ afterMs: spaceMs, due: (circle) => rounds.ask(circle), clock });
  const later = makeTimeouts<Circle>({ afterMs: laterMs, due: (circle) => rounds.ask(circle), clock });
  let inARow = 0;

  const isPossible = (circle: Circle): boolean => circle.isOnline && jabber.isUp();

  function begin(circle: Circle): void {
    if (clock.monotonic() - circle.comparedAtMs < spaceMs) spaced.begin(circle);
    else rounds.ask(circle);
  }

  async function round(circle: Circle, signal: AbortSignal): Promise<void> {
    if (!isPossible(circle)) return; // its coming back is a reason to compare
    const began = clock.monotonic();
    try {
      const outcome = await compare.run(circle, null, signal);
      report(circle, outcome, clock.monotonic() - began);
      again(circle, outcome);
    } catch (thrown) {
      if (signal.aborted) return;
      meter.count('reconciles_total', { result: 'failed' });
      const fault = toFault(thrown);
      log.debug({ peer: circle.user, fault: fault.code, err: thrown }, 'rosters could not be compared');
      // refused for good (a roster beyond all limits): until there is a new reason, or the sweep comes
      if (fault.retry !== 'never' && isPossible(circle)) later.begin(circle);
    }
    circle.comparedAtMs = clock.monotonic();
    await breathe(signal).catch(() => undefined); // stop ends it
    inARow += 1;
    if (rounds.busyCount() > 1) return; // this one still counts
    if (inARow >= stormCount) log.info({ count: inARow }, 'all rosters are compared');
    inARow = 0;
  }

  function report(circle: Circle, { actions, held }: Plan, ms: number): void {
    meter.count('reconciles_total', { result: actions.length === 0 ? 'equal' : 'changed' });
    const fields = { peer: circle.user, count: actions.length, held: held.length, ms };
    if (held.length === 0) return log.debug(fields, 'rosters compared');
    meter.count('contacts_held_total', {}, held.length);
    log.warn(fields, 'too many contacts would lose something at once: left alone until the operator says so');
  }

  function told(circle: Circle, account: Account, isGone: boolean): void {
    const named = gone.get(circle) ?? new Set();
    if (!isGone) named.delete(account);
    else if (named.size < goneMax) gone.set(circle, named.add(account));
    soon.begin(circle);
  }

  function again(circle: Circle, outcome: Outcome): void {
    if (outcome.actions.length === 0 && outcome.held.length === 0) gone.delete(circle);
    onCompared(circle, outcome);
    if (outcome.isRefused) soon.begin(circle);
    if (outcome.isUnsettled) later.begin(circle);
  }

  function askAll(): void {
    for (const circle of circles.all()) if (circle.isOnline) soon.begin(circle);
  }

  async function sweep(): Promise<void> {
    for (;;) {
      const all = [...circles.all()];
      if (all.length === 0) await clock.sleep(sweepMs, stopping.signal);
      for (const circle of all) {
        await clock.sleep(sweepMs / all.length, stopping.signal);
        if (isPossible(circle)) rounds.ask(circle);
      }
    }
  }

  return {
    ask: (circle) => soon.begin(circle),
    askAll,
    told,
    touch(circle, peer) {
      compare.touch(circle, peer);
      // where the server roster cannot be read the verbs tell all there is to know
      if (circle.isReadable) soon.begin(circle);
    },
    plan: (circle, mayDelete, signal) => compare.plan(circle, mayDelete, signal),
    async run(circle, mayDelete, signal) {
      const outcome = await compare.run(circle, mayDelete, signal);
      again(circle, outcome);
      return outcome;
    },
    accessChanged() {
      compare.accessChanged();
      askAll();
    },
    start: () => void sweep().catch(() => undefined), // stop ends it
    drop(circle) {
      soon.cancel(circle);
      spaced.cancel(circle);
      later.cancel(circle);
      rounds.drop(circle);
    },
    async stop() {
      stopping.abort();
      soon.stop();
      spaced.stop();
      later.stop();
      await rounds.stop();
    },
  };
}
