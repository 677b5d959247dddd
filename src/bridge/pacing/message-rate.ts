/**
 * `limits.messagesPerMinute`, per link: a token bucket for each user (RFC 6120 section 13.12 leaves such limits to the
 * implementation). It refuses nothing by itself. A bucket that was not used lately is forgotten, since it is full again.
 */
import { takeTokens, type Bucket } from '../../core/access';
import type { BareJid } from '../../core/address';
import { makeRecentMap } from '../../core/recent-map';
import type { Clock } from '../../core/runtime';

export interface MessageRate {
  /** Takes up to `wantedCount` messages of a user; `waitMs`: until there is room for one again. Never throws. */
  take(user: BareJid, wantedCount: number): { readonly takenCount: number; readonly waitMs: number };
  /** What was taken was not sent. */
  giveBack(user: BareJid, count: number): void;
}

const bucketsMax = 10_000;

/** `messagesPerMinute` is asked each time: it may change while the bridge runs. */
export function makeMessageRate(messagesPerMinute: () => number, clock: Clock, max = bucketsMax): MessageRate {
  const buckets = makeRecentMap<BareJid, Bucket>(max);
  return {
    take(user, wantedCount) {
      const before = buckets.get(user) ?? null;
      const now = clock.monotonic();
      const perMinute = messagesPerMinute();
      const { bucket, ...taken } = takeTokens(before, now, perMinute, perMinute, wantedCount);
      buckets.set(user, bucket);
      return taken;
    },
    giveBack(user, count) {
      const bucket = buckets.get(user);
      if (bucket !== undefined) buckets.set(user, { ...bucket, tokens: bucket.tokens + count });
    },
  };
}
