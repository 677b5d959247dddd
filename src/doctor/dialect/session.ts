/**
 * One logged-in session of a trial: any request can be asked, refusals are answers, and what comes by itself is kept and
 * can be waited for. It leaves politely; nothing it did ends with it but its own presence.
 */
import type { Clock } from '../../bridge/ports';
import { Fault, toFault } from '../../core/fault';
import { connect } from '../../ximss/login/connect';
import { attr, type Element } from '../../ximss/wire/element';
import type { XimssContext } from '../../ximss/context';
import { bye, rosterList, type SessionInfo } from '../../ximss/protocol/operations';
import { peerOf } from '../../ximss/protocol/read';
import type { Operation } from '../../ximss/protocol/request';
import type { Session, SessionEvents } from '../../ximss/session/session';
import type { Answer } from '../checks/raw-tcp';
import type { Person } from './test-accounts';

const LOGIN_MS = 25_000;
const BYE_MS = 2_000;
const HEARD_MAX = 2_000;
const WORDS_MAX = 20;
const ROSTER_POLL_MS = 200;

export class Visit implements SessionEvents {
  /** what came without being asked, oldest first */
  readonly heard: Element[] = [];
  /** subscription words of all roster items seen; '' for an item without one */
  readonly words = new Set<string>();
  private watchers: (() => void)[] = [];

  private constructor(
    readonly person: Person,
    private readonly clock: Clock,
    private readonly signal: AbortSignal,
    /** how long something may take to arrive */
    private readonly hearMs: number,
  ) {}

  private session: Session | null = null;
  info: SessionInfo | null = null;

  /** Connects and logs in. Rejects as connect.ts says. */
  static async open(
    floor: XimssContext,
    person: Person,
    { signal, hearMs }: { readonly signal: AbortSignal; readonly hearMs: number },
  ): Promise<Visit> {
    const visit = new Visit(person, floor.clock, signal, hearMs);
    const limited = AbortSignal.any([signal, AbortSignal.timeout(LOGIN_MS)]);
    const credentials = { name: person.account, password: person.password };
    const { session, info } = await connect(floor, credentials, visit, limited);
    visit.session = session;
    visit.info = info;
    return visit;
  }

  /** Asks; a refusal is an answer. Rejects when the connection is lost or the trial is over. */
  async ask({ request }: Pick<Operation<unknown>, 'request'>): Promise<Answer> {
    if (this.session === null || this.signal.aborted) throw new Fault('stopping');
    try {
      return { data: await this.session.request(request, 'repeatable'), refusal: null };
    } catch (thrown) {
      const fault = toFault(thrown);
      if (fault.code !== 'refused') throw fault;
      return { data: [], refusal: fault.text };
    }
  }

  /** The first thing heard, from a mark on, that fits; null when none comes in time. */
  async hear(fits: (document: Element) => boolean, mark = 0): Promise<Element | null> {
    const done = new AbortController();
    const late = this.clock.sleep(this.hearMs, AbortSignal.any([this.signal, done.signal])).then(
      () => null,
      () => null,
    );
    try {
      for (;;) {
        const known = this.heard.slice(mark).find(fits);
        if (known !== undefined) return known;
        const more = new Promise<true>((resolve) => this.watchers.push(() => resolve(true)));
        if ((await Promise.race([more, late])) === null) return this.heard.slice(mark).find(fits) ?? null;
      }
    } finally {
      done.abort();
    }
  }

  /** Waits as long as something may take to arrive. */
  async rest(): Promise<void> {
    await this.hear(() => false);
  }

  /** The roster by peer. Rejects Fault `refused` when the server does not tell it. */
  async roster(): Promise<ReadonlyMap<string, Element>> {
    const { data, refusal } = await this.ask(rosterList());
    if (refusal !== null) throw new Fault('refused', { text: refusal });
    const items = data.filter(({ name }) => name === 'rosterItem');
    for (const item of items) this.remember(item);
    return new Map(items.flatMap((item) => (peerOf(item) === null ? [] : [[String(peerOf(item)), item] as const])));
  }

  /** Looks at the roster until it fits or the time is over; true when it does. */
  async rosterFits(fits: (roster: ReadonlyMap<string, Element>) => boolean): Promise<boolean> {
    const endsAt = this.clock.monotonic() + this.hearMs;
    for (;;) {
      if (fits(await this.roster())) return true;
      if (this.clock.monotonic() >= endsAt) return false;
      await this.clock.sleep(Math.min(ROSTER_POLL_MS, this.hearMs), this.signal);
    }
  }

  /** Says goodbye and ends. Never rejects. */
  async leave(): Promise<void> {
    const { session } = this;
    this.session = null;
    if (session === null) return;
    const said = session.perform(bye()).catch(() => undefined);
    const late = new AbortController();
    await Promise.race([said, this.clock.sleep(BYE_MS, late.signal).catch(() => undefined)]);
    late.abort();
    session.destroy(new Fault('stopping'));
  }

  onAsync(document: Element): undefined {
    if (this.heard.length < HEARD_MAX) this.heard.push(document);
    if (document.name === 'rosterItem') this.remember(document);
    for (const wake of this.watchers.splice(0)) wake();
    return undefined;
  }

  private remember(item: Element): void {
    if (this.words.size < WORDS_MAX) this.words.add((attr(item, 'subscription') ?? '').slice(0, 40));
  }

  onOddity(): void {
    return;
  }

  onTrouble(): void {
    return;
  }

  onEnd(): void {
    for (const wake of this.watchers.splice(0)) wake();
  }
}
