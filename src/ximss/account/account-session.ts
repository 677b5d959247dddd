/**
 * One link's session kept up: connect, log in, bind, serve, and after the end wait and begin again with exponential
 * backoff and full jitter; a refused password stops it. It owns the session, the inbox and the waiting; it does not
 * translate (read.ts, write.ts) and knows no other link.
 */
import { Fault, faultTable, toFault } from '../../core/fault';
import type { Account } from '../../core/address';
import type { Link, LinkStatus, Profile } from '../../core/model';
import { backoffMs, reconnectBackoff } from '../../core/retry';
import type { FarListener } from '../../bridge/ports';
import { askCard, readCard } from '../protocol/vcard';
import { connect } from '../login/connect';
import { makeHttpSessionRecord, type HttpSessionRecord } from '../wire/http-session-record';
import { abortFault, withDeadline } from '../../core/async';
import type { Element } from '../wire/element';
import type { XimssContext } from '../context';
import { isGone } from '../wire/http-answer';
import { Inbox } from '../session/inbox';
import { loginFault } from '../login/login';
import { bye } from '../protocol/operations';
import { IqRequests } from '../session/iq-requests';
import { releaseAfterFirstReads, type Release, type LoginLimiter } from '../login/limiter';
import { readDocument } from '../protocol/read';
import { takeOverSession } from './takeover';
import type { Operation } from '../protocol/request';
import type { Session, SessionEvents } from '../session/session';
import { writeBind, writeIqRefusal } from '../protocol/write';

/** Our place in the account: XIMSS' clientID (2.7). */
const clientId = 'xmpp-bridge';
/** A session that lived so long was a good one: the next loss begins to count anew. */
const steadyMs = 30_000;
const byeMs = 2_000;

export class AccountSession implements SessionEvents {
  private session: Session | null = null;
  private current: LinkStatus | null = null;
  private lastFault: Fault | null = null;
  private attempts = 0;
  /** id of the last session: a new login may take its place on the server (HTTP) */
  private previousUrlId: string | null = null;
  private onEnded: ((fault: Fault) => void) | null = null;
  /** items of the roster whose address could not be used, the last time */
  private skippedCount = 0;
  private readonly stopper = new AbortController();
  private readonly inbox: Inbox;
  private readonly iqRequests: IqRequests;
  private readonly httpRecord: HttpSessionRecord | null;

  constructor(
    readonly link: Link,
    private readonly context: XimssContext,
    private readonly limiter: LoginLimiter,
    private readonly listener: FarListener,
    private readonly onStatus: (status: LinkStatus, fault: Fault | null, before: LinkStatus | null) => void,
  ) {
    this.httpRecord = context.notes === null ? null : makeHttpSessionRecord(context.notes, link);
    this.iqRequests = new IqRequests(context.clock, context.settings.requestTimeoutMs);
    this.inbox = new Inbox({
      store: async (peer, event, identity) => listener.onEvent(link.user, peer, event, identity),
      clock: context.clock,
      onStoreFailure: (fault) =>
        context.log.warn({ account: link.account, fault: fault.code }, 'held back for the store'),
      onPressure: (isFull) => (isFull ? this.session?.pause() : this.session?.resume()),
    });
  }

  get status(): LinkStatus {
    return this.current ?? 'connecting';
  }

  /** The session while it serves, else null. */
  get serving(): Session | null {
    return this.current === 'online' ? this.session : null;
  }

  /** Begins; called once. */
  start(): void {
    void this.run();
  }

  /** Runs an operation now; rejects with why not when there is no session. */
  perform<R>(operation: Operation<R>): Promise<R> {
    const session = this.serving;
    return session === null ? Promise.reject(this.absence()) : session.perform(operation);
  }

  /** What the far side tells of a contact, null when nothing. Rejects like `perform`, and `timeout`. */
  async profile(peer: Account): Promise<Profile | null> {
    return readCard(await this.iqRequests.ask(peer, (iqid) => this.perform(askCard(peer, iqid))));
  }

  /** Why nothing can be done now. Only faults that say so may be told of somebody's message. */
  absence(): Fault {
    const fault = this.lastFault;
    const isTelling = fault !== null && faultTable[fault.code].retry !== 'never' && fault.code !== 'unknown-outcome';
    return isTelling ? fault : new Fault('unavailable', { cause: fault });
  }

