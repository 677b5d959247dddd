/**
 * One account's session kept up: wait until the server is there, log in, bind, serve, and after the end begin again as
 * login-retry.ts says; a refused password stops it until somebody asks for another try. It owns the session, the inbox
 * and the waiting; it does not translate (incoming.ts, write.ts) and knows no other account.
 */
import type { FarListener } from '../../bridge/ports';
import type { Account } from '../../core/address';
import { Fault, faultTable, toFault } from '../../core/fault';
import type { Link, LinkStatus, Profile } from '../../core/model';
import type { XimssContext } from '../context';
import type { Availability } from '../login/availability';
import { releaseAfterFirstReads, type LoginLimiter, type Release } from '../login/limiter';
import type { LoginMemory } from '../login/types';
import { nextTry, noHistory, type Ending, type LoginHistory } from '../login/login-retry';
import { causeWord } from '../protocol/cause';
import type { Operation } from '../protocol/request';
import { askCard, readCard } from '../protocol/vcard';
import { Inbox } from '../session/inbox';
import { IqRequests } from '../session/iq-requests';
import type { Session, SessionEvents } from '../session/session';
import { isGone } from '../wire/http-answer';
import { makeHttpSessionRecord, type HttpSessionRecord } from '../wire/http-session-record';
import { Incoming } from './incoming';
import { openSession, sayGoodbye, whenNotesThere } from './open-session';

export interface AccountSessionOptions {
  readonly link: Link;
  readonly context: XimssContext;
  readonly limiter: LoginLimiter;
  readonly availability: Availability;
  readonly listener: FarListener;
  /** how soon this one should log in when many do; a greater number goes first */
  readonly urgency: () => number;
  readonly onStatus: (status: LinkStatus, fault: Fault | null, before: LinkStatus | null) => void;
  /** the server has refused the login, in its words; many accounts may hear the same */
  readonly onRefused: (account: Account, fault: Fault) => void;
}

export class AccountSession {
  readonly link: Link;
  private session: Session | null = null;
  private current: LinkStatus | null = null;
  private lastFault: Fault | null = null;
  private history: LoginHistory = noHistory;
  private isLongTold = false;
  /** ends the pause before the next try; null: there is none */
  private retry: AbortController | null = null;
  private onEnded: ((fault: Fault) => void) | null = null;
  /** items of the roster whose address could not be used, the last time */
  private skippedCount = 0;
  private readonly memory: LoginMemory = { way: null };
  private readonly stopper = new AbortController();
  private readonly inbox: Inbox;
  private readonly iqRequests: IqRequests;
  private readonly incoming: Incoming;
  private readonly httpRecord: HttpSessionRecord | null;
  private readonly events: SessionEvents;

