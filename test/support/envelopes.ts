/** Envelopes and lanes for tests of the store, short to write. */
import type { Append } from '../../src/bridge/ports';
import type { Account, BareJid } from '../../src/core/address';
import { laneKey } from '../../src/core/model';
import type { Envelope, LaneKey } from '../../src/core/model';

/** A lane towards the far side; the names are not parsed. */
export function lane(user: string, peer: string, direction: 'toFar' | 'toJabber' = 'toFar'): LaneKey {
  return laneKey({ direction, user: user as BareJid, peer: peer as Account }); // test names, well formed by inspection
}

export function envelope(id: string, body = `text of ${id}`): Envelope {
  const message = { kind: 'message', id, resource: 'r', type: 'chat', subject: null, sentAt: null } as const;
  const event = { ...message, body, wantsReceipt: true, nick: null };
  return { id, event, acceptedAt: 1_700_000_000_000, attempts: 0, lastFault: null };
}

export function entry(where: LaneKey, id: string, identity: string | null = null): Append {
  return { lane: where, envelope: envelope(id), identity };
}

/** Ids from..to-1 as entries of a lane, each with its own identity. */
export function entries(where: LaneKey, prefix: string, count: number): Append[] {
  return Array.from({ length: count }, (_, i) => entry(where, `${prefix}${i}`, `identity ${prefix}${i}`));
}
