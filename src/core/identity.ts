/**
 * What a message is known by when it may come twice. Two kinds: ids that a client made up say for some minutes that it is
 * the same one, and only if they are no mere numbers, since those begin again with the next login; what the network itself
 * numbers is the same one however late it comes. Pure; the store keeps digests.
 */

const liveMark = 'live\0';

/** The same within minutes only: the parts of it with a client's own id. */
export const liveIdentity = (...parts: readonly string[]): string => liveMark + parts.join('\0');

/** a shorter one is not made by chance */
const chanceLength = 16;
/** a name and a number, as clients count that begin again at 1 */
const counted = /^\D*\d*\D?$/;

/**
 * Is the id one that its client does not make twice: long, and no name with a number? A second "hi" under the id `1` is
 * another message; under a UUID it is the same (XEP-0359 section 5 wants ids that are unique).
 */
export const isUniqueId = (id: string): boolean => id.length >= chanceLength && !counted.test(id);

/** Of an event's own identity and its place in an acknowledged stream: the one that lasts, if either does. */
export function surest(identity: string | null, place: string | null = null): string | null {
  if (identity === null || (place !== null && isLiveIdentity(identity))) return place;
  return identity;
}

/** Does it say only for some minutes that it is the same? */
export const isLiveIdentity = (identity: string): boolean => identity.startsWith(liveMark);
