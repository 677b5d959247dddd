/**
 * Drains one lane: reads a range from its head, hands it to the side it is for, and settles what came of it.
 * Head-of-line: nothing overtakes what waits. The store makes a settlement atomic, so a crash at any point leaves the
 * lane either before or after it; a repeat carries the same envelope ids.
 */
import { Fault, toFault } from '../../core/fault';
import { gatewayPeer, parseLaneKey } from '../../core/model';
import type { Envelope, Lane, LaneKey } from '../../core/model';
import type { Hold } from './hold';
import type {
  Clock,
  Scheduler,
  DrainResult,
  FarPort,
  JabberPort,
  LaneStore,
  Log,
  Meter,
  Settlement,
  Stored,
} from '../ports';
import type { MessageRate } from '../pacing/message-rate';
import type { Recent } from './recent';
import type { Senders } from './senders';
import { settlementOf } from './outcome';
import type { DeliveryRecord, Outcome, DeliveryRules } from './outcome';

export interface DrainOptions {
  readonly lanes: LaneStore;
  readonly scheduler: Pick<Scheduler, 'schedule'>;
  readonly far: Pick<FarPort, 'deliver'>;
  readonly jabber: Pick<JabberPort, 'deliver'>;
  /** nothing is held when left out */
  readonly hold?: Pick<Hold, 'isReady' | 'isHolding' | 'restoredAt' | 'watch'>;
  readonly isLinked: (user: Lane['user']) => boolean;
  /** does this user want receipts? everybody does when left out */
  readonly mayReceipt?: (user: Lane['user']) => boolean;
  /** Is it not true any more? Asked of what another process, or the server before its restart, may have had. */
  readonly isSuperseded?: (lane: Lane, event: Envelope['event']) => boolean;
  /** how fast a Jabber user is written to; unbounded when left out */
  readonly rate?: MessageRate;
  readonly recent?: Pick<Recent, 'remember'>;
  readonly senders?: Pick<Senders, 'wordsFor'>;
  /** Told of each envelope that has left its lane. Must not throw. */
  readonly onEnded?: (lane: Lane, event: Envelope['event'], end: 'delivered' | 'bounced') => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** one line at info for each message that was delivered, too; default false */
  readonly logsDelivered?: boolean;
  readonly rules: Omit<DeliveryRules, 'now' | 'dice' | 'isHolding'>;
}

export interface Drain {
  /** Returns when the lane is empty or must wait. Throws only when the store is away: the scheduler then repeats it. */
  run(key: LaneKey, signal: AbortSignal): Promise<DrainResult>;
  /** Before the end: settles what was sent and could not be settled, since the next process would send it again. Never rejects. */
  settleUnsettled(): Promise<void>;
}

const batchMax = 100;
/** hold.ts wakes these lanes itself */
const unreadyMs = 1_000;
const done: DrainResult = { again: false };

