/**
 * One logged-in session of a run: any request can be asked, refusals are answers, and what comes by itself is kept and
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
import type { TestAccount } from './test-accounts';

const loginMs = 25_000;
const byeMs = 2_000;
const heardMax = 2_000;
const wordsMax = 20;
const rosterPollMs = 200;

export class TestSession implements SessionEvents {
  /** what came without being asked, oldest first */
  readonly received: Element[] = [];
  /** subscription words of all roster items seen; '' for an item without one */
  readonly subscriptionWords = new Set<string>();
  private watchers: (() => void)[] = [];

  private constructor(
    readonly owner: TestAccount,
    private readonly clock: Clock,
    private readonly signal: AbortSignal,
    /** how long something may take to arrive */
    private readonly waitMs: number,
  ) {}

  private session: Session | null = null;
  info: SessionInfo | null = null;

  /** Connects and logs in. Rejects as connect.ts says. */
  static async open(
    context: XimssContext,
    owner: TestAccount,
    { signal, waitMs }: { readonly signal: AbortSignal; readonly waitMs: number },
  ): Promise<TestSession> {
    const opened = new TestSession(owner, context.clock, signal, waitMs);
    const limited = AbortSignal.any([signal, AbortSignal.timeout(loginMs)]);
    const credentials = { name: owner.account, password: owner.password };
    const { session, info } = await connect(context, credentials, opened, limited);
    opened.session = session;
    opened.info = info;
    return opened;
  }

  /** Asks; a refusal is an answer. Rejects when the connection is lost or the test is over. */
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

  /** The first document received, from a mark on, that fits; null when none comes in time. */
  async waitFor(fits: (document: Element) => boolean, mark = 0): Promise<Element | null> {
    const done = new AbortController();
    const late = this.clock.sleep(this.waitMs, AbortSignal.any([this.signal, done.signal])).then(
      () => null,
      () => null,
    );
    try {
      for (;;) {
        const known = this.received.slice(mark).find(fits);
        if (known !== undefined) return known;
        const more = new Promise<true>((resolve) => this.watchers.push(() => resolve(true)));
        if ((await Promise.race([more, late])) === null) return this.received.slice(mark).find(fits) ?? null;
      }
    } finally {
      done.abort();
    }
  }

  /** Waits as long as something may take to arrive. */
  async waitWhole(): Promise<void> {
    await this.waitFor(() => false);
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
    const endsAt = this.clock.monotonic() + this.waitMs;
    for (;;) {
      if (fits(await this.roster())) return true;
      if (this.clock.monotonic() >= endsAt) return false;
      await this.clock.sleep(Math.min(rosterPollMs, this.waitMs), this.signal);
    }
  }

  /** Logs out and closes. Never rejects. */
  async close(): Promise<void> {
    const { session } = this;
    this.session = null;
    if (session === null) return;
    const said = session.perform(bye()).catch(() => undefined);
    const late = new AbortController();
    await Promise.race([said, this.clock.sleep(byeMs, late.signal).catch(() => undefined)]);
    late.abort();
    session.destroy(new Fault('stopping'));
  }

  onAsync(document: Element): undefined {
    if (this.received.length < heardMax) this.received.push(document);
    if (document.name === 'rosterItem') this.remember(document);
    for (const wake of this.watchers.splice(0)) wake();
    return undefined;
  }

  private remember(item: Element): void {
    if (this.subscriptionWords.size < wordsMax)
      this.subscriptionWords.add((attr(item, 'subscription') ?? '').slice(0, 40));
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
