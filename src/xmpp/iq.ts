/**
 * Requests both ways. Ours are matched by (us, peer, id), never by id alone, and each has a deadline. Theirs are answered
 * exactly once, whatever happens: by the service that knows the payload, else service-unavailable. Results and errors are never
 * answered. RFC 6120 section 8.2.3.
 */
import type { Account, BareJid, Jid } from '../core/address';
import { Fault, faultOfStanza, toFault } from '../core/fault';
import { gatewayPeer } from '../core/model';
import type { Clock, Log, Meter } from '../bridge/ports';
import type { Addresses } from './stanza/addresses';
import { attr, el, elements, type Element } from './stanza/element';
import { errorReply, readError } from './stanza/error';
import type { Language } from '../core/i18n';

export interface IqRequest {
  readonly from: Jid;
  /** the ghost that is asked; gatewayPeer for the component itself */
  readonly peer: Account;
  readonly stanza: Element;
  readonly payload: Element;
  /** what the asker reads */
  readonly language: Language;
  /** Ends when the stream does: the answer would find nobody. */
  readonly signal: AbortSignal;
}

/** A refusal that says more than its fault: `detail` is an application-specific condition (RFC 6120 section 8.3.4). */
export interface IqRefusal {
  readonly fault: Fault;
  readonly detail: Element;
}

/** The result's child, null for none. */
export type IqAnswer = Element | IqRefusal | null;

/** Returns the answer or throws a Fault, which becomes the error. */
export type IqHandler = (request: IqRequest) => IqAnswer | Promise<IqAnswer>;

/** Who answers a payload, by its name and namespace. */
export interface IqService {
  readonly name: string;
  readonly xmlns: string;
  /** whose business it is: the component's, its ghosts', or that of both */
  readonly of: 'gateway' | 'ghost' | 'both';
  /** not among the features */
  readonly isUnlisted?: boolean;
  readonly get?: IqHandler;
  readonly set?: IqHandler;
}

