/**
 * Sends the presence of contacts to users' servers: only differences between what they should have and what they were sent,
 * a share of each user in turn, in windows that the server confirms (a lost stream may have swallowed the last window: it
 * is sent again). What is sent is stored before, so that the next start can correct it after a crash. It does not decide
 * what presence a contact has.
 */
import { Fault, toFault } from '../../core/fault';
import type { FarPresence } from '../../core/model';
import { isSamePresence } from '../../core/presence';
import {
  unavailable,
  fieldOf,
  marks,
  forgetIfBlank,
  serialisePresence,
  stateTables,
  type ContactState,
  type UserState,
} from '../state/user-state';
import type { Clock, JabberPort, Log, Meter, StateStore } from '../ports';
import { makeTimeouts } from '../pacing/timeouts';
import { makeWindowedSender, type WindowedSenderOptions, type WindowResult } from '../pacing/window';

export interface PublisherOptions {
  readonly jabber: Pick<JabberPort, 'sendNow' | 'isUp' | 'barrier'>;
  readonly state: Pick<StateStore, 'write'>;
  /** what the user's server should have */
  readonly presenceFor: (userState: UserState, contact: ContactState) => FarPresence;
  /** may the user know anything about this contact? Else not even a probe is answered. */
  readonly maySee: (contact: ContactState) => boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly pace?: Pick<WindowedSenderOptions, 'minCount' | 'maxCount' | 'gatherMs' | 'targetMs'>;
}

export interface Publisher {
  /** Something about the contact may have changed: the difference, if any, is sent soon. `mustResend`: even if there is none. */
  update(userState: UserState, contact: ContactState, mustResend?: boolean): void;
  /** Unavailable, now. */
  hide(userState: UserState, contacts: Iterable<ContactState>): Promise<void>;
  /** The stream is up. */
  onStreamUp(): void;
  /** Forgets what waits for a user. */
  drop(userState: UserState): void;
  /** Ends the sending, then sends unavailable for every contact, as far as the signal leaves time. Never rejects. */
  stop(userStates: Iterable<UserState>, signal: AbortSignal): Promise<void>;
}

/** contacts of one user per turn, so that a long roster does not hold up the others */
const shareCount = 64;
const withdrawnCount = 1_000;
const retrySaveMs = 5_000;
/** The end of so many in one go is worth a line in the log, and the progress too. */
const burstCount = 1_000;
const progressMs = 10_000;

interface Batch {
  readonly userState: UserState;
  readonly contacts: readonly ContactState[];
}

const sizeOf = (batches: readonly Batch[]): number => batches.reduce((sum, { contacts }) => sum + contacts.length, 0);

