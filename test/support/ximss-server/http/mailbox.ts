/**
 * Asynchronous messages of one HTTP session on their way to the client: queue, numbered answers kept until acknowledged, one
 * waiting get. docs/XIMSS.md 3.2, rules 1-5. Bounded: a client that never fetches loses its session.
 */
import { el, type El } from '../xml';

const maxQueued = 20_000;
const maxPerAnswer = 500;

interface Waiter {
  /** null: the session is dead. */
  give(root: El | null): void;
}

export class Mailbox {
  private queue: El[] = [];
  /** Number of the last non-empty answer. */
  private seq = 0;
  private kept: El | null = null;
  private waiter: Waiter | null = null;
  private isClosed = false;
  private isScheduled = false;

  constructor(private readonly onFull: () => void) {}

  put(message: El): void {
    if (this.isClosed) return;
    this.queue.push(message);
    if (this.queue.length > maxQueued) return this.onFull();
    if (this.waiter === null || this.isScheduled) return;
    // What happens in one turn of the event loop travels in one answer.
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      if (this.queue.length > 0) this.waiter?.give(this.answer());
    });
  }

  /** Whether an ackSeq is one a client may send now. */
  accepts(ack: number): boolean {
    return ack === this.seq || (this.kept !== null && ack === this.seq - 1);
  }

  /** Everything not sent yet; it will not be sent again. */
  takeAll(): El[] {
    return this.queue.splice(0);
  }

  /** What the client has not acknowledged, in order. */
  held(): El[] {
    const kept = this.kept?.children.filter((child) => typeof child !== 'string') ?? [];
    return [...kept, ...this.queue];
  }

  /** Answers a get: kept answer again, or what is queued, or what comes within `waitMs`, or an empty one. */
  fetch(ack: number | null, waitMs: number, onGone: (step: () => void) => void): Promise<El | null> {
    this.waiter?.give(el('XIMSS'));
    if (ack === null || ack === this.seq) this.kept = null;
    if (this.kept !== null) return Promise.resolve(this.kept);
    if (this.queue.length > 0) return Promise.resolve(this.answer());
    if (this.isClosed) return Promise.resolve(null);
    return new Promise((resolve) => {
      const waiter: Waiter = {
        give: (root) => {
          clearTimeout(timer);
          if (this.waiter === waiter) this.waiter = null;
          resolve(root);
        },
      };
      const timer = setTimeout(() => waiter.give(el('XIMSS')), waitMs);
      this.waiter = waiter;
      onGone(() => waiter.give(el('XIMSS')));
    });
  }

  /** The session is over: a waiting get learns the last messages, or that it is dead. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.waiter?.give(this.queue.length > 0 ? this.answer() : null);
  }

  private answer(): El {
    this.seq++;
    this.kept = el('XIMSS', { respSeq: String(this.seq) }, ...this.queue.splice(0, maxPerAnswer));
    return this.kept;
  }
}
