/**
 * What the gateway itself says to a user: ordinary messages from the component's own address, stored like any other, so
 * that what is accepted survives a crash and reaches who is away (RFC 6121 section 8.5.2.2.1).
 */
import type { BareJid } from '../../core/address';
import { gatewayPeer } from '../../core/model';
import type { Message } from '../../core/model';
import type { Log } from '../../core/runtime';
import type { Intake } from './intake';

/** A message from the gateway itself. */
export function gatewayMessage(text: string, type: Message['type'] = 'chat'): Message {
  return {
    kind: 'message',
    id: null,
    resource: null,
    type,
    body: text,
    subject: null,
    sentAt: null,
    wantsReceipt: false,
    nick: null,
  };
}

/** Sends a user, linked or not, a message from the gateway. Never throws; one that cannot be stored is logged. */
export type SendToUser = (user: BareJid, text: string, type?: Message['type']) => void;

export function makeSendToUser({
  intake,
  log,
}: {
  readonly intake: Pick<Intake, 'accept'>;
  readonly log: Log;
}): SendToUser {
  return (user, text, type) =>
    intake.accept({ direction: 'toJabber', user, peer: gatewayPeer }, gatewayMessage(text, type), null, (fault) => {
      if (fault) log.warn({ peer: user, fault: fault.code }, 'a message from the gateway could not be stored');
    });
}
