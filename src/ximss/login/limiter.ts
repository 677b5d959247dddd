/**
 * How many sessions may be connecting at once: a gate that opens with every success and halves with every failure, so
 * that a start with thousands of links neither crawls nor drowns the server. Who is more urgent goes first, among equals
 * who came first. No timers.
 */
export interface LimiterBounds {
  readonly leastCount: number;
  readonly firstCount: number;
  readonly mostCount: number;
}

const defaultBounds: LimiterBounds = { leastCount: 2, firstCount: 8, mostCount: 64 };

/** Says how it went: `isHealthy` false when the server did not cope (no connection, no answer in time), or we did not.
 * Once only. */
export type Release = (isHealthy: boolean) => void;

/** Two turns of the event loop in this time: there is room for more. */
const quickTurnsMs = 20;

/**
 * Releases with success when a new session has been read for a moment: its hundreds of presences are work for us too, and
 * when that is much, fewer log in at once. `monotonic`: ms. Never rejects.
 */
export async function releaseAfterFirstReads(release: Release, monotonic: () => number): Promise<void> {
  const began = monotonic();
  for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  release(monotonic() - began <= quickTurnsMs);
}

interface Waiter {
  readonly admit: () => void;
}

export class LoginLimiter {
  private limit: number;
  private activeCount = 0;
  /** by urgency; no set is empty */
  private readonly waiters = new Map<number, Set<Waiter>>();

  constructor(private readonly bounds: LimiterBounds = defaultBounds) {
    this.limit = bounds.firstCount;
  }

  get limitCount(): number {
    return Math.floor(this.limit);
  }

  /** The server has come back: what it could not do before says nothing now. */
  reset(): void {
    this.limit = Math.max(this.limit, this.bounds.firstCount);
    this.admitNext();
  }

  /** Waits for a place; a greater `urgency` goes first. Rejects with the signal's reason when it aborts first. */
  acquire(signal: AbortSignal, urgency = 0): Promise<Release> {
    return new Promise((resolve, reject) => {
      const fail = (): void => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
      if (signal.aborted) return fail();
      const onAbort = (): void => {
        this.remove(urgency, waiter);
        fail();
      };
      const waiter: Waiter = {
        admit: () => {
          signal.removeEventListener('abort', onAbort);
          this.activeCount += 1;
          resolve(this.releaseOnce());
        },
      };
      if (this.activeCount < this.limitCount && this.waiters.size === 0) return waiter.admit();
      const equals = this.waiters.get(urgency) ?? new Set();
      this.waiters.set(urgency, equals.add(waiter));
      signal.addEventListener('abort', onAbort);
    });
  }

  private releaseOnce(): Release {
    let isReleased = false;
    return (isHealthy) => {
      if (isReleased) return;
      isReleased = true;
      this.activeCount -= 1;
      const { leastCount, mostCount } = this.bounds;
      this.limit = isHealthy ? Math.min(mostCount, this.limit + 0.5) : Math.max(leastCount, this.limit / 2);
      this.admitNext();
    };
  }

  private admitNext(): void {
    while (this.waiters.size > 0 && this.activeCount < this.limitCount) {
      const urgency = Math.max(...this.waiters.keys());
      const [waiter] = this.waiters.get(urgency) ?? [];
      if (waiter === undefined) return;
      this.remove(urgency, waiter);
      waiter.admit();
    }
  }

  private remove(urgency: number, waiter: Waiter): void {
    const equals = this.waiters.get(urgency);
    equals?.delete(waiter);
    if (equals?.size === 0) this.waiters.delete(urgency);
  }
}
