/**
 * Tells users' servers how their ghosts are: only differences between what is wanted and what was told, a share of each
 * user in turn, in windows that the server proves (a lost stream may have swallowed the last window: it is told again).
 * What is told is stored before, so that the next start can correct it after a crash. What is wanted is not decided here.
 */
import { Fault, toFault } from '../../core/fault';
import type { FarPresence } from '../../core/model';
import { isSamePresence } from '../../core/presence';
import { away, fieldOf, marks, prune, serialisePresence, tables, type Buddy, type Circle } from '../state/user-state';
import type { Clock, JabberPort, Log, Meter, StateStore } from '../ports';
import { makeTimeouts } from '../pacing/timeouts';
import { makeWindowedSender, type WindowedSenderOptions, type WindowResult } from '../pacing/window';

export interface TellerOptions {
  readonly jabber: Pick<JabberPort, 'sendNow' | 'isUp' | 'barrier'>;
  readonly state: Pick<StateStore, 'write'>;
  /** what the user's server is to believe */
  readonly wanted: (circle: Circle, buddy: Buddy) => FarPresence;
  /** may the user know anything about this contact? Else not even an answer is owed. */
  readonly mayTell: (buddy: Buddy) => boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly pace?: Pick<WindowedSenderOptions, 'minCount' | 'maxCount' | 'gatherMs' | 'targetMs'>;
}

export interface Teller {
  /** Something about the contact may have changed: the difference, if any, is told soon. `isOwed`: even if there is none. */
  mark(circle: Circle, buddy: Buddy, isOwed?: boolean): void;
  /** Unavailable, now. */
  hide(circle: Circle, buddies: Iterable<Buddy>): Promise<void>;
  /** The stream is up. */
  wake(): void;
  /** Forgets what waits for a user. */
  drop(circle: Circle): void;
  /** Ends the telling, then says unavailable for everything told, as far as the signal leaves time. Never rejects. */
  stop(circles: Iterable<Circle>, signal: AbortSignal): Promise<void>;
  /** contacts whose difference is not told yet */
  waitingCount(): number;
}

/** contacts of one user per turn, so that a long roster does not hold up the others */
const shareCount = 64;
const farewellCount = 1_000;
const saveAgainMs = 5_000;
/** So many in one go are a storm whose end is worth a line in the log, and its progress too. */
const stormCount = 1_000;
const progressMs = 10_000;

interface Part {
  readonly circle: Circle;
  readonly buddies: readonly Buddy[];
}

const sizeOf = (parts: readonly Part[]): number => parts.reduce((sum, { buddies }) => sum + buddies.length, 0);

