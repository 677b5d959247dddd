/**
 * What became of each message of a chaos run: what was sent on each lane, what came of it, and when things were broken. Summed up at the end:
 * each message was delivered once in order, or bounced once to its sender; nothing was both. What falls into a window
 * (windows.ts) is counted apart, by the kind of fault that opened it.
 */
import {
  heldMs,
  mayBeSentAgain,
  mayLose,
  mayRepeat,
  type Harm,
  type Setting,
  type FaultWindow,
  type MessageTimes,
  type Way,
} from './windows';

export type { Way } from './windows';

interface TrackedMessage extends MessageTimes {
  readonly lane: string;
  readonly seq: number;
  pushedMs: number | null;
  storedMs: number | null;
  settledMs: number | null;
  arrivedMs: number | null;
  bouncedMs: number | null;
  droppedMs: number | null;
  /** arrivals by the id they carried: a repeat with one id is one message to its reader */
  readonly arrivals: Map<string, number>;
  bounces: number;
}

/** What fell into the windows of one kind of fault. */
export interface WindowCounts {
  readonly fault: string;
  readonly injected: number;
  lostToFar: number;
  lostToJabber: number;
  doubled: number;
  /** arrivals at Jabber users beyond the first, with the same id */
  repeated: number;
  /** the most of these by one of the faults */
  repeatedMost: number;
}

export interface Summary {
  readonly sent: number;
  readonly delivered: number;
  readonly bounced: number;
  /** arrivals beyond the first that carried the same id, which most clients show twice all the same */
  readonly repeated: number;
  /** those of them that no fault excuses */
  readonly repeatedNeedlessly: number;
  readonly lost: number;
  readonly doubled: number;
  readonly reordered: number;
  /** delivered and bounced, or bounced more than once */
  readonly both: number;
  readonly lostInWindow: number;
  readonly doubledInWindow: number;
  /** each kind of fault that was injected */
  readonly windows: readonly WindowCounts[];
  readonly examples: readonly string[];
}

const unknown = {
  pushedMs: null,
  storedMs: null,
  settledMs: null,
  arrivedMs: null,
  bouncedMs: null,
  droppedMs: null,
};

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** of each kind of mistake */
const examplesMax = 15;
/** A bridge finds out that Redis is back, and stores what it has kept. */
const catchUpMs = 4_000;

export class MessageTracker {
  private readonly messages = new Map<string, TrackedMessage>();
  private readonly order = new Map<string, number[]>();
  private readonly faults: Writable<FaultWindow>[] = [];
  private readonly outages: { readonly fromMs: number; toMs: number }[] = [];
  private openCount = 0;

  constructor(private readonly setting: Setting) {}

  sent(way: Way, link: number, peer: number, seq: number): string {
    const lane = `u${link}-p${peer}`;
    const text = `${way} ${lane} ${seq}`;
    this.messages.set(text, { way, lane, link, seq, sentMs: now(), ...unknown, arrivals: new Map(), bounces: 0 });
    this.openCount += 1;
    return text;
  }

  /** The sender could not send it at all. */
  unsent(text: string): void {
    if (this.messages.delete(text)) this.openCount -= 1;
  }

  arrived(text: string, id: string): void {
    const message = this.messages.get(text);
    if (!message) return;
    if (message.arrivals.size === 0) {
      const key = `${message.way} ${message.lane}`;
      const seqs = this.order.get(key);
      if (seqs) seqs.push(message.seq);
      else this.order.set(key, [message.seq]);
      message.arrivedMs = now();
      if (message.bounces === 0) this.openCount -= 1;
    }
    message.arrivals.set(id, (message.arrivals.get(id) ?? 0) + 1);
  }

  bounced(text: string): void {
    const message = this.messages.get(text);
    if (!message) return;
    if (message.bounces === 0 && message.arrivals.size === 0) this.openCount -= 1;
    message.bounces += 1;
    message.bouncedMs ??= now();
  }

  /** The far server wrote it to the bridge. */
  pushed(text: string): void {
    const message = this.messages.get(text);
    if (message) message.pushedMs = now();
  }

  /** The far server is about to end the session that holds it. */
  dropped(text: string): void {
    const message = this.messages.get(text);
    if (message) message.droppedMs = now();
  }

  /** Redis took it. */
  stored(text: string): void {
    const message = this.messages.get(text);
    if (message) message.storedMs ??= now();
  }

  /** The bridge said that it had left its lane. */
  settled(text: string): void {
    const message = this.messages.get(text);
    if (message) message.settledMs = now();
  }

