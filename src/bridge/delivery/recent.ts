/**
 * The messages that the other side has taken lately, so that what comes back of one can be told for what it is: an error
 * counts only for something that was delivered, once, and its teller need not carry the text back. In memory and
 * bounded: what was delivered long ago, or by a process before this one, is not known any more.
 */
import type { Language } from '../../core/i18n';
import { makeRecentMap } from '../../core/recent-map';
import { gatewayPeer, type Bounce, type Envelope, type Lane } from '../../core/model';
import { excerpt } from '../../core/text';
import { excerptCount } from './outcome';

export interface Recent {
  /** A message is about to be sent to the other side. */
  remember(lane: Lane, envelope: Envelope): void;
  /**
   * The bounce of what was delivered on this lane, completed with what is known of it, and forgotten; null: nothing of
   * that id was. `of` is the envelope's id, of a part of it (`id/2`), or the one that its sender gave.
   */
  complete(lane: Lane, bounce: Bounce): Bounce | null;
}

const rememberedMax = 5_000;
const headUnits = 400;

interface Delivered {
  readonly keys: readonly string[];
  readonly id: string | null;
  readonly resource: string | null;
  readonly sentAt: number;
  readonly language: Language | undefined;
  /** enough of the text to quote its beginning */
  readonly head: string;
}

/** A copy: a slice of a long text would keep all of it in memory. */
const headOf = (text: string): string =>
  text.length <= headUnits ? text : Buffer.from(text.slice(0, headUnits)).toString();

const keyOf = ({ direction, user, peer }: Lane, name: string): string => `${direction} ${user} ${peer} ${name}`;

export function makeRecent(max = rememberedMax): Recent {
  const delivered = makeRecentMap<string, Delivered>(max);

  function forget(one: Delivered): void {
    for (const key of one.keys) if (delivered.get(key) === one) delivered.delete(key);
  }

  return {
    remember(lane, { id, event, acceptedAt }) {
      if (event.kind !== 'message' || lane.peer === gatewayPeer) return;
      const names = lane.direction === 'toFar' && event.id !== null && event.id !== id ? [id, event.id] : [id];
      const one: Delivered = {
        keys: names.map((name) => keyOf(lane, name)),
        id: event.id,
        resource: event.resource,
        sentAt: acceptedAt,
        language: event.language,
        head: headOf(event.body),
      };
      for (const key of one.keys) delivered.set(key, one);
    },
    complete(lane, { of, fault }) {
      if (of === null) return null;
      const one = delivered.get(keyOf(lane, of)) ?? delivered.get(keyOf(lane, of.replace(/\/\d+$/, '')));
      if (one === undefined) return null;
      forget(one);
      const { id, resource, sentAt, language, head } = one;
      return {
        kind: 'bounce',
        what: 'message',
        of: id,
        resource,
        fault,
        sentAt,
        excerpt: excerpt(head, excerptCount),
        ...(language === undefined ? {} : { language }),
      };
    },
  };
}
