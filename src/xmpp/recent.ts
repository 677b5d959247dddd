/** A bounded map that forgets, when it is full, what was not set for long. Used where forgetting does no harm. Pure. */

export interface Recent<K, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): void;
}

/** Entries that are surely remembered; at most twice as many are. */
const rememberedMax = 10_000;

export function makeRecent<K, V>(): Recent<K, V> {
  let recent = new Map<K, V>();
  let older = new Map<K, V>();
  return {
    get: (key) => recent.get(key) ?? older.get(key),
    set(key, value) {
      if (recent.size >= rememberedMax && !recent.has(key)) {
        older = recent;
        recent = new Map();
      }
      recent.set(key, value);
    },
  };
}
