/**
 * Questions of one session whose answers come later and by themselves (iqSend, iqRead: docs/XIMSS.md 4.6, A16). One
 * question per contact at a time: who asks meanwhile gets the same answer. Answers are known by their iqid, by the contact
 * alone where the server gives no ids back.
 */
import type { Clock } from '../../bridge/ports';
import type { Account } from '../../core/address';
import { Fault, toFault } from '../../core/fault';
import { withDeadline } from '../wire/deadline';
import { attr, type Element } from '../wire/element';

interface Asked {
  readonly iqid: string;
  readonly promise: Promise<Element>;
  readonly resolve: (answer: Element) => void;
  readonly reject: (fault: Fault) => void;
}

/** Contacts asked about at once. */
const askedMax = 500;

export class Questions {
  private readonly asked = new Map<Account, Asked>();
  private lastId = 0;

  constructor(
    private readonly clock: Pick<Clock, 'sleep'>,
    private readonly timeoutMs: number,
  ) {}

  /** Puts a question with `send`. Rejects as `send` does, `timeout` without an answer, `unavailable` when too many are open or
   * the session ends. */
  ask(peer: Account, send: (iqid: string) => Promise<void>): Promise<Element> {
    const known = this.asked.get(peer);
    if (known !== undefined) return known.promise;
    if (this.asked.size >= askedMax) return Promise.reject(new Fault('unavailable', { cause: 'too many questions' }));
    let resolve: Asked['resolve'] = () => undefined;
    let reject: Asked['reject'] = () => undefined;
    const answered = new Promise<Element>((yes, no) => {
      resolve = yes;
      reject = no;
    });
    const iqid = `q${(this.lastId += 1)}`;
    const promise = this.settled(answered, reject).finally(() => this.asked.delete(peer));
    this.asked.set(peer, { iqid, promise, resolve, reject });
    send(iqid).catch((thrown: unknown) => reject(toFault(thrown)));
    return promise;
  }

  /** False: nobody asked. */
  answer(peer: Account, document: Element): boolean {
    const asked = this.asked.get(peer);
    const iqid = attr(document, 'iqid');
    if (asked === undefined || (iqid !== null && iqid !== asked.iqid)) return false;
    asked.resolve(document);
    return true;
  }

  /** The session has ended: nobody will answer. */
  end(fault: Fault): void {
    for (const { reject } of [...this.asked.values()]) reject(new Fault('unavailable', { cause: fault }));
  }

  private settled(answered: Promise<Element>, reject: Asked['reject']): Promise<Element> {
    return withDeadline(this.clock, this.timeoutMs, new AbortController().signal, (signal) => {
      signal.addEventListener('abort', () => reject(toFault(signal.reason)), { once: true });
      return answered;
    });
  }
}
