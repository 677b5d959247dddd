/**
 * The intake: whatever must not be lost is stored here before anything else happens to it. Arrivals of one turn of the
 * event loop go to the store as one batch, one batch at a time, so order per lane is the order of arrival and the
 * stream readers never wait. It refuses when its own bound or the store's is reached, or when the store has been away for
 * some seconds: a restart of Redis is not felt.
 *
 * A batch whose append failed half way is *in doubt* (it may be stored): it is repeated, with the same envelope ids,
 * until the store answers; it is never refused, since a refused message must not arrive. Far messages wait here while
 * the store is away (their sender has no error stanza); Jabber messages are refused after that time, also those of a
 * batch that the store has certainly not taken (a full disk).
 */
import { randomUUID } from 'node:crypto';
import { untilAborted } from '../../core/async';
import { Fault, toFault } from '../../core/fault';
import { isUniqueId, liveIdentity } from '../../core/identity';
import { laneKey } from '../../core/model';
import type { Durable, Lane, LaneKey } from '../../core/model';
import { backoffMs } from '../../core/retry';
import type { Append, AppendResult, Clock, Scheduler, LaneStore, Log, Meter } from '../ports';

/** Called once: null when the event is stored (or is a repeat of a stored one), else why it was refused. */
export type Accepted = (fault: Fault | null) => void;

export interface Intake {
  /** Never throws and never blocks; `done` may be called before it returns. */
  accept(lane: Lane, event: Durable, identity: string | null, done: Accepted): void;
  /** Resolves when what was accepted so far is stored, or the signal aborts. Never rejects. */
  stored(signal: AbortSignal): Promise<void>;
  /** How many events are waiting to be stored. */
  waiting(): number;
  /** Refuses what comes from now on; resolves when all that was accepted is stored or the signal aborts. */
  stop(signal: AbortSignal): Promise<void>;
}

export interface IntakeOptions {
  readonly lanes: LaneStore;
  readonly scheduler: Pick<Scheduler, 'schedule'>;
  /** whether the store answers, as far as is known now */
  readonly isStoreUp: () => boolean;
  /** Can the Jabber side be told of a refusal now? While it cannot, nothing of it is refused for want of the store. */
  readonly canTell?: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** events that may wait here, in all */
  readonly waitingMax?: number;
  /** events per append */
  readonly batchMax?: number;
  /** for so long what comes waits for a store that is away before it is refused */
  readonly graceMs?: number;
}

interface Entry {
  readonly lane: Lane;
  readonly append: Append;
  readonly done: Accepted;
}

const retryMs = { baseMs: 50, capMs: 2_000 };

/** Identity of a Jabber message for the dedupe window: null without an id, and with one that begins again, since then
 * nothing says that it is a repeat. The content is part of it. */
export function jabberIdentity(lane: Lane, event: Durable): string | null {
  if (event.kind !== 'message' || event.id === null || !isUniqueId(event.id)) return null;
  return liveIdentity(lane.user, event.resource ?? '', lane.peer, event.id, event.subject ?? '', event.body);
}