export interface IqOptions {
  readonly write: (stanza: Element) => boolean;
  /** The same for what may be too large; throws `too-large`. */
  readonly send: (stanza: Element) => boolean;
  /** in which language a request is answered */
  readonly languageOf: (user: BareJid, stanza: Element) => Language;
  /** False: this user has asked too much lately. */
  readonly mayAsk: (user: BareJid) => boolean;
  readonly newId: () => string;
  readonly answerMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

export interface Iq {
  /** Says who answers what; until then every request is answered service-unavailable. */
  serve(services: readonly IqService[]): void;
  onIq(stanza: Element, addresses: Addresses): void;
  /** Is it (its opening tag is enough) the answer to a request of ours that still waits? */
  isAwaited(stanza: Element): boolean;
  /** The answer was too large to be kept: the request ends with the fault. Anything else is left alone. */
  onTooLarge(shell: Element, fault: Fault): void;
  /**
   * The payload of the answer to a request of ours, null when it has none. Rejects `timeout`, `unavailable` (stream down), `too-large`
   * (the request), `xml-limit` (the answer), the fault of the error that came, or the signal's reason.
   */
  request(
    from: BareJid,
    to: BareJid,
    type: 'get' | 'set',
    payload: Element,
    signal: AbortSignal,
  ): Promise<Element | null>;
  /** The stream is down: fails what waits, forgets what is being answered. */
  reset(fault: Fault): void;
}

/** Requests being worked on at once, ours and theirs each, */
const maxCount = 2_000;
/** and those of one user among them: who asks what is never answered takes no place from others. */
const maxPerUser = 50;

interface Pending {
  readonly settle: (answer: Element | Fault) => void;
}

export function makeIq(options: IqOptions): Iq {
  const { write, send, clock, log, meter } = options;
  const services = new Map<string, IqService>();
  const pending = new Map<string, Pending>();
  const servingOf = new Map<BareJid, number>();
  let serving = 0;
  let stream = new AbortController();

  const refuse = (stanza: Element, addresses: Addresses, fault: Fault): void => {
    write(replyOf(stanza, addresses, fault));
  };

  const replyOf = (stanza: Element, { from }: Addresses, fault: Fault, detail: Element | null = null): Element =>
    errorReply(stanza, fault.toData(), options.languageOf(from.bare, stanza), detail);

  const handlerOf = (type: string, payload: Element, peer: Account): IqHandler => {
    const service = services.get(`${payload.getNS() ?? ''} ${payload.getName()}`);
    const handler = type === 'get' ? service?.get : service?.set;
    if (!handler || service?.of === (peer === gatewayPeer ? 'ghost' : 'gateway')) throw new Fault('no-service');
    return handler;
  };

  const answer = async (stanza: Element, { from, peer }: Addresses): Promise<IqAnswer> => {
    const type = attr(stanza, 'type') ?? '';
    const [payload, ...more] = elements(stanza);
    if (!payload || more.length > 0) throw new Fault('bad-request');
    if (peer === null) throw new Fault('jid-malformed');
    const handler = handlerOf(type, payload, peer);
    const language = options.languageOf(from.bare, stanza);
    return handler({ from, peer, stanza, payload, language, signal: stream.signal });
  };

  const count = (user: BareJid, by: 1 | -1): void => {
    const own = (servingOf.get(user) ?? 0) + by;
    if (own > 0) servingOf.set(user, own);
    else servingOf.delete(user);
    serving += by;
  };

  /** Why this user's request is not taken now; null: it is. */
  const refusalOf = (user: BareJid): Fault | null => {
    if (!options.mayAsk(user)) return new Fault('lane-full', { reason: 'tooManyRequests' });
    const isFull = serving >= maxCount || (servingOf.get(user) ?? 0) >= maxPerUser;
    return isFull ? new Fault('lane-full', { reason: 'gatewayBusy' }) : null;
  };

  const serve = async (stanza: Element, addresses: Addresses): Promise<void> => {
    const { signal } = stream;
    const user = addresses.from.bare;
    count(user, 1);
    try {
      const answered = await answer(stanza, addresses);
      if (signal.aborted) return;
      if (answered !== null && 'fault' in answered) write(replyOf(stanza, addresses, answered.fault, answered.detail));
      else send(resultOf(stanza, answered)); // one that is too large becomes an error
    } catch (thrown) {
      const fault = toFault(thrown);
      if (fault.code === 'internal') log.error({ err: fault.cause, peer: addresses.from.bare }, 'an iq handler failed');
      if (!signal.aborted) refuse(stanza, addresses, fault);
    } finally {
      count(user, -1);
    }
  };

  const find = (stanza: Element): Pending | undefined => {
    const type = attr(stanza, 'type');
    if (stanza.getName() !== 'iq' || (type !== 'result' && type !== 'error')) return undefined;
    return pending.get(keyOf(attr(stanza, 'to'), attr(stanza, 'from'), attr(stanza, 'id')));
  };

  const onAnswer = (stanza: Element): void => {
    const found = find(stanza);
    if (!found) return meter.count('responses_unasked_total');
    found.settle(attr(stanza, 'type') === 'error' ? faultOfStanza(readError(stanza)) : stanza);
  };

  return {
    onIq(stanza, addresses) {
      const type = attr(stanza, 'type');
      if (type === 'result' || type === 'error') return onAnswer(stanza);
      if (type !== 'get' && type !== 'set') return refuse(stanza, addresses, new Fault('bad-request'));
      const refusal = refusalOf(addresses.from.bare);
      if (refusal) return refuse(stanza, addresses, refusal);
      serve(stanza, addresses).catch((thrown: unknown) => log.error({ err: thrown }, 'an iq was not answered'));
    },
    isAwaited: (stanza) => find(stanza) !== undefined,
    onTooLarge: (shell, fault) => find(shell)?.settle(fault),
    request(from, to, type, payload, signal) {
      if (signal.aborted) return Promise.reject(toFault(signal.reason));
      if (pending.size >= maxCount) return Promise.reject(new Fault('unavailable', { cause: 'too many requests' }));
      const id = options.newId();
      const key = keyOf(from, to, id);
      return new Promise((resolve, reject: (fault: Fault) => void) => {
        const deadline = new AbortController();
        const settle = (outcome: Element | Fault): void => {
          pending.delete(key);
          deadline.abort();
          signal.removeEventListener('abort', onAbort);
          if (outcome instanceof Fault) reject(outcome);
          else resolve(elements(outcome)[0] ?? null);
        };
        const onAbort = (): void => settle(toFault(signal.reason));
        signal.addEventListener('abort', onAbort, { once: true });
        pending.set(key, { settle });
        clock.sleep(options.answerMs, deadline.signal).then(
          () => settle(new Fault('timeout')),
          () => undefined, // settled in time
        );
        try {
          if (!send(el('iq', { type, id, from, to }, payload))) settle(new Fault('unavailable'));
        } catch (thrown) {
          settle(toFault(thrown));
        }
      });
    },
    serve(all) {
      for (const service of all) services.set(`${service.xmlns} ${service.name}`, service);
    },
    reset(fault) {
      stream.abort(fault);
      stream = new AbortController();
      for (const { settle } of [...pending.values()]) settle(fault);
    },
  };
}

function resultOf(stanza: Element, child: Element | null): Element {
  const attrs = { type: 'result', id: attr(stanza, 'id'), from: attr(stanza, 'to'), to: attr(stanza, 'from') };
  return el('iq', attrs, child);
}

function keyOf(us: string | null, peer: string | null, id: string | null): string {
  return `${us ?? ''} ${peer ?? ''} ${id ?? ''}`;
}
