/**
 * Requests and responses over any transport: ids, pipelining, data that belongs to a request, asynchronous documents,
 * deadlines, keep-alive (docs/XIMSS.md 1.1, 1.2). Requests wait in a bounded queue and leave together, one write per
 * turn of the event loop. It does not reconnect and knows no operation but `noop`.
 *
 * How a request can end: its response; `refused` by the response; `unavailable`, it was never written; `timeout` or
 * `unavailable`, it was written but doing it twice is harmless; `unknown-outcome`, it was written and may have been done.
 */
import { Fault } from '../../core/fault';
import { attr, el, withId, type Element } from '../wire/element';
import type { Dialect } from '../protocol/dialect';
import { lossOf, refusalOf, type Dialogue, type Effect, type Operation } from '../protocol/request';
import type { Transport } from '../wire/transport';
import type { Ticker } from './ticker';

export interface SessionEvents {
  /** A document without id. Must return at once; a promise settles when what it says is safe. */
  onAsync(document: Element, place?: string): Promise<void> | undefined;
  /** Something odd that was ignored: a response nobody asked for, data for no request, an unreadable document. */
  onOddity(kind: 'unasked-response' | 'unasked-data' | 'unreadable', fault: Fault | null): void;
  /** Nothing gets through for now (why), or again (null); requests that are under way wait. */
  onTrouble(fault: Fault | null): void;
  /** The end of the session, once, after every request has been settled. */
  onEnd(fault: Fault): void;
}

export interface SessionSettings {
  readonly keepAliveMs: number;
  readonly requestTimeoutMs: number;
  readonly dialect: Pick<Dialect, 'errorBy'>;
  /** ms on a clock that never jumps */
  monotonic(): number;
  /** counts documents read and written */
  onTraffic(dir: 'in' | 'out', count: number): void;
  /** calls `tick` while the session has a wire */
  readonly ticker: Pick<Ticker, 'add' | 'remove'>;
}

const windowCount = 128;
const busyQueueCount = 64;
const queueLimitCount = 4096;
const dataLimitCount = 50_000;
/** Unreadable documents in a row after which the connection is given up. */
const unreadableLimitCount = 16;
const lastId = 1_000_000;

interface Pending {
  readonly request: Element;
  readonly effect: Effect;
  readonly deadlineAt: number;
  readonly resolve: (data: readonly Element[]) => void;
  readonly reject: (fault: Fault) => void;
  readonly dialogue: Dialogue | null;
  readonly dataMax: number;
  data: Element[] | null;
}

const noData: readonly Element[] = Object.freeze([]);

export class Session {
  private transport: Transport | null = null;
  private nextId = 1;
  private queue: Pending[] = [];
  private readonly written = new Map<string, Pending>();
  private isFlushing = false;
  private lastSentAt: number;
  private unreadableCount = 0;
  private ended: Fault | null = null;
  private isPaused = false;
  private graceUntil = 0;

  constructor(
    private readonly settings: SessionSettings,
    private events: SessionEvents,
  ) {
    this.lastSentAt = settings.monotonic();
  }

  /** Gives the session its wire, whose listener it must be. Throws why not, and ends the wire, when the session has ended. */
  attach(transport: Transport): void {
    if (this.ended !== null) {
      transport.destroy(this.ended);
      throw this.ended;
    }
    this.transport = transport;
    this.settings.ticker.add(this);
  }

  /** From now on the session's events are another's. */
  handOver(events: SessionEvents): void {
    this.events = events;
  }

  /** True when much waits to be written: no time for what is now or never. */
  get isBusy(): boolean {
    return this.queue.length >= busyQueueCount;
  }

  get isEncrypted(): boolean {
    return this.transport?.isEncrypted ?? false;
  }

  get isEnded(): boolean {
    return this.ended !== null;
  }

  /** Runs an operation; rejects as the head of this file says. */
  async perform<R>(operation: Operation<R>): Promise<R> {
    const { request, effect, dataMax } = operation;
    return operation.parse(await this.request(request, effect, null, dataMax));
  }

  /**
   * Sends a request and resolves with its data documents, in order. Rejects `unavailable` at once when the queue is full,
   * else as the head of this file says.
   */
  request(
    request: Element,
    effect: Effect,
    dialogue: Dialogue | null = null,
    dataMax = Infinity,
  ): Promise<readonly Element[]> {
    return new Promise((resolve, reject) => {
      if (this.ended !== null) return reject(new Fault('unavailable', { cause: this.ended }));
      if (this.queue.length >= queueLimitCount) return reject(new Fault('unavailable', { cause: 'queue is full' }));
      const deadlineAt = this.settings.monotonic() + this.settings.requestTimeoutMs;
      this.queue.push({ request, effect, deadlineAt, resolve, reject, dialogue, dataMax, data: null });
      this.flushSoon();
    });
  }

  /** Sends one more document of a dialogue that is under way, with the id of its request (`auth`). */
  continue(request: Element, dialogue: Dialogue): void {
    for (const [id, pending] of this.written) {
      if (pending.dialogue === dialogue) this.transport?.send([withId(request, id)]);
    }
  }