export function makePublisher(options: PublisherOptions): Publisher {
  const { jabber, state, presenceFor, maySee, clock, log, meter, pace = {} } = options;
  const queue = new Set<UserState>(); // users with queued contacts, in turn
  let sent: Batch[] = []; // since the last confirmation
  let burst = { sentCount: 0, beganMs: 0, loggedMs: 0 }; // since nothing was waiting

  const sender = makeWindowedSender({
    ...pace,
    work,
    proof: () => prove(sent),
    unproven: () => {
      for (const { userState, contacts } of sent) for (const contact of contacts) update(userState, contact, true);
    },
    clock,
    log,
  });
  const retrySave = makeTimeouts<UserState>({
    afterMs: retrySaveMs,
    due: (userState) => void saveAll(userState),
    clock,
  });

  function prove(batches: readonly Batch[]): Promise<void> {
    return batches.length === 0 ? Promise.resolve() : jabber.barrier();
  }

  function update(userState: UserState, contact: ContactState, mustResend = false): void {
    if (mustResend) contact.marks |= marks.mustResend;
    if (contact.marks & marks.queued) return;
    if (!mustResend && isSamePresence(presenceFor(userState, contact), contact.sentPresence))
      return forgetIfBlank(userState, contact);
    contact.marks |= marks.queued;
    userState.queued.push(contact);
    queue.add(userState);
    sender.wake();
  }

  async function work(count: number): Promise<WindowResult> {
    if (!jabber.isUp()) return { doneCount: 0, sentCount: 0 };
    const batches = takeBatches(count);
    const areSaved = await Promise.all(batches.map(saveAhead));
    sent = [];
    batches.forEach(({ userState, contacts }, i) => {
      for (const contact of contacts) contact.marks &= ~marks.queued;
      sent.push({ userState, contacts: contacts.filter((contact) => send(userState, contact, areSaved[i] ?? false)) });
      for (const contact of contacts) forgetIfBlank(userState, contact);
    });
    const sentCount = sizeOf(sent);
    if (sentCount > 0) meter.count('presence_sent_total', { dir: 'toJabber' }, sentCount);
    await Promise.all(sent.map(saveGone));
    report(sentCount);
    return { doneCount: sizeOf(batches), sentCount };
  }

  function report(sentCount: number): void {
    const waiting = waitingCount();
    meter.gauge('presence_waiting', waiting);
    const now = clock.monotonic();
    if (burst.sentCount === 0) burst.beganMs = burst.loggedMs = now;
    burst.sentCount += sentCount;
    const fields = { count: burst.sentCount, ms: now - burst.beganMs };
    if (waiting === 0) {
      if (burst.sentCount >= burstCount) log.info(fields, 'all presence is sent');
      burst = { sentCount: 0, beganMs: 0, loggedMs: 0 };
    } else if (burst.sentCount >= burstCount && now - burst.loggedMs >= progressMs) {
      burst.loggedMs = now;
      log.info({ ...fields, waiting }, 'presence is being sent');
    }
  }

  function waitingCount(): number {
    let count = 0;
    for (const userState of queue) count += userState.queued.length;
    return count;
  }

  function takeBatches(count: number): Batch[] {
    const batches: Batch[] = [];
    let left = count;
    for (const userState of queue) {
      if (left === 0) break;
      const contacts = userState.queued.splice(0, Math.min(left, shareCount));
      left -= contacts.length;
      queue.delete(userState);
      if (userState.queued.length > 0) queue.add(userState); // behind the others, where this loop comes again
      batches.push({ userState, contacts });
    }
    return batches;
  }

  /** True when it was sent. */
  function send(userState: UserState, contact: ContactState, isSaved: boolean): boolean {
    const want = presenceFor(userState, contact);
    const mustResend = (contact.marks & marks.mustResend) !== 0 && maySee(contact);
    contact.marks &= ~marks.mustResend;
    if (!mustResend && isSamePresence(want, contact.sentPresence)) return false;
    const isUnsaved = isSaved && want !== unavailable && contact.storedPresence === unavailable;
    if (isUnsaved || !jabber.sendNow(userState.user, contact.peer, want)) {
      update(userState, contact, mustResend); // it changed while it was stored, or the stream went down
      return false;
    }
    contact.sentPresence = want;
    return true;
  }

  // ---- the store

  /** Stores what will be sent, before it is. False: the store is away; users see the presence all the same. */
  async function saveAhead({ userState, contacts }: Batch): Promise<boolean> {
    const planned: [ContactState, FarPresence][] = [];
    for (const contact of contacts) {
      const want = presenceFor(userState, contact);
      if (want !== unavailable && !isSamePresence(want, contact.storedPresence)) planned.push([contact, want]);
    }
    return save(userState, planned);
  }

  /** Takes those back that were sent `unavailable`. */
  async function saveGone({ userState, contacts }: Batch): Promise<void> {
    const gone = contacts.filter(
      (contact) => contact.sentPresence === unavailable && contact.storedPresence !== unavailable,
    );
    await save(
      userState,
      gone.map((contact) => [contact, unavailable]),
    );
    for (const contact of gone) forgetIfBlank(userState, contact);
  }

  async function saveAll(userState: UserState): Promise<void> {
    const wrong = [...userState.contacts.values()].filter(
      (contact) => !isSamePresence(contact.sentPresence, contact.storedPresence),
    );
    await save(
      userState,
      wrong.map((contact) => [contact, contact.sentPresence]),
    );
  }

  async function save(
    userState: UserState,
    planned: readonly (readonly [ContactState, FarPresence])[],
  ): Promise<boolean> {
    if (planned.length === 0) return true;
    const fields = planned.map(
      ([contact, presence]) =>
        [fieldOf(contact.peer), presence === unavailable ? null : serialisePresence(presence)] as const,
    );
    try {
      await state.write(stateTables.sentPresence, userState.user, new Map(fields));
    } catch (thrown) {
      meter.count('faults_total', { part: 'bridge', code: toFault(thrown).code });
      retrySave.begin(userState);
      return false;
    }
    for (const [contact, presence] of planned) contact.storedPresence = presence;
    return true;
  }

  // ---- endings

  /** Sends unavailable for those that were sent anything else; gives those for whom the stream was up. */
  function sendUnavailable(userState: UserState, contacts: Iterable<ContactState>): Batch {
    const hidden: ContactState[] = [];
    for (const contact of contacts) {
      contact.marks &= ~marks.mustResend;
      if (contact.sentPresence === unavailable) continue;
      if (!jabber.sendNow(userState.user, contact.peer, unavailable)) {
        update(userState, contact);
        continue;
      }
      contact.sentPresence = unavailable;
      hidden.push(contact);
    }
    if (hidden.length > 0) meter.count('presence_sent_total', { dir: 'toJabber' }, hidden.length);
    return { userState, contacts: hidden };
  }

  async function stop(userStates: Iterable<UserState>, signal: AbortSignal): Promise<void> {
    const over = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(new Fault('stopping')), { once: true });
    });
    over.catch(() => undefined); // nobody may wait for it
    retrySave.stop();
    await Promise.race([sender.stop(), over]).catch(() => undefined);
    let batches: Batch[] = [];
    const saved: Promise<unknown>[] = [];
    const flush = async (): Promise<void> => {
      const some = batches;
      batches = [];
      // not proved: the store keeps them and the next start corrects them
      await Promise.race([prove(some), over]).then(
        () => void saved.push(...some.map(saveGone)),
        () => undefined,
      );
    };
    for (const userState of userStates) {
      if (signal.aborted || !jabber.isUp()) break;
      batches.push(sendUnavailable(userState, userState.contacts.values()));
      if (sizeOf(batches) >= withdrawnCount) await flush();
    }
    if (sizeOf(batches) > 0) await flush();
    await Promise.all(saved);
  }

  return {
    update,
    hide: (userState, contacts) => saveGone(sendUnavailable(userState, contacts)),
    onStreamUp: () => sender.wake(),
    drop(userState) {
      queue.delete(userState);
      userState.queued = [];
      retrySave.cancel(userState);
    },
    stop,
  };
}
