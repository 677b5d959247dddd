/**
 * What the operator is shown of lanes, envelopes, dead letters and roster comparisons. Pure. Nothing that people wrote is in
 * a view; `textOf` gives it for the one letter that is opened.
 */
import type { Account } from '../../core/address';
import { parseLaneKey } from '../../core/model';
import type { Durable, Envelope } from '../../core/model';
import type { RosterPlan } from '../contacts/roster-sync';
import type { DeadLetter, DeadLetterView, EnvelopeView, LaneParts, LaneSummary, LaneView, RosterView } from '../ports';

/** Entries that are read at once. */
export const pageMax = 500;
/** Entries of a page when nobody says how many. */
export const defaultCount = 50;

function partsOf(lane: string | null): LaneParts {
  const parsed = lane === null ? null : parseLaneKey(lane);
  return parsed ?? { direction: null, user: null, peer: null };
}

/** What a comparison does, by contact. */
export function rosterView({ actions, skipped }: RosterPlan): RosterView {
  const changes = new Map<Account, string[]>();
  for (const action of actions) {
    if (action.do === 'save') continue; // our own memory
    const what = 'verb' in action ? `${action.do} ${action.verb}` : action.do;
    changes.set(action.account, [...(changes.get(action.account) ?? []), what]);
  }
  return {
    changes: [...changes].slice(0, pageMax).map(([contact, what]) => ({ contact, what })),
    changesCount: changes.size,
    skipped: skipped.slice(0, pageMax),
    skippedCount: skipped.length,
  };
}

/** A lane and its oldest envelope. */
export function laneView({ lane, length, oldest }: LaneSummary): LaneView {
  return { lane, ...partsOf(lane), waiting: length, oldest: oldest && envelopeView(oldest) };
}

/** A dead letter without what was written. */
export function letterView({ id, at, lane, content }: DeadLetter): DeadLetterView {
  return { id, at, ...partsOf(lane), envelope: 'envelope' in content ? envelopeView(content.envelope) : null };
}

/** An envelope without what was written. */
export function envelopeView({ id, event, acceptedAt, attempts, lastFault, history = [] }: Envelope): EnvelopeView {
  const messageId = 'id' in event ? event.id : 'of' in event ? event.of : null;
  return { envelopeId: id, kind: event.kind, messageId, acceptedAt, attempts, fault: lastFault, history };
}

/** What somebody wrote, as far as the event has it. */
export function textOf(event: Durable): string {
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
