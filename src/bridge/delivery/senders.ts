/**
 * Tells senders what became of what they sent, so that a person sees it. On the Jabber side an error goes to the resource
 * that sent, while that is there; servers drop an error for a resource that has gone (RFC 6121 section 8.5.3.2.1), so
 * then it is a message with the beginning of what failed, which the server keeps. A far sender, who has no errors, gets
 * such a message always, at most one a minute from one peer to another, so that two machines cannot talk for ever.
 * Nothing is ever told about what was told.
 */
import { randomUUID } from 'node:crypto';
import type { BareJid } from '../../core/address';
import { faultText, toFault } from '../../core/fault';
import { textsFor, type Language } from '../../core/i18n';
import { chatMessage, type Bounce, type Durable, type Envelope, type Lane, type Message } from '../../core/model';
import type { Clock, Log, Meter } from '../../core/runtime';
import { excerpt } from '../../core/text';
import type { FarPort, LanguageMemory } from '../ports';
import { excerptCount } from './outcome';
import type { Refusals } from './refusals';

/** Whether a resource can be reached now: as its presence says, or unknown while the user's presence is not heard. */
export type ResourceState = 'online' | 'gone' | 'unknown';

export interface SendersOptions {
  readonly refusals: Pick<Refusals, 'send'>;
  readonly far: Pick<FarPort, 'deliver'>;
  readonly resourceState: (user: BareJid, resource: string) => ResourceState;
  /** of Jabber users */
  readonly languages: Pick<LanguageMemory, 'of'>;
  /** of people of the other network, who say none */
  readonly language: () => Language;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

export interface Senders {
  /** What is sent instead of an event that waits in this lane; null: nothing, it is counted in the next. Never throws. */
  wordsFor(lane: Lane, envelope: Envelope): Durable | null;
  /** Tells the sender of something on this lane now, past the queue: for what was never accepted. Never throws. */
  tell(failed: Lane, bounce: Bounce): void;
}

/** while it is not known whether a resource is there, errors go to it for so long */
const freshMs = 60_000;
/** between two notices to one far peer of one user */
const noticeMs = 60_000;
/** pairs of user and peer of whom the last notice is remembered */
const pairsMax = 10_000;

interface LastNotice {
  readonly atMs: number;
  readonly envelopeId: string;
  /** kept back since */
  othersCount: number;
}

export function makeSenders(options: SendersOptions): Senders {
  const { refusals, far, languages, resourceState, clock, log, meter } = options;
  const last = new Map<string, LastNotice>();

  /** How many were kept back before this one; null: this one is kept back too. A repeat of the same envelope may go. */
  function admit({ user, peer }: Lane, envelopeId: string): number | null {
    const key = `${user} ${peer}`;
    const before = last.get(key);
    if (before?.envelopeId === envelopeId) return before.othersCount;
    const nowMs = clock.monotonic();
    if (before !== undefined && nowMs - before.atMs < noticeMs) {
      before.othersCount += 1;
      meter.count('notices_held_total');
      return null;
    }
    last.delete(key); // to the end of the order
    last.set(key, { atMs: nowMs, envelopeId, othersCount: 0 });
    const [oldest] = last.keys();
    if (last.size > pairsMax && oldest !== undefined) last.delete(oldest);
    return before?.othersCount ?? 0;
  }

  function message({ what, excerpt: quoted, fault }: Bounce, reader: Language, othersCount: number): Message {
    const quote = quoted === null ? '' : excerpt(quoted.replace(/\s+/g, ' ').trim(), excerptCount);
    const { text } = faultText(fault, reader);
    const reason = fault.stanza?.text || text;
    const body = textsFor(reader).notices.undelivered(what, quote, reason, othersCount);
    return chatMessage(body, { language: reader });
  }

  function isErrorSeen({ user }: Lane, { resource, sentAt }: Bounce): boolean {
    if (resource === null) return false;
    const state = resourceState(user, resource);
    log.debug({ peer: user, state }, 'the sender is told what was not delivered');
    return state === 'online' || (state === 'unknown' && clock.now() - (sentAt ?? clock.now()) <= freshMs);
  }

  function wordsFor(lane: Lane, { id, event }: Envelope): Durable | null {
    if (event.kind !== 'bounce') return event;
    if (lane.direction === 'toJabber') {
      // an error for a verb is state: the server keeps it for whoever logs in (RFC 6121 section 3)
      if (event.what === 'verb' || isErrorSeen(lane, event)) return event;
      return message(event, event.language ?? languages.of(lane.user), 0);
    }
    const othersCount = admit(lane, id);
    return othersCount === null ? null : message(event, event.language ?? options.language(), othersCount);
  }

  function tell(failed: Lane, bounce: Bounce): void {
    const { user, peer } = failed;
    if (failed.direction === 'toFar') return refusals.send(user, peer, bounce);
    const id = randomUUID();
    const envelope = { id, event: bounce, acceptedAt: clock.now(), attempts: 0, lastFault: null };
    const event = wordsFor({ direction: 'toFar', user, peer }, envelope);
    if (event === null) return;
    for (const sent of far.deliver(user, peer, [{ ...envelope, event }])) {
      sent.catch((thrown: unknown) => log.warn({ peer, fault: toFault(thrown).code }, 'the sender could not be told'));
    }
  }

  return { wordsFor, tell };
}
