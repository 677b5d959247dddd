/**
 * Weather protection: tools that keep a flood of presence and roster work from reaching the wires at once.
 * The pacer sends in windows, each proved by the receiver before the next, so that a message never waits behind more
 * than one window; rounds run keyed work with bounded concurrency and forget nothing; a countdown is one timer for any
 * number of deadlines. They know neither presence nor rosters, and none of them throws or keeps a queue without bound:
 * what waits is bounded by the number of keys.
 */
import { toFault } from '../../core/fault';
import type { Clock, Log } from '../ports';

export interface Step {
  /** pieces of work looked at; fewer than asked for: nothing is left now */
  readonly doneCount: number;
  /** stanzas written for them */
  readonly sentCount: number;
}

export interface PacerOptions {
  /** Does up to `count` pieces of work. Must not reject. */
  readonly work: (count: number) => Promise<Step>;
  /** Resolves when the receiver has processed what was written, rejects when that will not be known. */
  readonly proof: () => Promise<void>;
  /** Told that what the last work wrote may be lost. */
  readonly unproven: () => void;
  readonly clock: Clock;
  readonly log: Log;
  /** a window should be proved within this; larger windows are tried while it is, smaller ones when not */
  readonly targetMs?: number;
  readonly minCount?: number;
  readonly maxCount?: number;
  /** after a window that was not full: time for changes to gather */
  readonly gatherMs?: number;
}

export interface Pacer {
  /** There is work. Returns at once. */
  wake(): void;
  /** stanzas that the next window may hold */
  windowCount(): number;
  /** Ends the loop; resolves when no work runs any more. */
  stop(): Promise<void>;
}

export function makePacer(options: PacerOptions): Pacer {
  const { work, proof, unproven, clock, log, targetMs = 25, minCount = 25, maxCount = 250, gatherMs = 50 } = options;
  const stopping = new AbortController();
  let window = minCount;
  let isWoken = false;
  let loop: Promise<void> | null = null;

  async function run(): Promise<void> {
    while (isWoken && !stopping.signal.aborted) {
      isWoken = false;
      const asked = window;
      const { doneCount, sentCount } = await work(asked);
      if (sentCount > 0) await prove(sentCount);
      if (doneCount >= asked) isWoken = true;
      else if (doneCount > 0 && gatherMs > 0) await clock.sleep(gatherMs, stopping.signal).catch(() => undefined); // stop ends the pause
    }
  }

  async function prove(sentCount: number): Promise<void> {
    const began = clock.monotonic();
    try {
      await proof();
    } catch (thrown) {
      log.debug({ fault: toFault(thrown).code, count: sentCount }, 'presence was not confirmed');
      return unproven();
    }
    const isSlow = clock.monotonic() - began > targetMs;
    if (isSlow) window = Math.max(minCount, Math.floor(window / 2));
    else if (sentCount * 2 > window) window = Math.min(maxCount, window * 2);
  }

  function wake(): void {
    isWoken = true;
    if (stopping.signal.aborted) return;
    loop ??= run()
      .catch((thrown: unknown) => log.error({ err: thrown }, 'the pacer stumbled'))
      .then(() => {
        loop = null;
        if (isWoken) wake();
      });
  }

  return {
    wake,
    windowCount: () => window,
    async stop() {
      stopping.abort();
      await loop;
    },
  };
}

export interface RoundsOptions<K> {
  /** Does the work of a key. A rejection is logged; asking again is the caller's business. */
  readonly run: (key: K, signal: AbortSignal) => Promise<void>;
  readonly concurrencyCount: number;
  readonly log: Log;
}

export interface Rounds<K> {
  /** The key's work is to be done from now: once, however often it is asked for before it begins. */
  ask(key: K): void;
  /** Takes a key out that has not begun. */
  drop(key: K): void;
  /** how many keys wait or run */
  busyCount(): number;
  /** Begins nothing new, aborts what runs; resolves when it has ended. */
  stop(): Promise<void>;
}

export function makeRounds<K>({ run, concurrencyCount, log }: RoundsOptions<K>): Rounds<K> {
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
      running.set(key, one(key));
    }
  }

  async function one(key: K): Promise<void> {
    try {
      await run(key, stopping.signal);
    } catch (thrown) {
      if (!stopping.signal.aborted) log.warn({ fault: toFault(thrown).code, err: thrown }, 'a round failed');
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

export interface Countdown<K> {
  /** Begins to count for the key, unless it counts already. */
  begin(key: K): void;
  cancel(key: K): void;
  isRunning(key: K): boolean;
  stop(): void;
}

/** Calls `due` once per key, `afterMs` after its begin. `due` must not throw. */
export function makeCountdown<K>(options: {
  readonly afterMs: number;
  readonly due: (key: K) => void;
  readonly clock: Clock;
}): Countdown<K> {
  const { afterMs, due, clock } = options;
  const stopping = new AbortController();
  const ends = new Map<K, number>(); // equal spans, so the order of insertion is the order of time
  let isWatching = false;

  async function watch(): Promise<void> {
    while (!stopping.signal.aborted) {
      const [first] = ends;
      if (first === undefined) break;
      const leftMs = first[1] - clock.monotonic();
      if (leftMs > 0) {
        await clock.sleep(leftMs, stopping.signal).catch(() => undefined); // stop ends the wait
        continue;
      }
      ends.delete(first[0]);
      due(first[0]);
    }
    isWatching = false;
  }

  return {
    begin(key) {
      if (ends.has(key) || stopping.signal.aborted) return;
      ends.set(key, clock.monotonic() + afterMs);
      if (isWatching) return;
      isWatching = true;
      void watch();
    },
    cancel: (key) => void ends.delete(key),
    isRunning: (key) => ends.has(key),
    stop() {
      stopping.abort();
      ends.clear();
    },
  };
}