  /** Something is being broken; the function returned says that nothing more is lost by it. */
  faultBegins(name: string, harm: Harm, link: number | null = null): () => void {
    const fromMs = now();
    // one outage after the other, with too little time between them to store what was kept
    const keptSinceMs = this.outages.reduceRight(
      (sinceMs, outage) => (outage.toMs >= sinceMs - catchUpMs ? Math.min(sinceMs, outage.fromMs) : sinceMs),
      harm === 'server' && this.setting.isHeld ? fromMs - heldMs : fromMs,
    );
    const unanswered = this.faults.filter((one) => one.harm === 'far' && one.toMs >= fromMs - catchUpMs);
    const unansweredSinceMs = Math.min(fromMs, ...unanswered.map((one) => one.fromMs));
    const fault = { name, harm, link, fromMs, toMs: Infinity, keptSinceMs, unansweredSinceMs };
    this.faults.push(fault);
    return () => void (fault.toMs = Math.min(fault.toMs, now()));
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

  summary(): Summary {
    const counts = { delivered: 0, bounced: 0, repeated: 0, repeatedNeedlessly: 0, lost: 0, doubled: 0, both: 0 };
    const inWindow = { lostInWindow: 0, doubledInWindow: 0 };
    const windows = new Map<string, WindowCounts>();
    for (const { name } of this.faults) {
      const before = windows.get(name)?.injected ?? 0;
      const none = { lostToFar: 0, lostToJabber: 0, doubled: 0, repeated: 0, repeatedMost: 0 };
      windows.set(name, { fault: name, injected: before + 1, ...none });
    }
    const repeatedBy = new Map<FaultWindow, number>();
    const examples: string[] = [];
    const exampleCounts = new Map<string, number>();
    const addExample = (what: string, text: string, message?: TrackedMessage): void => {
      const kind = what.replace(/\d+/g, 'n');
      const count = (exampleCounts.get(kind) ?? 0) + 1;
      exampleCounts.set(kind, count);
      if (count <= examplesMax) examples.push(`${what}: ${text}${message ? this.times(message) : ''}`);
    };
    for (const [text, message] of this.messages) {
      const arrivals = [...message.arrivals.values()].reduce((sum, count) => sum + count, 0);
      const copies = message.way === 'toFar' ? arrivals : message.arrivals.size;
      if (arrivals > copies) {
        counts.repeated += arrivals - copies;
        const fault = this.faults.find((one) => mayBeSentAgain(message, one, this.setting));
        if (fault !== undefined) repeatedBy.set(fault, (repeatedBy.get(fault) ?? 0) + arrivals - copies);
        else {
          counts.repeatedNeedlessly += arrivals - copies;
          addExample(`sent again ${arrivals - copies} times with the same id`, text, message);
        }
      }
      if (copies > 0) counts.delivered += 1;
      if (message.bounces > 0) counts.bounced += 1;
      if (copies === 0 && message.bounces === 0) {
        const window = windows.get(this.faults.find((fault) => mayLose(message, fault, this.setting))?.name ?? '');
        if (window === undefined) {
          counts.lost += 1;
          addExample('lost', text, message);
        } else {
          inWindow.lostInWindow += 1;
          window[message.way === 'toFar' ? 'lostToFar' : 'lostToJabber'] += 1;
        }
      } else if (copies + message.bounces > 1) {
        const window = windows.get(this.faults.find((fault) => mayRepeat(message, fault, this.setting))?.name ?? '');
        if (window === undefined) {
          counts[message.bounces > 0 ? 'both' : 'doubled'] += 1;
          addExample(`arrived ${copies} times, bounced ${message.bounces} times`, text, message);
        } else {
          inWindow.doubledInWindow += 1;
          window.doubled += 1;
        }
      }
    }
    for (const [{ name }, count] of repeatedBy) {
      const window = windows.get(name);
      if (window === undefined) continue;
      window.repeated += count;
      window.repeatedMost = Math.max(window.repeatedMost, count);
    }
    const reordered = [...this.order].reduce((sum, [lane, seqs]) => {
      const late = seqs.filter((seq, i) => i > 0 && seq < (seqs[i - 1] ?? 0));
      if (late.length > 0) addExample('out of order', `${lane}: ${late.slice(0, 5).join(', ')}`);
      return sum + late.length;
    }, 0);
    return { sent: this.messages.size, ...counts, reordered, ...inWindow, windows: [...windows.values()], examples };
  }

  /** When it was where, and what was broken just then. */
  private times(message: TrackedMessage): string {
    const { sentMs, pushedMs, droppedMs, storedMs, settledMs, arrivedMs, bouncedMs } = message;
    const times = Object.entries({ sentMs, pushedMs, droppedMs, storedMs, settledMs, arrivedMs, bouncedMs })
      .filter(([, atMs]) => atMs !== null)
      .map(([what, atMs]) => `${what.slice(0, -2)} ${seconds(atMs ?? 0)}`);
    const last = Math.max(sentMs, pushedMs ?? 0, storedMs ?? 0, settledMs ?? 0, arrivedMs ?? 0, bouncedMs ?? 0);
    const faults = this.faults
      .filter(({ fromMs, toMs }) => toMs >= last - 10_000 && fromMs <= last + 10_000)
      .map(({ name, fromMs, toMs }) => `${name} ${seconds(fromMs)} to ${seconds(toMs)}`);
    return ` (${times.join(', ')}; ${faults.join(', ')})`;
  }
}

const now = (): number => performance.now();
const seconds = (ms: number): string => (ms / 1_000).toFixed(3);
