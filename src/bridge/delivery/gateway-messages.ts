/**
 * What the gateway itself says to a user: ordinary messages from the component's own address, stored like any other, so
 * that what is accepted survives a crash and reaches who is away (RFC 6121 section 8.5.2.2.1).
 */
import type { BareJid } from '../../core/address';
import type { Language } from '../../core/i18n';
import { chatMessage, gatewayPeer } from '../../core/model';
import type { Message } from '../../core/model';
import type { Log } from '../../core/runtime';
import type { LanguageMemory } from '../ports';
import type { Intake } from './intake';

/** A message from the gateway itself. `language` null: another's own words, nobody knows in which. */
export function gatewayMessage(text: string, language: Language | null, type: Message['type'] = 'chat'): Message {
  return chatMessage(text, { type, ...(language === null ? {} : { language }) });
}

/**
 * Sends a user, linked or not, a message from the gateway: what the words are in their language (or in the one that is
 * given), or another's own words. Never throws; one that cannot be stored is logged.
 */
export type SendToUser = (user: BareJid, words: string | ((language: Language) => string), language?: Language) => void;

export interface SendToUserOptions {
  readonly intake: Pick<Intake, 'accept'>;
  readonly languages: Pick<LanguageMemory, 'of'>;
  readonly log: Log;
}

export function makeSendToUser({ intake, languages, log }: SendToUserOptions): SendToUser {
  return (user, words, given) => {
    const reader = given ?? languages.of(user);
    const [text, language] = typeof words === 'string' ? [words, null] : [words(reader), reader];
    intake.accept({ direction: 'toJabber', user, peer: gatewayPeer }, gatewayMessage(text, language), null, (fault) => {
      if (fault) log.warn({ peer: user, fault: fault.code }, 'a message from the gateway could not be stored');
    });
  };
}