export function makeIntake(options: IntakeOptions): Intake {
  const {
    lanes,
    scheduler,
    isStoreUp,
    canTell = () => true,
    clock,
    log,
    meter,
    waitingMax = 20_000,
    batchMax = 500,
    graceMs = 3_000,
  } = options;
  const stopping = new AbortController();
  let waiting: Entry[] = [];
  let flush: Promise<void> | null = null;
  let isInDoubt = false;
  let isFailing = false; // the last append did not succeed
  let awaySinceMs: number | null = null;

  /** Is the store away, and longer than can be waited for? */
  function isAwayLong(): boolean {
    if (isStoreUp() && !isFailing) awaySinceMs = null;
    else awaySinceMs ??= clock.monotonic();
    return awaySinceMs !== null && clock.monotonic() - awaySinceMs >= graceMs;
  }

  function accept(lane: Lane, event: Durable, identity: string | null, done: Accepted): void {
    if (stopping.signal.aborted) return done(new Fault('stopping'));
    if (lane.direction === 'toFar' && isAwayLong() && canTell()) return done(new Fault('store-away'));
    if (waiting.length >= waitingMax) return done(new Fault('lane-full'));
    const envelope = { id: randomUUID(), event, acceptedAt: clock.now(), attempts: 0, lastFault: null };
    const name = lane.direction === 'toFar' && event.kind === 'message' ? event.id : null;
    // without an identity of its own it is noted under our id, so that it is found by its sender's
    const named = name === null ? { identity } : { name, identity: identity ?? liveIdentity(envelope.id) };
    // subscriptions are decided by who holds the user's shard; the rest for the far side is as the stream brought it
    const under = lane.direction === 'toFar' && event.kind !== 'verb' ? { by: 'stream' as const } : {};
    waiting.push({ lane, append: { lane: laneKey(lane), envelope, ...named, ...under }, done });
    flush ??= new Promise((resolve) => setImmediate(() => resolve(flushAll())));
  }

  async function flushAll(): Promise<void> {
    while (waiting.length > 0 && !stopping.signal.aborted) await flushOne();
    flush = null;
  }

  async function flushOne(): Promise<void> {
    if (!isStoreUp()) {
      if (isAwayLong()) refuseJabber(new Fault('store-away'));
      if (waiting.length > 0) await pause(0);
      return;
    }
    const batch = waiting.slice(0, batchMax);
    waiting = waiting.slice(batchMax);
    meter.observe('intake_batch_size', batch.length);
    const results = await appendSurely(batch.map((entry) => entry.append));
    if (results === 'undone') {
      waiting = [...batch, ...waiting];
      if (isAwayLong()) refuseJabber(new Fault('store-away'));
      return pause(0);
    }
    const wake = new Set<LaneKey>();
    batch.forEach((entry, i) => {
      const result = results?.[i];
      if (result?.outcome === 'stored' && result.length === 1) wake.add(entry.append.lane);
      finish(entry, result);
    });
    // what cannot be scheduled now is found by the scheduler's sweep of non-empty lanes
    if (wake.size > 0)
      scheduler
        .schedule([...wake])
        .catch((thrown: unknown) => log.debug({ fault: toFault(thrown).code }, 'a drain could not be scheduled'));
  }

  function finish(entry: Entry, result: AppendResult | undefined): void {
    const dir = entry.lane.direction;
    switch (result?.outcome) {
      case 'stored':
        meter.count('envelopes_accepted_total', { dir });
        log.debug(
          { dir, lane: entry.append.lane, env: entry.append.envelope.id, kind: entry.append.envelope.event.kind },
          'accepted',
        );
        return entry.done(null);
      case 'repeat':
        meter.count('repeats_dropped_total', { dir });
        log.info({ dir, lane: entry.append.lane }, 'repeat dropped');
        return entry.done(null);
      case 'full':
        return entry.done(new Fault('lane-full'));
      case 'stale':
      case undefined:
        return entry.done(new Fault('store-away'));
    }
  }

  /** Null only when we are told to stop while the store is still away; undone: certainly nothing was stored. */
  async function appendSurely(entries: readonly Append[]): Promise<readonly AppendResult[] | 'undone' | null> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const results = await lanes.append(entries);
        isInDoubt = false;
        isFailing = false;
        return results;
      } catch (thrown) {
        const { code, isUndone } = toFault(thrown);
        isFailing = true;
        if (isUndone && !isInDoubt) return 'undone';
        isInDoubt = true;
        if (attempt === 0) log.warn({ fault: code, count: entries.length }, 'store did not answer, append is repeated');
        if (isAwayLong()) refuseJabber(new Fault('store-away'));
        if (stopping.signal.aborted) return null;
        await pause(attempt);
      }
    }
  }

  function refuseJabber(fault: Fault): void {
    if (!canTell()) return;
    const refused = waiting.filter((entry) => entry.lane.direction === 'toFar');
    if (refused.length === 0) return;
    waiting = waiting.filter((entry) => entry.lane.direction !== 'toFar');
    for (const entry of refused) entry.done(fault);
  }

  async function pause(attempt: number): Promise<void> {
    await clock.sleep(backoffMs(attempt, clock.dice(), retryMs), stopping.signal).catch(() => undefined); // stop ends the pause
  }

  return {
    accept,
    async stored(signal) {
      if (flush !== null) await untilAborted(flush, signal).catch(() => undefined); // too late: it goes on by itself
    },
    waiting: () => waiting.length,
    async stop(signal) {
      // what arrived before the stop is still stored, if the store answers in time
      while ((flush !== null || waiting.length > 0) && !signal.aborted) {
        await Promise.race([flush, clock.sleep(50, signal).catch(() => undefined)]);
      }
      stopping.abort();
      await flush;
      for (const entry of waiting.splice(0)) entry.done(new Fault('stopping'));
    },
  };
}
