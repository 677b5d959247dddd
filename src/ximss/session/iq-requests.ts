/**
 * Questions of one session whose answers come later and by themselves (iqSend, iqRead: docs/XIMSS.md 4.6, A16). One
 * question per contact at a time: who asks meanwhile gets the same answer. Answers are known by their iqid, by the contact
 * alone where the server gives no ids back.
 */
import type { Clock } from '../../bridge/ports';
import type { Account } from '../../core/address';
import { Fault, toFault } from '../../core/fault';
import { withDeadline } from '../../core/async';
import { attr, type Element } from '../wire/element';

interface PendingIq {
  readonly iqid: string;
  readonly promise: Promise<Element>;
  readonly resolve: (answer: Element) => void;
  readonly reject: (fault: Fault) => void;
}

/** Contacts asked about at once. */
const pendingMaxCount = 500;

export class IqRequests {
  private readonly pending = new Map<Account, PendingIq>();
  private lastId = 0;

  constructor(
    private readonly clock: Pick<Clock, 'sleep'>,
    private readonly timeoutMs: number,
  ) {}

  /** Puts a question with `send`. Rejects as `send` does, `timeout` without an answer, `unavailable` when too many are open or
   * the session ends. */
  ask(peer: Account, send: (iqid: string) => Promise<void>): Promise<Element> {
    const known = this.pending.get(peer);
    if (known !== undefined) return known.promise;
    if (this.pending.size >= pendingMaxCount)
      return Promise.reject(new Fault('unavailable', { cause: 'too many questions' }));
    let resolve: PendingIq['resolve'] = () => undefined;
    let reject: PendingIq['reject'] = () => undefined;
    const answered = new Promise<Element>((yes, no) => {
      resolve = yes;
      reject = no;
    });
    const iqid = `q${(this.lastId += 1)}`;
    const promise = this.settled(answered, reject).finally(() => this.pending.delete(peer));
    this.pending.set(peer, { iqid, promise, resolve, reject });
    send(iqid).catch((thrown: unknown) => reject(toFault(thrown)));
    return promise;
  }

  /** False: nobody asked. */
  answer(peer: Account, document: Element): boolean {
    const asked = this.pending.get(peer);
    const iqid = attr(document, 'iqid');
    if (asked === undefined || (iqid !== null && iqid !== asked.iqid)) return false;
    asked.resolve(document);
    return true;
  }

  /** The session has ended: nobody will answer. */
  end(fault: Fault): void {
    for (const { reject } of [...this.pending.values()]) reject(new Fault('unavailable', { cause: fault }));
  }

  private settled(answered: Promise<Element>, reject: PendingIq['reject']): Promise<Element> {
    return withDeadline(this.clock, this.timeoutMs, new AbortController().signal, (signal) => {
      signal.addEventListener('abort', () => reject(toFault(signal.reason)), { once: true });
      return answered;
    });
  }
}
