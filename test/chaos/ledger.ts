/**
 * The book of a chaos run: what was sent on each lane, what came of it, and when things were broken. Judged at the end:
 * each message was delivered once in order, or bounced once to its sender; nothing was both. What falls into a window
 * (windows.ts) is counted apart, by the kind of blow that opened it.
 */
import { mayLose, mayRepeat, type Harm, type Setting, type Struck, type Trail, type Way } from './windows';

export type { Way } from './windows';

interface Fate extends Trail {
  readonly lane: string;
  readonly seq: number;
  pushedMs: number | null;
  storedMs: number | null;
  settledMs: number | null;
  arrivedMs: number | null;
  bouncedMs: number | null;
  /** arrivals by the id they carried: a repeat with one id is one message to its reader */
  readonly arrivals: Map<string, number>;
  bounces: number;
}

/** What fell into the windows of one kind of blow. */
export interface WindowCounts {
  readonly blow: string;
  readonly struck: number;
  lostToFar: number;
  lostToJabber: number;
  repeated: number;
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
  /** delivered and bounced, or bounced more than once */
  readonly both: number;
  readonly lostInWindow: number;
  readonly doubledInWindow: number;
  /** each kind of blow that was struck */
  readonly windows: readonly WindowCounts[];
  readonly examples: readonly string[];
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

const examplesMax = 30;
/** A bridge finds out that Redis is back, and stores what it has kept. */
const catchUpMs = 4_000;

export class Ledger {
  private readonly fates = new Map<string, Fate>();
  private readonly order = new Map<string, number[]>();
  private readonly blows: Writable<Struck>[] = [];
  private readonly outages: { readonly fromMs: number; toMs: number }[] = [];
  private openCount = 0;

  constructor(private readonly setting: Setting) {}

  sent(way: Way, link: number, peer: number, seq: number): string {
    const lane = `u${link}-p${peer}`;
    const text = `${way} ${lane} ${seq}`;
    const unknown = { pushedMs: null, storedMs: null, settledMs: null, arrivedMs: null, bouncedMs: null };
    this.fates.set(text, { way, lane, link, seq, sentMs: now(), ...unknown, arrivals: new Map(), bounces: 0 });
    this.openCount += 1;
    return text;
  }

  /** The sender could not send it at all. */
  unsent(text: string): void {
    if (this.fates.delete(text)) this.openCount -= 1;
  }

  arrived(text: string, id: string): void {
    const fate = this.fates.get(text);
    if (!fate) return;
    if (fate.arrivals.size === 0) {
      const key = `${fate.way} ${fate.lane}`;
      const seqs = this.order.get(key);
      if (seqs) seqs.push(fate.seq);
      else this.order.set(key, [fate.seq]);
      fate.arrivedMs = now();
      if (fate.bounces === 0) this.openCount -= 1;
    }
    fate.arrivals.set(id, (fate.arrivals.get(id) ?? 0) + 1);
  }

  bounced(text: string): void {
    const fate = this.fates.get(text);
    if (!fate) return;
    if (fate.bounces === 0 && fate.arrivals.size === 0) this.openCount -= 1;
    fate.bounces += 1;
    fate.bouncedMs ??= now();
  }

  /** The far server wrote it to the bridge. */
  pushed(text: string): void {
    const fate = this.fates.get(text);
    if (fate) fate.pushedMs = now();
  }

  /** Redis took it. */
  stored(text: string): void {
    const fate = this.fates.get(text);
    if (fate) fate.storedMs ??= now();
  }

  /** The bridge said that it had left its lane. */
  settled(text: string): void {
    const fate = this.fates.get(text);
    if (fate) fate.settledMs = now();
  }

  /** Something is being broken; the function returned says that nothing more is lost by it. */
  blow(name: string, harm: Harm, link: number | null = null): () => void {
    const fromMs = now();
    const late = this.outages.filter(({ toMs }) => toMs >= fromMs - catchUpMs);
    const keptSinceMs = Math.min(fromMs, ...late.map((outage) => outage.fromMs));
    const blow = { name, harm, link, fromMs, toMs: Infinity, keptSinceMs };
    this.blows.push(blow);
    return () => void (blow.toMs = Math.min(blow.toMs, now()));
  }