  /** Called about every second: ends what is overdue, keeps the connection alive. Never throws. */
  tick(): void {
    if (this.ended !== null || this.isPaused) return;
    const now = this.settings.monotonic();
    if (now < this.graceUntil) return;
    const [oldest] = this.written.values();
    // while the wire repeats by itself it is not writable; when it is, an answer has come without this one in it
    const mayBeLate = this.transport?.repeatsAreSafe === true && !this.transport.isWritable();
    if (oldest !== undefined && oldest.deadlineAt <= now && !mayBeLate) {
      return this.destroy(new Fault('timeout'));
    }
    while (this.queue[0] !== undefined && this.queue[0].deadlineAt <= now) {
      this.queue.shift()?.reject(new Fault('unavailable', { cause: 'not written in time' }));
    }
    const isIdle = this.written.size === 0 && this.queue.length === 0;
    if (isIdle && now - this.lastSentAt >= this.settings.keepAliveMs) this.confirm();
  }

  /** Asks whether the other end is still there; an answer that does not come ends the session by its deadline. */
  confirm(): void {
    if (this.ended !== null || this.isPaused) return;
    this.transport?.retryNow();
    this.request(el('noop'), 'repeatable').catch(() => undefined);
  }

  /** Stops and starts reading; while it rests, no deadline runs: the answers may be waiting. */
  pause(): void {
    this.isPaused = this.transport?.repeatsAreSafe !== true;
    this.transport?.pause();
  }

  resume(): void {
    this.isPaused = false;
    this.graceUntil = this.settings.monotonic() + this.settings.requestTimeoutMs;
    this.transport?.resume();
  }

  /** Fails everything that is under way and ends the transport; idempotent. */
  destroy(fault: Fault): void {
    if (this.ended !== null) return;
    if (this.transport === null) this.finish(fault, false);
    else this.transport.destroy(fault);
  }

  // ---- the transport's events

  onDocument(document: Element, place?: string): Promise<void> | undefined {
    if (this.ended !== null) return undefined;
    this.unreadableCount = 0;
    this.settings.onTraffic('in', 1);
    try {
      return this.read(document, place);
    } catch (error) {
      this.destroy(new Fault('internal', { cause: error })); // a mistake of ours costs this session, not all of them
      return undefined;
    }
  }

  private read(document: Element, place: string | undefined): Promise<void> | undefined {
    const id = attr(document, 'id');
    if (document.name === 'response') return void this.onResponse(document, id);
    if (id === null) return this.isForDialogue(document) ? undefined : this.events.onAsync(document, place);
    const pending = this.written.get(id);
    if (pending === undefined) return void this.events.onOddity('unasked-data', null);
    if (pending.dialogue?.onData(document) === true) return undefined;
    pending.data ??= [];
    if (pending.data.length >= pending.dataMax) return undefined;
    pending.data.push(document);
    if (pending.data.length > dataLimitCount) this.destroy(new Fault('xml-limit', { cause: 'data for one request' }));
    return undefined;
  }

  /** A `session` without id (2.4) belongs to the login that is under way; a login is the only thing under way then. */
  private isForDialogue(document: Element): boolean {
    if (this.written.size !== 1) return false;
    const [pending] = this.written.values();
    return pending?.dialogue?.onData(document) === true;
  }

  onUnreadable(fault: Fault): void {
    if (this.ended !== null) return;
    this.events.onOddity('unreadable', fault);
    this.unreadableCount += 1;
    if (this.unreadableCount >= unreadableLimitCount) this.destroy(fault);
  }

  onWritable(): void {
    this.flushSoon();
  }

  onTrouble(fault: Fault | null): void {
    if (this.ended === null) this.events.onTrouble(fault);
  }

  onClose(fault: Fault, isUncertain: boolean): void {
    this.finish(fault, isUncertain);
  }

  // ---- inside

  private onResponse(response: Element, id: string | null): void {
    const pending = id === null ? undefined : this.written.get(id);
    if (id === null || pending === undefined) return this.events.onOddity('unasked-response', null);
    const refusal = refusalOf(response, this.settings.dialect);
    if (refusal === null && pending.dialogue?.isComplete() === false) return;
    this.written.delete(id);
    if (refusal === null) pending.resolve(pending.data ?? noData);
    else pending.reject(refusal);
    if (this.queue.length > 0) this.flushSoon();
  }

  private flushSoon(): void {
    if (this.isFlushing || this.queue.length === 0) return;
    this.isFlushing = true;
    setImmediate(this.flush);
  }

  private readonly flush = (): void => {
    this.isFlushing = false;
    const { transport } = this;
    if (this.ended !== null || transport === null || !transport.isWritable()) return;
    const count = Math.min(this.queue.length, windowCount - this.written.size);
    if (count <= 0) return;
    const leaving = this.queue.splice(0, count);
    const documents = leaving.map((pending) => {
      const id = this.takeId();
      this.written.set(id, pending);
      return withId(pending.request, id);
    });
    this.lastSentAt = this.settings.monotonic();
    this.settings.onTraffic('out', count);
    try {
      transport.send(documents);
    } catch (error) {
      return this.destroy(new Fault('internal', { cause: error }));
    }
    this.flushSoon();
  };

  private takeId(): string {
    for (;;) {
      const id = String(this.nextId);
      this.nextId = this.nextId >= lastId ? 1 : this.nextId + 1;
      if (!this.written.has(id)) return id;
    }
  }

  private finish(fault: Fault, isUncertain: boolean): void {
    if (this.ended !== null) return;
    this.ended = fault;
    this.settings.ticker.remove(this);
    const { queue } = this;
    const written = [...this.written.values()];
    this.queue = [];
    this.written.clear();
    for (const pending of written) pending.reject(lossOf(pending.effect, fault, isUncertain));
    for (const pending of queue) pending.reject(new Fault('unavailable', { cause: fault }));
    this.events.onEnd(fault);
  }
}
