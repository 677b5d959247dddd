/**
 * What was sent lately, by envelope id, so that a report of the server that a message was not delivered (docs/XIMSS.md
 * 4.5, A13) names the message as its sender knows it. In memory and bounded: of what is forgotten a report says only
 * that some message failed.
 */
import type { BareJid } from '../../core/address';
import type { Bounce, Envelope } from '../../core/model';
import { excerpt } from '../../core/text';

const entriesMaxCount = 10_000;
const excerptCount = 80;

type Sent = Pick<Bounce, 'of' | 'resource' | 'excerpt'> | 'notice';

export interface SentRecord {
  /** Remembers an envelope that is about to be sent. */
  add(user: BareJid, envelope: Envelope): void;
  /** The report as the sender of the message understands it; null: it is about a notice of ours, and nobody's. */
  resolve(user: BareJid, report: Bounce): Bounce | null;
}

export function makeSentRecord(): SentRecord {
  const sent = new Map<string, Sent>();
  const keyOf = (user: BareJid, id: string): string => `${user} ${id}`;
  return {
    add(user, { id, event }) {
      if (event.kind !== 'message' && event.kind !== 'bounce') return;
      const known: Sent =
        event.kind === 'bounce'
          ? 'notice'
          : { of: event.id, resource: event.resource, excerpt: excerpt(event.body, excerptCount) };
      sent.set(keyOf(user, id), known);
      if (sent.size <= entriesMaxCount) return;
      const [oldest] = sent.keys();
      if (oldest !== undefined) sent.delete(oldest);
    },
    resolve(user, report) {
      const known = report.of === null ? undefined : sent.get(keyOf(user, report.of));
      if (known === 'notice') return null;
      return { ...report, ...(known ?? { of: null }) };
    },
  };
}
