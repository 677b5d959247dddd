/**
 * What becomes of a batch whose sending has ended: pure. Each envelope is delivered, kept at the head with its fault,
 * bounced once to its sender, or left untouched (it was not sent because something before it waits).
 */
import type { Fault, FaultData } from '../../core/fault';
import { laneKey, opposite } from '../../core/model';
import type { Attempt, Bounce, Durable, Envelope, Lane } from '../../core/model';
import { decide } from '../../core/retry';
import { excerpt } from '../../core/text';
import type { Append, Settlement } from '../ports';

export type Outcome = { readonly ok: true } | { readonly ok: false; readonly fault: Fault };

export interface DeliveryRules {
  readonly now: number;
  readonly dice: () => number;
  readonly newId: () => string;
  readonly expireAfterMs: number;
  readonly unknownOutcome: 'retry' | 'report';
  readonly receipts: 'accepted' | 'off';
  /** what is delivered to the Jabber side is held (hold.ts) */
  readonly isHolding?: boolean;
}

/** What happened to one envelope, for the log and the counters. */
export interface DeliveryRecord {
  readonly envelope: Envelope;
  readonly end: 'delivered' | 'bounced' | 'kept';
  readonly fault: FaultData | null;
}

export interface BatchResult {
  readonly settlement: Settlement;
  /** null: the lane can go on at once */
  readonly waitMs: number | null;
  readonly records: readonly DeliveryRecord[];
}

/** code points of a message that are quoted to its sender */
export const excerptCount = 80;
/** tries that an envelope remembers */
const historyMax = 10;

/** The bounce of an event; null for what is never bounced: bounces, receipts, and answers to subscription requests. */
export function bounceOf(event: Durable, sentAt: number, fault: FaultData): Bounce | null {
  const bounce = { kind: 'bounce', fault, sentAt } as const;
  switch (event.kind) {
    case 'message':
      return {
        ...bounce,
        of: event.id,
        what: 'message',
        resource: event.resource,
        excerpt: excerpt(event.body, excerptCount),
        ...(event.language === undefined ? {} : { language: event.language }),
      };
    case 'verb':
      return event.verb === 'subscribe' ? { ...bounce, of: null, what: 'verb', resource: null, excerpt: null } : null;
    case 'receipt':
    case 'bounce':
      return null;
  }
}

function remember(history: readonly Attempt[] = [], attempt: Attempt): readonly Attempt[] {
  return [...history, attempt].slice(-historyMax);
}

/** The receipt or marker that a delivered message earns, if its sender asked for one (XEP-0184, 0333). */
function receiptOf(direction: Lane['direction'], event: Durable, rules: DeliveryRules): Durable | null {
  if (rules.receipts === 'off' || direction !== 'toFar') return null;
  if (event.kind !== 'message' || event.id === null) return null;
  const { id: of, resource, wantsReceipt, isMarkable = false } = event;
  if (isMarkable) return { kind: 'receipt', of, resource, form: wantsReceipt ? 'both' : 'marker' };
  return wantsReceipt ? { kind: 'receipt', of, resource } : null;
}

/**
 * What follows from the outcomes of a lane's first envelopes, in order; `outcomes` may be shorter than `envelopes` (not tried).
 * Never throws.
 */
export function settlementOf(
  lane: Lane,
  envelopes: readonly Envelope[],
  outcomes: readonly Outcome[],
  rules: DeliveryRules,
): BatchResult {
  const rest: (Envelope | null)[] = []; // what stays of each envelope looked at; null = gone
  const append: Append[] = [];
  const dead: Envelope[] = [];
  const hold: Envelope[] = [];
  const records: DeliveryRecord[] = [];
  let waitMs: number | null = null;
  let taken = 0;
  const backKey = laneKey(opposite(lane));
  const answer = (event: Durable | null): void => {
    if (event === null) return;
    const envelope = { id: rules.newId(), event, acceptedAt: rules.now, attempts: 0, lastFault: null };
    append.push({ lane: backKey, envelope, identity: null });
  };

  for (const [i, outcome] of outcomes.entries()) {
    const envelope = envelopes[i];
    if (envelope === undefined) break;
    if (outcome.ok) {
      rest.push(null);
      taken = i + 1;
      answer(receiptOf(lane.direction, envelope.event, rules));
      if (rules.isHolding && lane.direction === 'toJabber') hold.push(envelope);
      records.push({ envelope, end: 'delivered', fault: null });
      continue;
    }
    if (waitMs !== null && outcome.fault.code === 'unavailable') {
      rest.push(envelope);
      continue;
    }
    taken = i + 1;
    const failed = {
      ...envelope,
      attempts: envelope.attempts + 1,
      lastFault: outcome.fault.toData(),
      history: remember(envelope.history, { at: rules.now, code: outcome.fault.code }),
    };
    const decision = decide(outcome.fault, {
      attempts: failed.attempts,
      ageMs: rules.now - envelope.acceptedAt,
      expireAfterMs: rules.expireAfterMs,
      dice: rules.dice(),
      unknownOutcome: rules.unknownOutcome,
    });
    if (decision.do === 'bounce') {
      rest.push(null);
      answer(bounceOf(envelope.event, envelope.acceptedAt, decision.fault));
      dead.push({ ...failed, lastFault: decision.fault });
      records.push({ envelope: failed, end: 'bounced', fault: decision.fault });
      continue;
    }
    rest.push(failed);
    waitMs = Math.max(waitMs ?? 0, decision.ms);
    records.push({ envelope: failed, end: 'kept', fault: outcome.fault.toData() });
  }

  const keep = rest.slice(0, taken).filter((envelope) => envelope !== null);
  const held = hold.length > 0 ? { hold } : {};
  return { settlement: { lane: laneKey(lane), taken, keep, append, dead, ...held }, waitMs, records };
}
