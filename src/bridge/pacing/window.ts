/**
 * Sends presence in windows, each proved by the receiver before the next, so that a message never waits behind more than
 * one window. The window grows while proofs are quick and is halved when one is slow. It knows neither presence nor
 * contacts, never throws, and keeps no queue of its own.
 */
import { toFault } from '../../core/fault';
import type { Clock, Log } from '../ports';

export interface WindowResult {
  /** pieces of work looked at; fewer than asked for: nothing is left now */
  readonly doneCount: number;
  /** stanzas written for them */
  readonly sentCount: number;
}

export interface WindowedSenderOptions {
  /** Does up to `count` pieces of work. Must not reject. */
  readonly work: (count: number) => Promise<WindowResult>;
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

export interface WindowedSender {
  /** There is work. Returns at once. */
  wake(): void;
  /** Ends the loop; resolves when no work runs any more. */
  stop(): Promise<void>;
}

export function makeWindowedSender(options: WindowedSenderOptions): WindowedSender {
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
      .catch((thrown: unknown) =>
        log.error({ err: thrown }, 'sending in windows failed, it goes on with the next change'),
      )
      .then(() => {
        loop = null;
        if (isWoken) wake();
      });
  }

  return {
    wake,
    async stop() {
      stopping.abort();
      await loop;
    },
  };
}
