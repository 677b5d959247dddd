/**
 * What the far server sent, on its way into the middle: handed over at once and in order, kept and repeated while the
 * middle cannot store it, with a bound that stops the reading instead of losing anything. It outlives the session it
 * came by: what TCP has delivered will not come again. It does not look into events.
 */
import type { Account } from '../../core/address';
import { toFault, type Fault } from '../../core/fault';
import { isDurable, type Event } from '../../core/model';
import { backoffMs } from '../../core/retry';
import { untilAborted } from '../../core/async';
import type { Clock } from '../../bridge/ports';

export interface InboxOptions {
  /** the middle: resolves when the event is safe */
  readonly store: (peer: Account, event: Event, identity: string | null) => Promise<void>;
  readonly clock: Pick<Clock, 'sleep' | 'dice'>;
  /** the middle could not take an event, which is tried again */
  readonly onStoreFailure: (fault: Fault) => void;
  /** too much is waiting: stop reading (true), go on (false) */
  readonly onPressure: (isFull: boolean) => void;
}

interface Item {
  readonly peer: Account;
  readonly event: Event;
  readonly identity: string | null;
  readonly resolve: () => void;
}

const pauseAtCount = 256;
const resumeBelowCount = 64;
const backoff = { baseMs: 200, capMs: 5_000 };

export class Inbox {
  private waiting: Item[] | null = null;
  private unstoredCount = 0;
  private isPaused = false;
  private stopper: AbortController | null = null;
  private isDisposed = false;
  /** who waits until all is stored */
  private onAllStored: (() => void)[] = [];

  constructor(private readonly options: InboxOptions) {}

  /** True while the reading should rest. */
  get isFull(): boolean {
    return this.isPaused;
  }

  /** True while something is repeated because the middle could not store it. */
  get isHeldBack(): boolean {
    return this.waiting !== null;
  }

  /** Hands an event over. The promise, for durable ones, resolves when it is safe; never when the inbox is disposed first. */
  take(peer: Account, event: Event, identity: string | null): Promise<void> | undefined {
    if (!isDurable(event)) {
      this.options.store(peer, event, identity).catch(() => undefined); // state and chat states are not repeated
      return undefined;
    }
    this.unstoredCount += 1;
    this.updatePressure();
    if (this.waiting !== null) return this.wait(peer, event, identity);
    return this.options.store(peer, event, identity).then(
      () => this.countStored(),
      (error: unknown) => {
        this.options.onStoreFailure(toFault(error));
        return this.wait(peer, event, identity);
      },
    );
  }

  /** Resolves when all that was taken is safe. Rejects with the signal's reason. */
  async whenStored(signal: AbortSignal): Promise<void> {
    if (this.unstoredCount === 0) return;
    await untilAborted(new Promise<void>((resolve) => this.onAllStored.push(resolve)), signal);
  }

  /** Forgets what waits. */
  dispose(): void {
    this.isDisposed = true;
    this.waiting = null;
    this.stopper?.abort();
  }

  private wait(peer: Account, event: Event, identity: string | null): Promise<void> {
    return new Promise((resolve) => {
      if (this.isDisposed) return;
      const isFirst = this.waiting === null;
      this.waiting ??= [];
      this.waiting.push({ peer, event, identity, resolve });
      if (isFirst) void this.repeat();
    });
  }

  /** Tries the oldest event until it is taken, then the next; ends when none is left. Never rejects. */
  private async repeat(): Promise<void> {
    this.stopper ??= new AbortController();
    const { signal } = this.stopper;
    let attempts = 1;
    for (let item = this.waiting?.[0]; item !== undefined && !signal.aborted; item = this.waiting?.[0]) {
      try {
        if (attempts > 0) {
          await this.options.clock.sleep(backoffMs(attempts, this.options.clock.dice(), backoff), signal);
        }
        await this.options.store(item.peer, item.event, item.identity);
      } catch {
        attempts += 1;
        continue;
      }
      attempts = 0;
      this.waiting?.shift();
      item.resolve();
      this.countStored();
    }
    if (!signal.aborted) this.waiting = null;
  }

  private countStored(): void {
    this.unstoredCount -= 1;
    this.updatePressure();
    if (this.unstoredCount > 0) return;
    for (const resolve of this.onAllStored.splice(0)) resolve();
  }

  private updatePressure(): void {
    const isPressed = this.unstoredCount >= (this.isPaused ? resumeBelowCount : pauseAtCount);
    if (isPressed === this.isPaused || this.isDisposed) return;
    this.isPaused = isPressed;
    this.options.onPressure(isPressed);
  }
}
