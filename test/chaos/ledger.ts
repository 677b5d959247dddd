/**
 * The book of a chaos run: what was sent on each lane, what came of it, and when things were broken. Judged at the end:
 * each message was delivered once in order, or bounced once to its sender; nothing was both. What the README names as a
 * window (bytes in a socket when a process is killed, a request whose answer was lost) is counted apart.
 */
export type Way = 'toFar' | 'toJabber';

/** Something was broken from one time to another; `what` decides which windows it opens. */
export interface Blow {
  readonly what: 'bridge' | 'xmpp' | 'far' | 'redis';
  readonly fromMs: number;
  toMs: number;
}

interface Fate {
  readonly way: Way;
  readonly lane: string;
  readonly seq: number;
  readonly sentMs: number;
  /** when the far server last wrote it to the bridge's connection */
  pushedMs: number;
  /** arrivals by the id they carried: a repeat with one id is one message to its reader */
  readonly arrivals: Map<string, number>;
  bounces: number;
}

export interface Verdict {
  readonly sent: number;
  readonly delivered: number;
  readonly bounced: number;
  /** arrivals beyond the first that carried the same id: clients recognise them */
  readonly repeated: number;
  readonly lost: number;
  readonly doubled: number;
  readonly reordered: number;
  /** delivered and bounced */
  readonly both: number;
  readonly lostInWindow: number;
  readonly doubledInWindow: number;
  readonly examples: readonly string[];
}

/** Bytes under way: what was sent or pushed so long before a blow, or during it, may be in no one's hands. */
const beforeMs = 3_000;
/** What was broken may still carry something for a moment after it was mended. */
const afterMs = 500;

export class Ledger {
  private readonly fates = new Map<string, Fate>();
  private readonly order = new Map<string, number[]>();
  private readonly blows: Blow[] = [];

  sent(way: Way, lane: string, seq: number): string {
    const text = `${way} ${lane} ${seq}`;
    const sentMs = Date.now();
    this.fates.set(text, { way, lane, seq, sentMs, pushedMs: sentMs, arrivals: new Map(), bounces: 0 });
    return text;
  }

  arrived(text: string, id: string): void {
    const fate = this.fates.get(text);
    if (!fate) return;
    if (fate.arrivals.size === 0) {
      const key = `${fate.way} ${fate.lane}`;
      this.order.set(key, [...(this.order.get(key) ?? []), fate.seq]);
    }
    fate.arrivals.set(id, (fate.arrivals.get(id) ?? 0) + 1);
  }

  bounced(text: string): void {
    const fate = this.fates.get(text);
    if (fate) fate.bounces += 1;
  }

  pushed(text: string): void {
    const fate = this.fates.get(text);
    if (fate) fate.pushedMs = Date.now();
  }

  /** Something is being broken; the function returned says that it is mended. */
  blow(what: Blow['what']): () => void {
    const blow: Blow = { what, fromMs: Date.now(), toMs: Date.now() };
    this.blows.push(blow);
    return () => (blow.toMs = Date.now());
  }

  /** how many messages have no end yet */
  open(): number {
    return [...this.fates.values()].filter((fate) => fate.arrivals.size === 0 && fate.bounces === 0).length;
  }

  judge(): Verdict {
    const counts = {
      delivered: 0,
      bounced: 0,
      repeated: 0,
      lost: 0,
      doubled: 0,
      both: 0,
      lostInWindow: 0,
      doubledInWindow: 0,
    };
    const examples: string[] = [];
    const blame = (what: string, text: string): void => {
      if (examples.length < 20) examples.push(`${what}: ${text}`);
    };
    for (const [text, fate] of this.fates) {
      const arrivals = [...fate.arrivals.values()].reduce((sum, count) => sum + count, 0);
      const copies = fate.way === 'toFar' ? arrivals : fate.arrivals.size;
      counts.repeated += arrivals - copies;
      if (copies > 0) counts.delivered += 1;
      if (fate.bounces > 0) counts.bounced += 1;
      if (copies > 0 && fate.bounces > 0) {
        counts.both += 1;
        blame('delivered and bounced', text);
      }
      if (copies === 0 && fate.bounces === 0) {
        if (this.isNear(fate)) counts.lostInWindow += 1;
        else {
          counts.lost += 1;
          blame('lost', text);
        }
      }
      if (copies > 1) {
        if (this.isRepeatable(fate)) counts.doubledInWindow += 1;
        else {
          counts.doubled += 1;
          blame('doubled', text);
        }
      }
    }
    const reordered = [...this.order].reduce((sum, [lane, seqs]) => {
      const late = seqs.filter((seq, i) => i > 0 && seq < (seqs[i - 1] ?? 0));
      if (late.length > 0) blame('out of order', `${lane}: ${late.slice(0, 5).join(', ')}`);
      return sum + late.length;
    }, 0);
    return { sent: this.fates.size, ...counts, reordered, examples };
  }

  /** Was it in a socket when one of its ends was killed? Redis is not such an end: what it confirmed it has. */
  private isNear({ way, sentMs, pushedMs }: Fate): boolean {
    const at = way === 'toFar' ? sentMs : pushedMs;
    return this.blows.some(({ fromMs, toMs, what }) => {
      if (what === 'redis' || (what === 'far' && way === 'toFar')) return false;
      return at >= fromMs - beforeMs && at <= toMs + afterMs;
    });
  }

  /** May its outcome have been lost (a request written, the connection gone before the answer)? */
  private isRepeatable({ sentMs }: Fate): boolean {
    return this.blows.some(({ toMs }) => toMs >= sentMs - afterMs);
  }
}
