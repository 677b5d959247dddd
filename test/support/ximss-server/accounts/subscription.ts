/**
 * What a subscription verb does to the two roster items it touches: RFC 6121 appendix A in XIMSS words (assumptions A17, A19).
 * Pure: item in, item out. `outbound` is the side of the user who speaks, `inbound` the side of the one spoken to.
 */
import type { RosterItem, Subscription } from './store';

export const verbs = ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'] as const;
export type Verb = (typeof verbs)[number];

export function isVerb(text: string): text is Verb {
  return (verbs as readonly string[]).includes(text);
}

const sees = (item: RosterItem): boolean => item.subscription === 'to' || item.subscription === 'both';
const isSeen = (item: RosterItem): boolean => item.subscription === 'from' || item.subscription === 'both';

function named(to: boolean, from: boolean): Subscription {
  if (to) return from ? 'both' : 'to';
  return from ? 'from' : 'none';
}

/** A contact nobody has said anything about. */
export function newItem(peer: string): RosterItem {
  return {
    peer,
    name: undefined,
    groups: [],
    subscription: 'none',
    isAsking: false,
    isAsked: false,
    isListed: false,
  };
}

/** The speaker's item afterwards, and whether the verb goes on to the other side. */
export function outbound(item: RosterItem, verb: Verb): { item: RosterItem; forward: boolean } {
  const { isAsking, isAsked } = item;
  switch (verb) {
    case 'subscribe':
      return { item: { ...item, isAsking: !sees(item), isListed: true }, forward: true };
    case 'unsubscribe':
      return {
        item: { ...item, isAsking: false, subscription: named(false, isSeen(item)) },
        forward: sees(item) || isAsking,
      };
    case 'subscribed':
      if (!isAsked) return { item, forward: false };
      return {
        item: { ...item, isAsked: false, isListed: true, subscription: named(sees(item), true) },
        forward: true,
      };
    case 'unsubscribed':
      return {
        item: { ...item, isAsked: false, subscription: named(sees(item), false) },
        forward: isSeen(item) || isAsked,
      };
  }
}

/** The listener's item afterwards, whether they are told, and an answer given in their name. */
export function inbound(item: RosterItem, verb: Verb): { item: RosterItem; tell: boolean; answer: Verb | null } {
  const { isAsking, isAsked } = item;
  switch (verb) {
    case 'subscribe':
      if (isSeen(item)) return { item, tell: false, answer: 'subscribed' };
      return { item: { ...item, isAsked: true }, tell: !isAsked, answer: null };
    case 'unsubscribe':
      return {
        item: { ...item, isAsked: false, subscription: named(sees(item), false) },
        tell: isSeen(item) || isAsked,
        answer: null,
      };
    case 'subscribed':
      if (!isAsking) return { item, tell: false, answer: null };
      return { item: { ...item, isAsking: false, subscription: named(true, isSeen(item)) }, tell: true, answer: null };
    case 'unsubscribed':
      return {
        item: { ...item, isAsking: false, subscription: named(false, isSeen(item)) },
        tell: sees(item) || isAsking,
        answer: null,
      };
  }
}