  /** Redis takes nothing from now on; the function returned says that it does again. */
  storeAway(): () => void {
    const outage = { fromMs: now(), toMs: Infinity };
    this.outages.push(outage);
    return () => void (outage.toMs = now());
  }

  /** how many messages have no end yet */
  open(): number {
    return this.openCount;
  }

  judge(): Verdict {
    const counts = { delivered: 0, bounced: 0, repeated: 0, lost: 0, doubled: 0, both: 0 };
    const inWindow = { lostInWindow: 0, doubledInWindow: 0 };
    const windows = new Map<string, WindowCounts>();
    for (const { name } of this.blows) {
      const before = windows.get(name)?.struck ?? 0;
      windows.set(name, { blow: name, struck: before + 1, lostToFar: 0, lostToJabber: 0, repeated: 0 });
    }
    const examples: string[] = [];
    const blame = (what: string, text: string, fate?: Fate): void => {
      if (examples.length < examplesMax) examples.push(`${what}: ${text}${fate ? this.story(fate) : ''}`);
    };
    for (const [text, fate] of this.fates) {
      const arrivals = [...fate.arrivals.values()].reduce((sum, count) => sum + count, 0);
      const copies = fate.way === 'toFar' ? arrivals : fate.arrivals.size;
      counts.repeated += arrivals - copies;
      if (copies > 0) counts.delivered += 1;
      if (fate.bounces > 0) counts.bounced += 1;
      if (copies === 0 && fate.bounces === 0) {
        const window = windows.get(this.blows.find((blow) => mayLose(fate, blow, this.setting))?.name ?? '');
        if (window === undefined) {
          counts.lost += 1;
          blame('lost', text, fate);
        } else {
          inWindow.lostInWindow += 1;
          window[fate.way === 'toFar' ? 'lostToFar' : 'lostToJabber'] += 1;
        }
      } else if (copies + fate.bounces > 1) {
        const window = windows.get(this.blows.find((blow) => mayRepeat(fate, blow, this.setting))?.name ?? '');
        if (window === undefined) {
          counts[fate.bounces > 0 ? 'both' : 'doubled'] += 1;
          blame(`arrived ${copies} times, bounced ${fate.bounces} times`, text, fate);
        } else {
          inWindow.doubledInWindow += 1;
          window.repeated += 1;
        }
      }
    }
    const reordered = [...this.order].reduce((sum, [lane, seqs]) => {
      const late = seqs.filter((seq, i) => i > 0 && seq < (seqs[i - 1] ?? 0));
      if (late.length > 0) blame('out of order', `${lane}: ${late.slice(0, 5).join(', ')}`);
      return sum + late.length;
    }, 0);
    return { sent: this.fates.size, ...counts, reordered, ...inWindow, windows: [...windows.values()], examples };
  }

  /** When it was where, and what was broken just then. */
  private story(fate: Fate): string {
    const { sentMs, pushedMs, storedMs, settledMs, arrivedMs } = fate;
    const times = Object.entries({ sentMs, pushedMs, storedMs, settledMs, arrivedMs })
      .filter(([, atMs]) => atMs !== null)
      .map(([what, atMs]) => `${what.slice(0, -2)} ${seconds(atMs ?? 0)}`);
    const last = Math.max(sentMs, pushedMs ?? 0, storedMs ?? 0, settledMs ?? 0, arrivedMs ?? 0);
    const blows = this.blows
      .filter(({ fromMs, toMs }) => toMs >= sentMs - 5_000 && fromMs <= last + 10_000)
      .map(({ name, fromMs, toMs }) => `${name} ${seconds(fromMs)} to ${seconds(toMs)}`);
    return ` (${times.join(', ')}; ${blows.join(', ')})`;
  }
}

const now = (): number => performance.now();
const seconds = (ms: number): string => (ms / 1_000).toFixed(3);