export function makeDrain(options: DrainOptions): Drain {
  const { lanes, scheduler, far, jabber, hold, rate, recent, senders } = options;
  const { isLinked, isSuperseded, mayReceipt, onEnded, clock, log, meter, rules } = options;
  const { logsDelivered = false } = options;
  const startedAt = clock.now();
  /** Of what was accepted before, some may have been delivered before: by another process, or put back by the hold. */
  const suspectUntil = (): number => Math.max(startedAt, hold?.restoredAt() ?? startedAt);

  /** envelopes that the other side has, in lanes that the store did not let us settle; one batch each */
  const unsettled = new Map<LaneKey, ReadonlySet<string>>();

  async function run(key: LaneKey, signal: AbortSignal): Promise<DrainResult> {
    const lane = parseLaneKey(key);
    while (!signal.aborted) {
      if (lane?.direction === 'toJabber' && hold?.isReady() === false) return { again: true, inMs: unreadyMs };
      const stored = await lanes.head(key, batchMax);
      if (stored.length === 0) return done;
      const envelopes = lane === null ? [] : readable(stored);
      if (lane === null || envelopes.length === 0) {
        if ((await setAside(key, lane === null ? stored.length : 1)) === 0) return done;
        continue;
      }
      if (lane.peer !== gatewayPeer && !isLinked(lane.user)) {
        // came after the lanes were emptied at the end of the link, which the user was told; what the gateway itself says still goes out
        const count = envelopes.length;
        log.info({ lane: key, count }, 'dropped, the user has no link');
        await settle({ lane: key, taken: count, keep: [], append: [], dead: [] });
        continue;
      }
      const { batch, waitMs: paceMs } = admitted(lane, envelopes);
      if (batch.length === 0) return { again: true, inMs: paceMs };
      const outcomes = await sendOnce(lane, key, batch);
      if (outcomes.some(({ ok }) => !ok)) rate?.giveBack(lane.user, countPaced(lane, batch));
      const { left, waitMs } = await settleOutcomes(lane, key, batch, outcomes);
      if (waitMs !== null) return { again: true, inMs: waitMs };
      // what is appended from now on is scheduled by whoever appends it
      if (left === 0) return done;
      if (batch.length < envelopes.length) return { again: true, inMs: paceMs };
    }
    return { again: true, inMs: 0 };
  }

  /** As many of the first envelopes as the user may be sent now; the rest waits in the lane. */
  function admitted(lane: Lane, envelopes: readonly Envelope[]): { batch: readonly Envelope[]; waitMs: number } {
    const wantedCount = rate === undefined ? 0 : countPaced(lane, envelopes);
    if (rate === undefined || wantedCount === 0) return { batch: envelopes, waitMs: 0 };
    const { takenCount, waitMs } = rate.take(lane.user, wantedCount);
    if (takenCount === wantedCount) return { batch: envelopes, waitMs };
    let leftCount = takenCount;
    const end = envelopes.findIndex((envelope) => isPaced(lane, envelope) && (leftCount -= 1) < 0);
    return { batch: envelopes.slice(0, end), waitMs };
  }

  async function settleOutcomes(
    lane: Lane,
    key: LaneKey,
    envelopes: readonly Envelope[],
    outcomes: readonly Outcome[],
  ): Promise<{ readonly left: number; readonly waitMs: number | null }> {
    const { settlement, waitMs, records } = settlementOf(lane, envelopes, outcomes, {
      now: clock.now(),
      dice: () => clock.dice(),
      newId: rules.newId,
      expireAfterMs: rules.expireAfterMs,
      unknownOutcome: rules.unknownOutcome,
      receipts: mayReceipt?.(lane.user) === false ? 'off' : rules.receipts,
      isHolding: lane.direction === 'toJabber' && hold?.isHolding() === true,
    });
    const left = await settleRemembering(key, settlement, records);
    for (const record of records) report(lane, key, record);
    return { left, waitMs };
  }

  /** What was sent already, and could not be settled because the store went away, is not sent again. */
  async function sendOnce(lane: Lane, key: LaneKey, envelopes: readonly Envelope[]): Promise<readonly Outcome[]> {
    const sent = unsettled.get(key);
    if (sent === undefined) return send(lane, envelopes);
    const unsent = envelopes.filter(({ id }) => !sent.has(id));
    const outcomes = unsent.length === 0 ? [] : [...(await send(lane, unsent))];
    const merged: Outcome[] = [];
    for (const { id } of envelopes) {
      const outcome = sent.has(id) ? fine() : outcomes.shift();
      if (outcome === undefined) break;
      merged.push(outcome);
    }
    return merged;
  }

  async function settleRemembering(
    key: LaneKey,
    settlement: Settlement,
    records: readonly DeliveryRecord[],
  ): Promise<number> {
    try {
      const left = await settle(settlement);
      unsettled.delete(key);
      return left;
    } catch (thrown) {
      const delivered = records.filter(({ end }) => end === 'delivered').map(({ envelope }) => envelope.id);
      if (delivered.length > 0) unsettled.set(key, new Set(delivered));
      throw thrown;
    }
  }

  async function settleUnsettled(): Promise<void> {
    for (const [key, sent] of unsettled) {
      const lane = parseLaneKey(key);
      if (lane === null) continue;
      try {
        const envelopes = readable(await lanes.head(key, batchMax));
        const first = envelopes.findIndex(({ id }) => !sent.has(id));
        const done = first < 0 ? envelopes : envelopes.slice(0, first);
        if (done.length > 0) await settleOutcomes(lane, key, done, done.map(fine));
      } catch (thrown) {
        log.warn({ lane: key, fault: toFault(thrown).code, count: sent.size }, 'sent, not settled, may be sent again');
      }
    }
  }

  /** An expired head is bounced without being sent; later ones wait until they are the head. */
  async function send(lane: Lane, envelopes: readonly Envelope[]): Promise<readonly Outcome[]> {
    const oldest = clock.now() - rules.expireAfterMs;
    const firstExpired = envelopes.findIndex((envelope) => envelope.acceptedAt < oldest);
    if (firstExpired === 0) return [{ ok: false, fault: new Fault('expired') }];
    const fresh = firstExpired < 0 ? envelopes : envelopes.slice(0, firstExpired);
    // before it is sent: a server gives a message back before it confirms the batch
    for (const envelope of fresh) recent?.remember(lane, envelope);
    return lane.direction === 'toFar' ? sendFar(lane, fresh) : sendJabber(lane, fresh);
  }

  async function sendFar(lane: Lane, envelopes: readonly Envelope[]): Promise<readonly Outcome[]> {
    const worded = envelopes.map((envelope) => inWords(lane, envelope));
    const sent = far.deliver(
      lane.user,
      lane.peer,
      worded.filter((envelope) => envelope !== null),
    );
    const outcomes = await Promise.all(sent.map((one) => one.then(fine, failed)));
    // what is not said, because its like was said just now, is done with
    return worded.map((envelope) => (envelope === null ? fine() : (outcomes.shift() ?? fine())));
  }

  async function sendJabber(lane: Lane, envelopes: readonly Envelope[]): Promise<readonly Outcome[]> {
    const current = envelopes
      .filter(({ event, acceptedAt }) => acceptedAt > suspectUntil() || isSuperseded?.(lane, event) !== true)
      .map((envelope) => inWords(lane, envelope))
      .filter((envelope) => envelope !== null);
    const all = current.length === 0 ? fine() : await jabber.deliver(lane.user, lane.peer, current).then(fine, failed);
    return envelopes.map(() => all);
  }

  /** A bounce as its reader can see it; anything else as it is. */
  function inWords(lane: Lane, envelope: Envelope): Envelope | null {
    if (senders === undefined || envelope.event.kind !== 'bounce') return envelope;
    const event = senders.wordsFor(lane, envelope);
    return event === null ? null : { ...envelope, event };
  }

  async function setAside(key: LaneKey, count: number): Promise<number> {
    meter.count('faults_total', { part: 'bridge', code: 'poisoned' }, count);
    log.error({ lane: key, count }, 'stored envelopes could not be read, set aside');
    return settle({ lane: key, taken: count, keep: [], append: [], dead: [], poisoned: count });
  }

  /** Resolves with how many envelopes the lane still holds. */
  async function settle(settlement: Settlement): Promise<number> {
    const settling = lanes.settle(settlement);
    if (settlement.hold) hold?.watch(settling);
    const { left, wake } = await settling;
    if (wake.length > 0) await scheduler.schedule(wake);
    return left;
  }

  function report(lane: Lane, key: LaneKey, { envelope, end, fault }: DeliveryRecord): void {
    const { direction: dir } = lane;
    const fields = {
      dir,
      lane: key,
      env: envelope.id,
      kind: envelope.event.kind,
      attempt: envelope.attempts,
      fault: fault?.code,
    };
    if (fault) meter.count('faults_total', { part: 'bridge', code: fault.code });
    if (end !== 'kept') onEnded?.(lane, envelope.event, end);
    switch (end) {
      case 'delivered':
        meter.count('envelopes_delivered_total', { dir });
        meter.observe('delivery_seconds', Math.max(0, clock.now() - envelope.acceptedAt) / 1000, { dir });
        return logsDelivered ? log.info(fields, 'delivered') : log.debug(fields, 'delivered');
      case 'bounced':
        meter.count('envelopes_bounced_total', { dir, fault: fault?.code ?? 'internal' });
        return log.info(fields, 'bounced');
      case 'kept':
        return log.debug(fields, 'delivery will be repeated');
    }
  }

  return { run, settleUnsettled };
}

/** Counts towards the rate: what people write to the user, not what the gateway says or answers. */
const isPaced = ({ direction, peer }: Lane, { event }: Envelope): boolean =>
  direction === 'toJabber' && event.kind === 'message' && peer !== gatewayPeer;

function countPaced(lane: Lane, envelopes: readonly Envelope[]): number {
  if (lane.direction === 'toFar') return 0;
  let count = 0;
  for (const envelope of envelopes) if (isPaced(lane, envelope)) count += 1;
  return count;
}

/** The readable envelopes before the first poisoned one. */
function readable(stored: readonly Stored[]): readonly Envelope[] {
  const envelopes: Envelope[] = [];
  for (const item of stored) {
    if (!('envelope' in item)) break;
    envelopes.push(item.envelope);
  }
  return envelopes;
}

const fine = (): Outcome => ({ ok: true });
const failed = (thrown: unknown): Outcome => ({ ok: false, fault: toFault(thrown) });