  /** Says goodbye and ends; resolves when the session is gone, after two seconds at most or when the signal aborts. */
  async close(signal?: AbortSignal): Promise<void> {
    const { session } = this;
    const isServing = this.serving !== null;
    this.setStatus('closed', null);
    this.stopper.abort(new Fault('unavailable', { cause: 'closed' }));
    const never = new AbortController().signal;
    if (session !== null && isServing && (await this.sendBye(session, signal ?? never)))
      await this.httpRecord?.closed();
    session?.destroy(new Fault('unavailable', { cause: 'closed' }));
    this.inbox.dispose();
  }

  /** False: nobody knows whether it was heard. */
  private sendBye(session: Session, signal: AbortSignal): Promise<boolean> {
    const limited = (inner: AbortSignal): Promise<boolean> =>
      new Promise((resolve) => {
        const failed = (): void => resolve(false);
        session.perform(bye()).then(() => resolve(true), failed);
        inner.addEventListener('abort', failed, { once: true });
        if (inner.aborted) failed();
      });
    return withDeadline(this.context.clock, byeMs, signal, limited);
  }

  /** The roster had so many items without a usable address. It is read often: told when the number changes. */
  reportSkipped(count: number): void {
    const more = count - this.skippedCount;
    this.skippedCount = count;
    if (more > 0) this.context.meter.count('faults_total', { part: 'ximss', code: 'bad-peer' }, more);
    if (more > 0) this.context.log.warn({ account: this.link.account, count }, 'contacts without a usable address');
  }

  // ---- the life cycle

  private async run(): Promise<void> {
    const { clock, log } = this.context;
    const { signal } = this.stopper;
    while (!signal.aborted) {
      this.setStatus('connecting', null);
      const fault = await this.runSession(signal);
      if (signal.aborted) return;
      this.lastFault = fault;
      if (fault.retry === 'reauth') return this.setStatus('refused', fault);
      this.attempts += 1;
      this.setStatus('waiting', fault);
      const ms = backoffMs(this.attempts, clock.dice(), reconnectBackoff);
      log.debug({ account: this.link.account, attempt: this.attempts, ms }, 'will connect again');
      await clock.sleep(ms, signal).catch(() => undefined);
    }
  }

  /** One session from its connection to its end; resolves with why it ended or could not begin. Never rejects. */
  private async runSession(signal: AbortSignal): Promise<Fault> {
    const ended = new Promise<Fault>((resolve) => (this.onEnded = resolve));
    let release: Release | null = null;
    try {
      await this.waitForInbox(signal);
      release = await this.limiter.acquire(signal);
      await this.begin(signal);
    } catch (error) {
      const fault = toFault(error);
      release?.(fault.retry === 'reauth');
      this.session = null;
      return fault;
    }
    void releaseAfterFirstReads(release, () => this.context.clock.monotonic());
    this.lastFault = null;
    const since = this.context.clock.monotonic();
    this.setStatus('online', null);
    const fault = await ended;
    this.session = null;
    if (isGone(fault)) {
      this.previousUrlId = null;
      await this.httpRecord?.closed();
    }
    if (this.context.clock.monotonic() - since >= steadyMs) this.attempts = 0;
    return fault;
  }

  /** While the middle cannot store what was received, nothing more is fetched. */
  private async waitForInbox(signal: AbortSignal): Promise<void> {
    while (this.inbox.isFull && !signal.aborted) await this.context.clock.sleep(1000, signal);
  }

  /** Connects, logs in and binds within one deadline. */
  private begin(signal: AbortSignal): Promise<void> {
    const { context, link } = this;
    const credentials = { name: link.account, password: link.password };
    return withDeadline(context.clock, context.settings.requestTimeoutMs, signal, async (inner) => {
      const { httpRecord: record, inbox } = this;
      if (record !== null && (await takeOverSession({ context, link, record, inbox, signal: inner })))
        this.previousUrlId = null;
      const { previousUrlId } = this;
      const { session, info } = await connect(context, credentials, this, inner, { previousUrlId, record });
      this.session = session;
      this.previousUrlId = info.urlId;
      const onAbort = (): void => session.destroy(abortFault(inner));
      inner.addEventListener('abort', onAbort);
      if (inner.aborted) onAbort();
      try {
        await session.perform(writeBind(clientId, context.dialect));
      } catch (error) {
        const fault = inner.aborted ? abortFault(inner) : bindFault(toFault(error));
        session.destroy(fault);
        throw fault;
      } finally {
        inner.removeEventListener('abort', onAbort);
      }
    });
  }

