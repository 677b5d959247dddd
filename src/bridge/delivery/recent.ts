/**
 * The messages that the other side has taken lately, so that what comes back of one can be told for what it is: an error
 * counts only for something that was delivered, once, and who sends it need not carry the text back. In memory and
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
   * that id was. `of` is the envelope's id, or that of a part of it (`id/2`).
   */
  complete(lane: Lane, bounce: Bounce): Bounce | null;
}

const rememberedMax = 5_000;
const headUnits = 400;

/** What is kept of a message: neither its subject nor a long body. */
interface Delivered {
  readonly lane: Lane;
  readonly id: string | null;
  readonly resource: string | null;
  readonly language: Language | undefined;
  readonly sentAt: number;
  /** enough of the text to quote its beginning */
  readonly head: string;
}

/** A copy: a slice of a long text would keep all of it in memory. */
const headOf = (text: string): string =>
  text.length <= headUnits ? text : Buffer.from(text.slice(0, headUnits)).toString();

const isSame = (a: Lane, b: Lane): boolean => a.direction === b.direction && a.user === b.user && a.peer === b.peer;

export function makeRecent(max = rememberedMax): Recent {
  const delivered = makeRecentMap<string, Delivered>(max);
  return {
    remember(lane, { id, event, acceptedAt }) {
      if (event.kind !== 'message' || lane.peer === gatewayPeer) return;
      const { id: givenId, resource, language, body } = event;
      delivered.set(id, { lane, id: givenId, resource, language, sentAt: acceptedAt, head: headOf(body) });
    },
    complete(lane, { of, fault }) {
      if (of === null) return null;
      const id = delivered.get(of) === undefined ? of.replace(/\/\d+$/, '') : of;
      const found = delivered.get(id);
      if (found === undefined || !isSame(found.lane, lane)) return null;
      delivered.delete(id);
      const { id: givenId, resource, language, sentAt, head } = found;
      return {
        kind: 'bounce',
        what: 'message',
        of: givenId,
        resource,
        fault,
        sentAt,
        excerpt: excerpt(head, excerptCount),
        ...(language === undefined ? {} : { language }),
      };
    },
  };
}
