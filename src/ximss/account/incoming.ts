/**
 * What the server says by itself to one account, on its way to the middle: events into the inbox, contacts and alerts to
 * the listener, answers to whom asked. A message whose sender no address can stand for is counted, its sender is told
 * once, and it is acknowledged: nobody could ever answer it. It keeps no session up; that is account-session.ts.
 */
import type { FarListener } from '../../bridge/ports';
import { surest } from '../../core/identity';
import type { Fault } from '../../core/fault';
import type { Link } from '../../core/model';
import type { XimssContext } from '../context';
import { causeWord } from '../protocol/cause';
import { readDocument } from '../protocol/read';
import type { Operation } from '../protocol/request';
import { writeIqRefusal, writeUnaddressable } from '../protocol/write';
import type { Inbox } from '../session/inbox';
import type { IqRequests } from '../session/iq-requests';
import type { SessionEvents } from '../session/session';
import type { Element } from '../wire/element';

export interface IncomingOptions {
  readonly link: Link;
  readonly context: XimssContext;
  readonly listener: FarListener;
  readonly inbox: Pick<Inbox, 'take'>;
  readonly iqRequests: Pick<IqRequests, 'answer'>;
  /** sends when there is a session, now or never */
  readonly send: (operation: Operation<void>) => void;
  /** the server has said bye */
  readonly onBye: () => void;
}

/** Senders without an address who have been told, by account; the oldest is forgotten. */
const toldMaxCount = 100;

export class Incoming implements Pick<SessionEvents, 'onAsync' | 'onOddity'> {
  private readonly told = new Set<string>();

  constructor(private readonly options: IncomingOptions) {}

  onAsync(document: Element, place?: string): Promise<void> | undefined {
    const { link, context, listener, inbox, iqRequests, send, onBye } = this.options;
    const reading = readDocument(document, context.dialect);
    switch (reading.kind) {
      case 'event':
        return inbox.take(reading.peer, reading.event, surest(reading.identity, place));
      case 'contact':
        this.call(() => listener.onContact(link.user, reading.account, reading.contact));
        return undefined;
      case 'notice':
        this.call(() => listener.onAlert(link.user, reading.text));
        return undefined;
      case 'iq-question':
        send(writeIqRefusal(reading.peer, reading.iqid));
        return undefined;
      case 'bye':
        onBye();
        return undefined;
      case 'iq-answer':
        if (!iqRequests.answer(reading.peer, document)) context.meter.count('responses_unasked_total');
        return undefined;
      case 'unaddressable':
        this.onUnaddressable(reading.peer);
        return undefined;
      case 'nothing':
        context.log.debug({ account: link.account, kind: document.name.slice(0, 40), why: reading.why }, 'ignored');
        return undefined;
    }
  }

  onOddity(kind: 'unasked-response' | 'unasked-data' | 'unreadable', fault: Fault | null): void {
    const { meter, log } = this.options.context;
    if (fault === null) meter.count('responses_unasked_total');
    else meter.count('faults_total', { part: 'ximss', code: fault.code });
    const { account } = this.options.link;
    log.warn(
      { account, kind, fault: fault?.code, why: causeWord(fault) },
      'what the server sent was not expected, ignored',
    );
  }

  /** A listener that throws must not take the wire with it. */
  call(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.options.context.log.error({ account: this.options.link.account, err: error }, 'the listener has thrown');
    }
  }

  private onUnaddressable(peer: string): void {
    const { link, context, send } = this.options;
    context.meter.count('faults_total', { part: 'ximss', code: 'jid-malformed' });
    if (this.told.has(peer)) return;
    const [oldest] = this.told;
    if (this.told.size >= toldMaxCount && oldest !== undefined) this.told.delete(oldest);
    this.told.add(peer);
    const fields = { account: link.account, peer: peer.slice(0, 200) };
    context.log.warn(fields, 'a message was not passed on: its sender has no address that can be used here');
    if (peer !== '') send(writeUnaddressable(peer, context.dialect));
  }
}
