/** One timer for all sessions: thousands of them look at their deadlines in one round instead of owning timers. */
import type { Clock } from '../../bridge/ports';

export interface TickerMember {
  /** Must return at once and not throw. */
  tick(): void;
}

export class Ticker {
  private readonly members = new Set<TickerMember>();
  private stopper: AbortController | null = null;

  constructor(
    private readonly clock: Pick<Clock, 'sleep'>,
    private readonly periodMs: number,
  ) {}

  /** Ticks the member until it is removed; the timer runs only while there are members. */
  add(member: TickerMember): void {
    this.members.add(member);
    if (this.stopper !== null) return;
    this.stopper = new AbortController();
    void this.run(this.stopper.signal);
  }

  remove(member: TickerMember): void {
    this.members.delete(member);
    if (this.members.size > 0) return;
    this.stopper?.abort();
    this.stopper = null;
  }

  private async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.clock.sleep(this.periodMs, signal);
      } catch {
        return;
      }
      if (signal.aborted) return;
      for (const member of [...this.members]) member.tick();
    }
  }
}
