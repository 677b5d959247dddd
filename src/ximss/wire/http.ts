/**
 * XIMSS over HTTP once logged in (docs/XIMSS.md 3.2): numbered POSTs one at a time, one waiting GET, acknowledgements.
 *
 * A POST keeps its number and body however often it is repeated, so a lost answer costs nothing: the server has kept it.
 * `ackSeq` moves only when the listener has promised that what was in the answer is safe; an answer that comes again is
 * dropped. 550 means that the session is gone; anything else that fails is tried again with growing pauses, as long as
 * the server would keep the session. It does not log in; that is http-login.ts.
 */
import { Fault, toFault } from '../../core/fault';
import { backoffMs } from '../../core/retry';
import type { Clock } from '../../bridge/ports';
import type { Codec } from './codec';
import { withDeadline } from '../../core/async';
import type { HttpSessionRecord } from './http-session-record';
import { attr, childrenOf, serialise, type Element } from './element';
import { BadAnswer, Failures, gone, lostStatus, mayHaveArrived, readRoot, sequenceOf } from './http-answer';
import type { Exchange, HttpRequest } from './http-client';
import { killSession, pathOf, placeOf } from './http-urls';
import type { Transport, TransportEvents } from './transport';

export interface HttpSessionSettings {
  readonly exchange: Exchange;
  readonly codec: Codec;
  readonly clock: Pick<Clock, 'sleep' | 'dice' | 'monotonic'>;
  /** the session's id (2.4) */
  readonly urlId: string;
  /** `name=value`, null when the server gave none yet */
  readonly cookie: string | null;
  readonly isEncrypted: boolean;
  readonly requestTimeoutMs: number;
  /** what is noted of the session; nothing when left out */
  readonly record?: Pick<HttpSessionRecord, 'requested' | 'acknowledged'> | null;
}

/** How long a GET may wait for something to happen, in seconds (3.2: clients use 15-90). */
const maxWaitSeconds = 30;
const pauses = { baseMs: 200, capMs: 15_000 };
/** A get that brought nothing and took less than this was no waiting. */
const idleGetMs = 1_000;
const lastGetMs = 1_000;

export class HttpTransport implements Transport {
  readonly repeatsAreSafe = true;
  readonly isEncrypted: boolean;
  private reqSeq = 0;
  private ackSeq = 0;
  private isPosting = false;
  /** a POST is under way whose first try has failed: the server may have done it */
  private isDoubtful = false;
  private isClosed = false;
  private isLast = false;
  private isGone = false;
  /** it was bound: messages may wait in it */
  private mayHold = false;
  private cookie: string | null;
  private readonly stopper = new AbortController();
  /** ends the pauses before repeats */
  private pausing = new AbortController();
  private readonly posting = new Failures();
  private readonly getting = new Failures();
  private isTroubled = false;
  private listening: Promise<void> = Promise.resolve();

  constructor(
    private readonly settings: HttpSessionSettings,
    private readonly events: TransportEvents,
  ) {
    this.isEncrypted = settings.isEncrypted;
    this.cookie = settings.cookie;
  }

  /** Begins to wait for asynchronous documents. */
  start(): void {
    this.listening = this.listen();
  }

  isWritable(): boolean {
    return !this.isPosting && !this.isClosed && !this.isLast;
  }

  send(documents: readonly Element[]): void {
    if (!this.isWritable() || documents.length === 0) return;
    const body = `<XIMSS>${documents.map(serialise).join('')}</XIMSS>`;
    this.isPosting = true;
    this.reqSeq += 1;
    this.settings.record?.requested(this.reqSeq);
    this.isLast = documents.some(({ name }) => name === 'bye');
    this.mayHold ||= documents.some(({ name }) => name === 'signalBind');
    const last = this.isLast ? '&syncAsync=1' : '';
    void this.post({
      method: 'POST',
      path: `${this.path}/sync?reqSeq=${this.reqSeq}${last}`,
      headers: { 'Content-Type': 'text/xml; charset=utf-8' },
      body,
    });
  }

  /** Reading rests by itself: the next GET waits until the last answer is safe. */
  pause(): void {}
  resume(): void {}

  retryNow(): void {
    this.pausing.abort();
    this.pausing = new AbortController();
  }

  destroy(fault: Fault): void {
    if (this.isClosed) return;
    this.finish(fault, this.isPosting);
    void this.kill();
  }

  // ---- POST

  private async post(request: HttpRequest): Promise<void> {
    const onFailure = (fault: Fault): void => {
      if (mayHaveArrived(fault)) this.isDoubtful = true;
    };
    const root = await this.persist(request, this.settings.requestTimeoutMs, this.posting, onFailure);
    if (root === null || this.isClosed) return;
    const answers = childrenOf(root);
    if (answers.some((document) => document.name === 'response' && attr(document, 'id') === null)) {
      return this.finish(
        new Fault('unavailable', { cause: 'a batch was refused as a whole (reqSeq)' }),
        this.isDoubtful,
      );
    }
    if (this.isLast) await this.untilListened();
    if (this.isClosed) return;
    this.isPosting = false;
    this.isDoubtful = false;
    for (const document of answers) void this.events.onDocument(document);
    if (this.isLast) return this.finish(new Fault('unavailable', { cause: 'logged out' }), false);
    if (this.isGone) return this.finish(gone(), false);
    this.events.onWritable();
  }

  /** What a waiting get was answered with before the goodbye is on its way; after that the get learns of the end. */
  private async untilListened(): Promise<void> {
    const enough = new AbortController();
    const late = this.settings.clock.sleep(lastGetMs, enough.signal).catch(() => undefined);
    await Promise.race([this.listening, late]);
    enough.abort();
  }