  // ---- the session's events

  onAsync(document: Element, place?: string): Promise<void> | undefined {
    const { link, context, listener } = this;
    const reading = readDocument(document, context.dialect);
    switch (reading.kind) {
      case 'event':
        return this.inbox.take(reading.peer, reading.event, reading.identity ?? place ?? null);
      case 'contact':
        this.callListener(() => listener.onContact(link.user, reading.account, reading.contact));
        return undefined;
      case 'notice':
        this.callListener(() => listener.onAlert(link.user, reading.text));
        return undefined;
      case 'iq-question':
        this.session?.perform(writeIqRefusal(reading.peer, reading.iqid)).catch(() => undefined);
        return undefined;
      case 'bye':
        this.session?.destroy(new Fault('unavailable', { cause: 'the server said bye' }));
        return undefined;
      case 'iq-answer':
        if (!this.iqRequests.answer(reading.peer, document)) context.meter.count('responses_unasked_total');
        return undefined;
      case 'nothing':
        context.log.debug({ account: link.account, kind: document.name.slice(0, 40), why: reading.why }, 'ignored');
        return undefined;
    }
  }

  onOddity(kind: 'unasked-response' | 'unasked-data' | 'unreadable', fault: Fault | null): void {
    const { meter, log } = this.context;
    if (fault === null) meter.count('responses_unasked_total');
    else meter.count('faults_total', { part: 'ximss', code: fault.code });
    log.warn({ account: this.link.account, kind, fault: fault?.code, why: causeWord(fault) }, 'odd input ignored');
  }

  /** The session lives, but nothing gets through: to the middle that is the same as being away, for as long as it lasts. */
  onTrouble(fault: Fault | null): void {
    if (this.session === null || (this.current !== 'online' && this.current !== 'waiting')) return;
    this.lastFault = fault;
    this.setStatus(fault === null ? 'online' : 'waiting', fault);
  }

  onEnd(fault: Fault): void {
    this.iqRequests.end(fault);
    this.onEnded?.(fault);
  }

  /** A listener that throws must not take the wire with it. */
  private callListener(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.context.log.error({ account: this.link.account, err: error }, 'the listener has thrown');
    }
  }

  private logStatus(status: LinkStatus, fault: Fault | null): void {
    const { log } = this.context;
    const fields = { account: this.link.account, fault: fault?.code, why: causeWord(fault) };
    if (status === 'waiting') log.warn(fields, 'far session is away');
    else if (status === 'refused') log.warn(fields, 'far server refuses the login');
    else if (status !== 'connecting') log.info({ account: this.link.account }, `far session is ${status}`);
  }

  private setStatus(status: LinkStatus, fault: Fault | null): void {
    const before = this.current;
    if (before === 'closed' || (before === status && fault === null)) return;
    this.current = status;
    if (fault !== null) this.context.meter.count('faults_total', { part: 'ximss', code: fault.code });
    this.logStatus(status, fault);
    this.callListener(() => this.onStatus(status, fault, before));
  }
}

/** Why, in a word that holds nothing from the wire: a fixed text of ours or an error code of the system. */
function causeWord(fault: Fault | null): string | undefined {
  const { cause } = fault ?? {};
  if (cause instanceof Fault) return causeWord(cause) ?? cause.code;
  if (cause instanceof Error) return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name;
  return typeof cause === 'string' ? cause : undefined;
}

/** A bind that is refused says nothing about the password: the next try may find a place. */
function bindFault(fault: Fault): Fault {
  if (fault.code !== 'refused') return fault;
  const meant = loginFault(fault);
  return meant.code === 'not-authorized' ? new Fault('unavailable', { text: fault.text, cause: fault }) : meant;
}