export function makeTeller(options: TellerOptions): Teller {
  const { jabber, state, wanted, mayTell, clock, log, meter, pace = {} } = options;
  const queue = new Set<Circle>(); // users with dirty contacts, in turn
  let told: Part[] = []; // since the last proof
  let storm = { sentCount: 0, beganMs: 0, loggedMs: 0 }; // since nothing was waiting

  const pacer = makeWindowedSender({
    ...pace,
    work,
    proof: () => prove(told),
    unproven: () => {
      for (const { circle, buddies } of told) for (const buddy of buddies) mark(circle, buddy, true);
    },
    clock,
    log,
  });
  const saveAgain = makeTimeouts<Circle>({ afterMs: saveAgainMs, due: (circle) => void saveAll(circle), clock });

  function prove(parts: readonly Part[]): Promise<void> {
    return parts.length === 0 ? Promise.resolve() : jabber.barrier();
  }

  function mark(circle: Circle, buddy: Buddy, isOwed = false): void {
    if (isOwed) buddy.marks |= marks.owed;
    if (buddy.marks & marks.dirty) return;
    if (!isOwed && isSamePresence(wanted(circle, buddy), buddy.shown)) return prune(circle, buddy);
    buddy.marks |= marks.dirty;
    circle.dirty.push(buddy);
    queue.add(circle);
    pacer.wake();
  }

  async function work(count: number): Promise<WindowResult> {
    if (!jabber.isUp()) return { doneCount: 0, sentCount: 0 };
    const parts = pick(count);
    const areSaved = await Promise.all(parts.map(saveAhead));
    told = [];
    parts.forEach(({ circle, buddies }, i) => {
      for (const buddy of buddies) buddy.marks &= ~marks.dirty;
      told.push({ circle, buddies: buddies.filter((buddy) => tell(circle, buddy, areSaved[i] ?? false)) });
      for (const buddy of buddies) prune(circle, buddy);
    });
    const sentCount = sizeOf(told);
    if (sentCount > 0) meter.count('presence_sent_total', { dir: 'toJabber' }, sentCount);
    await Promise.all(told.map(saveGone));
    report(sentCount);
    return { doneCount: sizeOf(parts), sentCount };
  }

  function report(sentCount: number): void {
    const waiting = waitingCount();
    meter.gauge('presence_waiting', waiting);
    const now = clock.monotonic();
    if (storm.sentCount === 0) storm.beganMs = storm.loggedMs = now;
    storm.sentCount += sentCount;
    const fields = { count: storm.sentCount, ms: now - storm.beganMs };
    if (waiting === 0) {
      if (storm.sentCount >= stormCount) log.info(fields, 'all presence is told');
      storm = { sentCount: 0, beganMs: 0, loggedMs: 0 };
    } else if (storm.sentCount >= stormCount && now - storm.loggedMs >= progressMs) {
      storm.loggedMs = now;
      log.info({ ...fields, waiting }, 'presence is being told');
    }
  }

  function waitingCount(): number {
    let count = 0;
    for (const circle of queue) count += circle.dirty.length;
    return count;
  }

  function pick(count: number): Part[] {
    const parts: Part[] = [];
    let left = count;
    for (const circle of queue) {
      if (left === 0) break;
      const buddies = circle.dirty.splice(0, Math.min(left, shareCount));
      left -= buddies.length;
      queue.delete(circle);
      if (circle.dirty.length > 0) queue.add(circle); // behind the others, where this loop comes again
      parts.push({ circle, buddies });
    }
    return parts;
  }

  /** True when it was sent. */
  function tell(circle: Circle, buddy: Buddy, isSaved: boolean): boolean {
    if (buddy.marks & marks.held) return false; // marked again when what holds it has arrived
    const want = wanted(circle, buddy);
    const isOwed = (buddy.marks & marks.owed) !== 0 && mayTell(buddy);
    buddy.marks &= ~marks.owed;
    if (!isOwed && isSamePresence(want, buddy.shown)) return false;
    const isUnsaved = isSaved && want !== away && buddy.saved === away;
    if (isUnsaved || !jabber.sendNow(circle.user, buddy.peer, want)) {
      mark(circle, buddy, isOwed); // it changed while it was stored, or the stream went down
      return false;
    }
    buddy.shown = want;
    return true;
  }

  // ---- the store

  /** Stores what will be told, before it is. False: the store is away; users see the truth all the same. */
  async function saveAhead({ circle, buddies }: Part): Promise<boolean> {
    const planned: [Buddy, FarPresence][] = [];
    for (const buddy of buddies) {
      const want = wanted(circle, buddy);
      if (want !== away && !isSamePresence(want, buddy.saved)) planned.push([buddy, want]);
    }
    return save(circle, planned);
  }

  /** Takes those back that were told `unavailable`. */
  async function saveGone({ circle, buddies }: Part): Promise<void> {
    const gone = buddies.filter((buddy) => buddy.shown === away && buddy.saved !== away);
    await save(
      circle,
      gone.map((buddy) => [buddy, away]),
    );
    for (const buddy of gone) prune(circle, buddy);
  }

  async function saveAll(circle: Circle): Promise<void> {
    const wrong = [...circle.buddies.values()].filter((buddy) => !isSamePresence(buddy.shown, buddy.saved));
    await save(
      circle,
      wrong.map((buddy) => [buddy, buddy.shown]),
    );
  }

  async function save(circle: Circle, planned: readonly (readonly [Buddy, FarPresence])[]): Promise<boolean> {
    if (planned.length === 0) return true;
    const fields = planned.map(
      ([buddy, presence]) => [fieldOf(buddy.peer), presence === away ? null : serialisePresence(presence)] as const,
    );
    try {
      await state.write(tables.shown, circle.user, new Map(fields));
    } catch (thrown) {
      meter.count('faults_total', { part: 'bridge', code: toFault(thrown).code });
      saveAgain.begin(circle);
      return false;
    }
    for (const [buddy, presence] of planned) buddy.saved = presence;
    return true;
  }

  // ---- endings

  /** Says unavailable for those that were told anything else; those for whom the stream was there. */
  function sayAway(circle: Circle, buddies: Iterable<Buddy>): Part {
    const hidden: Buddy[] = [];
    for (const buddy of buddies) {
      buddy.marks &= ~(marks.held | marks.owed);
      if (buddy.shown === away) continue;
      if (!jabber.sendNow(circle.user, buddy.peer, away)) {
        mark(circle, buddy);
        continue;
      }
      buddy.shown = away;
      hidden.push(buddy);
    }
    if (hidden.length > 0) meter.count('presence_sent_total', { dir: 'toJabber' }, hidden.length);
    return { circle, buddies: hidden };
  }

  async function stop(circles: Iterable<Circle>, signal: AbortSignal): Promise<void> {
    const over = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(new Fault('stopping')), { once: true });
    });
    over.catch(() => undefined); // nobody may wait for it
    saveAgain.stop();
    await Promise.race([pacer.stop(), over]).catch(() => undefined);
    let parts: Part[] = [];
    const saved: Promise<unknown>[] = [];
    const flush = async (): Promise<void> => {
      const some = parts;
      parts = [];
      // not proved: the store keeps them and the next start corrects them
      await Promise.race([prove(some), over]).then(
        () => void saved.push(...some.map(saveGone)),
        () => undefined,
      );
    };
    for (const circle of circles) {
      if (signal.aborted || !jabber.isUp()) break;
      parts.push(sayAway(circle, circle.buddies.values()));
      if (sizeOf(parts) >= farewellCount) await flush();
    }
    if (sizeOf(parts) > 0) await flush();
    await Promise.all(saved);
  }

  return {
    mark,
    hide: (circle, buddies) => saveGone(sayAway(circle, buddies)),
    wake: () => pacer.wake(),
    drop(circle) {
      queue.delete(circle);
      circle.dirty = [];
      saveAgain.cancel(circle);
    },
    stop,
    waitingCount,
  };
}