  constructor(private readonly options: AccountSessionOptions) {
    const { link, context, listener } = options;
    this.link = link;
    this.httpRecord = context.notes === null ? null : makeHttpSessionRecord(context.notes, link);
    this.iqRequests = new IqRequests(context.clock, context.settings.requestTimeoutMs);
    this.inbox = new Inbox({
      store: async (peer, event, identity) => listener.onEvent(link.user, peer, event, identity),
      clock: context.clock,
      onStoreFailure: (fault) =>
        context.log.warn({ account: link.account, fault: fault.code }, 'held back for the store'),
      onPressure: (isFull) => (isFull ? this.session?.pause() : this.session?.resume()),
    });
    this.incoming = new Incoming({
      link,
      context,
      listener,
      inbox: this.inbox,
      iqRequests: this.iqRequests,
      send: (operation) => void this.session?.perform(operation).catch(() => undefined),
      onBye: () => this.session?.destroy(new Fault('unavailable', { cause: 'the server said bye' })),
    });
    this.events = {
      onAsync: (document, place) => this.incoming.onAsync(document, place),
      onOddity: (kind, fault) => this.incoming.onOddity(kind, fault),
      onTrouble: (fault) => this.onTrouble(fault),
      onEnd: (fault) => this.onEnd(fault),
    };
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

  /** Tries again now, whatever was to be waited for; a session that serves is left alone. */
  retryNow(): void {
    if (this.stopper.signal.aborted || this.serving !== null) return;
    this.history = noHistory;
    this.retry?.abort();
    if (this.current === 'refused') void this.run();
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

  /** The server was away: what did not notice, an idle connection to a machine that was switched off, is looked at. */
  confirm(): void {
    this.session?.confirm();
  }

  /**
   * Says goodbye and ends; resolves when the session is gone, after four seconds at most or when the signal aborts. While what
   * came cannot be stored no goodbye is said: a session that is noted still holds it, and is taken over by the next start.
   */
  async close(signal?: AbortSignal): Promise<void> {
    const { session } = this;
    this.setStatus('closed', null);
    this.stopper.abort(new Fault('unavailable', { cause: 'closed' }));
    const until = signal ?? new AbortController().signal;
    const { inbox, httpRecord: record } = this;
    const goodbye = { inbox, isNoted: record !== null, clock: this.options.context.clock };
    if (session !== null && (await sayGoodbye({ ...goodbye, session }, until))) await record?.closed();
    session?.destroy(new Fault('unavailable', { cause: 'closed' }));
    this.inbox.dispose();
  }

  /** The roster had so many items without a usable address. It is read often: logged when the number changes. */
  reportSkipped(count: number): void {
    const { log, meter } = this.options.context;
    const more = count - this.skippedCount;
    this.skippedCount = count;
    if (more > 0) meter.count('faults_total', { part: 'ximss', code: 'jid-malformed' }, more);
    if (more > 0) log.warn({ account: this.link.account, count }, 'contacts without a usable address');
  }

  // ---- the life cycle

  /** Until it is closed, or no try is left. Never rejects. */
  private async run(): Promise<void> {
    const { availability } = this.options;
    const { signal } = this.stopper;
    while (!signal.aborted) {
      const away = availability.fault();
      if (away !== null) {
        this.lastFault = away;
        this.setStatus('waiting', away);
        await availability.whenThere(signal).catch(() => undefined);
        continue;
      }
      await whenNotesThere(this.httpRecord, this.options.context.clock, signal, (fault) => {
        this.lastFault = fault;
        this.setStatus('waiting', fault);
      });
      this.setStatus('connecting', null);
      const ending = await this.runSession(signal);
      if (signal.aborted) return;
      if (ending === 'server-away') continue;
      if (!(await this.afterwards(ending, signal))) return;
    }
  }

  /** Says what the ending means and waits; false: no further try. */
  private async afterwards(ending: Ending, signal: AbortSignal): Promise<boolean> {
    const { context, availability, listener, onRefused } = this.options;
    const { clock, log } = context;
    const next = nextTry(this.history, ending, clock.monotonic(), clock.dice());
    const { account, user } = this.link;
    this.history = next.history;
    this.lastFault = ending.fault;
    if (next.status !== 'waiting') onRefused(account, ending.fault);
    if (next.isLong && !this.isLongTold) {
      this.isLongTold = true;
      this.incoming.call(() => listener.onLongRefusal(user, ending.fault));
    }
    this.retry = new AbortController();
    this.setStatus(next.status, ending.fault);
    if (next.pauseMs === null) return false;
    log.debug({ account, attempt: next.history.failureCount, ms: next.pauseMs }, 'will log in again');
    const until = AbortSignal.any([signal, this.retry.signal]);
    const pausing = next.mayBeEarly ? availability.pause(next.pauseMs, until) : clock.sleep(next.pauseMs, until);
    await pausing.catch(() => undefined);
    return true;
  }

  /** One session from its connection to its end; resolves with how that ended. Never rejects. */
  private async runSession(signal: AbortSignal): Promise<Ending | 'server-away'> {
    const { availability, context, limiter, urgency } = this.options;
    const ended = new Promise<Fault>((resolve) => (this.onEnded = resolve));
    let release: Release | null = null;
    let isReached = false;
    try {
      await this.waitForInbox(signal);
      release = await limiter.acquire(signal, urgency());
      if (availability.fault() !== null) {
        release(true);
        return 'server-away';
      }
      await this.begin(signal, () => (isReached = true));
    } catch (error) {
      const fault = toFault(error);
      this.session = null;
      release?.(saysNothingOfServer(fault));
      if (signal.aborted || saysNothingOfServer(fault)) return { kind: 'failed', fault };
      if (fault.code === 'no-tls' || !isReached) availability.lost(fault);
      else availability.check();
      return availability.fault() === null ? { kind: 'failed', fault } : 'server-away';
    }
    void releaseAfterFirstReads(release, () => context.clock.monotonic());
    availability.seen();
    this.lastFault = null;
    this.isLongTold = false;
    const since = context.clock.monotonic();
    this.setStatus('online', null);
    const fault = await ended;
    this.session = null;
    if (isGone(fault)) await this.httpRecord?.closed();
    return { kind: 'ended', fault, livedMs: context.clock.monotonic() - since };
  }

  /** While the middle cannot store what was received, nothing more is fetched. */
  private async waitForInbox(signal: AbortSignal): Promise<void> {
    while (this.inbox.isFull && !signal.aborted) await this.options.context.clock.sleep(1000, signal);
  }

  private begin(signal: AbortSignal, onReached: () => void): Promise<void> {
    const { link, inbox, httpRecord: record, events, memory } = this;
    const { context } = this.options;
    const onSession = (session: Session): void => void (this.session = session);
    return openSession({ context, link, inbox, record, events, memory, onReached, onSession }, signal);
  }

  // ---- the session's events

  /** The session lives, but nothing gets through: to the middle that is the same as being away, for as long as it lasts. */
  private onTrouble(fault: Fault | null): void {
    if (this.session === null || (this.current !== 'online' && this.current !== 'waiting')) return;
    this.lastFault = fault;
    if (fault !== null) this.options.availability.check();
    this.setStatus(fault === null ? 'online' : 'waiting', fault);
  }

  private onEnd(fault: Fault): void {
    this.iqRequests.end(fault);
    this.onEnded?.(fault);
  }

  private logStatus(status: LinkStatus, fault: Fault | null): void {
    const { log } = this.options.context;
    const { account } = this.link;
    const fields = { account, fault: fault?.code, why: causeWord(fault) };
    if (status === 'refused') log.warn({ ...fields, text: fault?.text }, 'the login is refused, no more tries');
    else if (status === 'waiting' && (this.options.availability.fault() !== null || fault?.code === 'store-away'))
      log.debug(fields, 'waits for the server, or for our own store'); // one of them is named once, for all accounts
    else if (status === 'waiting') log.info(fields, 'session ended, will log in again');
    else if (status === 'online' || status === 'closed') log.info({ account }, `session is ${status}`);
  }

  private setStatus(status: LinkStatus, fault: Fault | null): void {
    const before = this.current;
    if (before === 'closed' || (before === status && fault === null)) return;
    this.current = status;
    if (fault !== null) this.options.context.meter.count('faults_total', { part: 'ximss', code: fault.code });
    this.logStatus(status, fault);
    this.incoming.call(() => this.options.onStatus(status, fault, before));
  }
}

/** Neither whether it is there nor how many logins it bears: it said no, or our own store was away. */
const saysNothingOfServer = ({ code }: Fault): boolean =>
  ['not-authorized', 'needs-user', 'login-refused', 'too-many-sessions', 'store-away'].includes(code);
