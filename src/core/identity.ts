/**
 * What a message is known by when it may come twice. Two kinds: ids that a client gave while it was online (they start
 * again at 1 with the next login, or the next start of a server) say for some minutes that it is the same one; what the
 * network itself numbers is the same one however late it comes. Pure; the store keeps digests.
 */

const liveMark = 'live\0';

/** The same within minutes only: the parts of it with a client's own id. */
export const liveIdentity = (...parts: readonly string[]): string => liveMark + parts.join('\0');

/** Of an event's own identity and its place in an acknowledged stream: the one that lasts, if either does. */
export function surest(identity: string | null, place: string | null = null): string | null {
  if (identity === null || (place !== null && isLiveIdentity(identity))) return place;
  return identity;
}

/** Does it say only for some minutes that it is the same? */
export const isLiveIdentity = (identity: string): boolean => identity.startsWith(liveMark);
