/**
 * Work by key with bounded concurrency: a key that is asked for again before its work begins runs once, one that is asked
 * for while it runs runs once more. It never throws, and what waits is bounded by the number of keys.
 */
import { toFault } from '../../core/fault';
import type { Log } from '../../core/runtime';

export interface KeyedQueueOptions<K> {
  /** Does the work of a key. A rejection is logged; asking again is the caller's business. */
  readonly run: (key: K, signal: AbortSignal) => Promise<void>;
  readonly concurrencyCount: number;
  readonly log: Log;
}

export interface KeyedQueue<K> {
  /** The key's work is to be done from now: once, however often it is asked for before it begins. */
  ask(key: K): void;
  /** Takes a key out that has not begun. */
  drop(key: K): void;
  /** how many keys wait or run */
  busyCount(): number;
  /** Begins nothing new, aborts what runs; resolves when it has ended. */
  stop(): Promise<void>;
}

export function makeKeyedQueue<K>({ run, concurrencyCount, log }: KeyedQueueOptions<K>): KeyedQueue<K> {
  const stopping = new AbortController();
  const waiting = new Set<K>();
  const running = new Map<K, Promise<void>>();
  let isPlanned = false;

  function plan(): void {
    if (isPlanned || stopping.signal.aborted) return;
    isPlanned = true;
    queueMicrotask(next); // never inside the caller's turn
  }

  function next(): void {
    isPlanned = false;
    for (const key of waiting) {
      if (running.size >= concurrencyCount || stopping.signal.aborted) return;
      if (running.has(key)) continue;
      waiting.delete(key);
      const soon = Promise.resolve(key); // not at once: work that throws at once would be over before it is counted
      running.set(key, soon.then(one));
    }
  }

  async function one(key: K): Promise<void> {
    try {
      await run(key, stopping.signal);
    } catch (thrown) {
      if (!stopping.signal.aborted)
        log.warn({ fault: toFault(thrown).code, err: thrown }, 'background work for one user failed');
    } finally {
      running.delete(key);
      plan();
    }
  }

  return {
    ask(key) {
      if (stopping.signal.aborted) return;
      waiting.add(key);
      plan();
    },
    drop: (key) => void waiting.delete(key),
    busyCount: () => waiting.size + running.size,
    async stop() {
      stopping.abort();
      waiting.clear();
      await Promise.all(running.values());
    },
  };
}
