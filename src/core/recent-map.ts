/**
 * A bounded map that forgets, when it is full, what was not set for long. Used where forgetting does no harm. Two
 * generations instead of an order: deleting the oldest entry of a Map again and again walks over all that was deleted
 * before. Pure.
 */

export interface RecentMap<K, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): void;
  delete(key: K): void;
}

const rememberedMax = 10_000;

/** `max`: entries that are surely remembered; at most twice as many are. Never throws. */
export function makeRecentMap<K, V>(max = rememberedMax): RecentMap<K, V> {
  let recent = new Map<K, V>();
  let older = new Map<K, V>();
  return {
    get: (key) => recent.get(key) ?? older.get(key),
    set(key, value) {
      if (recent.size >= max && !recent.has(key)) {
        older = recent;
        recent = new Map();
      }
      recent.set(key, value);
    },
    delete(key) {
      recent.delete(key);
      older.delete(key);
    },
  };
}