  // ---- GET

  private async listen(): Promise<void> {
    const { clock, requestTimeoutMs } = this.settings;
    const waitMs = maxWaitSeconds * 1000 + requestTimeoutMs;
    while (!this.isClosed) {
      const askedAt = clock.monotonic();
      const request: HttpRequest = {
        method: 'GET',
        path: `${this.path}/get?ackSeq=${this.ackSeq}&maxWait=${maxWaitSeconds}`,
        headers: {},
        body: null,
      };
      const root = await this.persist(request, waitMs, this.getting, () => undefined);
      if (root === null || this.isClosed) return;
      const isNews = await this.take(root);
      // a server that does not wait must not be asked in a hot loop
      if (!isNews && clock.monotonic() - askedAt < idleGetMs) {
        await clock.sleep(idleGetMs, this.stopper.signal).catch(() => undefined);
      }
    }
  }

  /** Hands an answer's documents on, once, and acknowledges it when they are safe (3.2, rules 1-5). False: nothing new. */
  private async take(root: Element): Promise<boolean> {
    const respSeq = sequenceOf(root);
    if (respSeq !== null && respSeq <= this.ackSeq) return false; // said before
    const unsafe = childrenOf(root)
      .map((document, i) => {
        const place = respSeq === null ? undefined : placeOf(this.settings.urlId, respSeq, i);
        return this.events.onDocument(document, place);
      })
      .filter((promise) => promise !== undefined);
    await this.whileOpen(Promise.all(unsafe));
    if (respSeq === null || this.isClosed || !(await this.isNoted(respSeq))) return false;
    this.ackSeq = respSeq;
    return true;
  }

  /** False: the note could not be made, the answer is asked for again (what is in it is known by its place). */
  private async isNoted(respSeq: number): Promise<boolean> {
    try {
      await this.settings.record?.acknowledged(respSeq, this.cookie);
      return true;
    } catch {
      return false;
    }
  }

  /** Waits for the promise, or for the end of the session. */
  private whileOpen(promise: Promise<unknown>): Promise<void> {
    const { signal } = this.stopper;
    return new Promise((resolve) => {
      const done = (): void => {
        signal.removeEventListener('abort', done);
        resolve();
      };
      signal.addEventListener('abort', done);
      promise.then(done, done);
      if (signal.aborted) done();
    });
  }

  // ---- both

  /** Repeats a request until it has an answer that can be read; null when the session has ended instead. */
  private async persist(
    request: HttpRequest,
    deadlineMs: number,
    failures: Failures,
    onFailure: (fault: Fault) => void,
  ): Promise<Element | null> {
    const { clock } = this.settings;
    const { signal } = this.stopper;
    while (!this.isClosed) {
      try {
        const answer = await withDeadline(clock, deadlineMs, signal, (inner) => this.once(request, inner));
        if (answer === null) return this.lost(request.method);
        failures.clear();
        this.trouble(null);
        return answer;
      } catch (error) {
        if (this.isClosed) return null;
        const fault = toFault(error);
        onFailure(fault);
        const isUnreadable = fault.code.startsWith('xml-');
        failures.add(clock.monotonic(), isUnreadable || fault instanceof BadAnswer);
        if (isUnreadable) this.events.onUnreadable(fault);
        if (this.isClosed) return null;
        if (failures.isHopeless(clock.monotonic())) return this.giveUp(fault);
        // one failure is the usual end of a kept-alive connection: again at once
        if (failures.count === 1) continue;
        this.trouble(fault);
        const pauseMs = backoffMs(failures.count - 1, clock.dice(), pauses);
        await clock.sleep(pauseMs, AbortSignal.any([signal, this.pausing.signal])).catch(() => undefined);
      }
    }
    return null;
  }

  /** One try: the answer's root, null for a lost session. Rejects with why there is none. */
  private async once(request: HttpRequest, signal: AbortSignal): Promise<Element | null> {
    const cookie = this.cookie === null ? {} : { Cookie: this.cookie };
    const headers = { ...request.headers, ...cookie };
    const answer = await this.settings.exchange({ ...request, headers }, signal);
    const [first] = answer.cookies;
    if (first !== undefined) this.cookie = first;
    if (answer.status === lostStatus) return null;
    return readRoot(answer, this.settings.codec);
  }

  /** 550. A POST that is under way has its own answer to come, which says more: the end waits for that. */
  private lost(method: HttpRequest['method']): null {
    this.isGone = true;
    if (method === 'POST' || !this.isPosting) this.finish(gone(), this.isDoubtful);
    return null;
  }

  private giveUp(fault: Fault): null {
    this.finish(fault, this.isPosting);
    void this.kill();
    return null;
  }

  private trouble(fault: Fault | null): void {
    const isTroubled = fault !== null;
    if (this.isTroubled === isTroubled || this.isClosed) return;
    if (!isTroubled && (this.posting.count > 1 || this.getting.count > 1)) return;
    this.isTroubled = isTroubled;
    this.events.onTrouble(fault === null ? null : new Fault('unavailable', { cause: fault }));
  }

  private finish(fault: Fault, isUncertain: boolean): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.stopper.abort(fault);
    this.events.onClose(fault, isUncertain);
  }

  /** A session that is noted and may hold messages is left to be taken over: killed, it would take them with it. */
  private async kill(): Promise<void> {
    const { clock, exchange, urlId, record } = this.settings;
    if (record && this.mayHold) return;
    await killSession(clock, exchange, urlId, this.cookie);
  }

  private get path(): string {
    return pathOf(this.settings.urlId);
  }
}
