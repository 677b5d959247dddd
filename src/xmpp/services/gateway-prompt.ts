/** "Add a contact" by far address: jabber:iq:gateway, XEP-0100 section 6.3. The answer is the ghost's JID. */
import { parseAccount, type Account, type AddressBook } from '../../core/address';
import { Fault } from '../../core/fault';
import type { IqService } from '../iq';
import { ns } from '../stanza/ns';
import type { JabberOptions } from '../options';
import { childText, el, payload, textEl } from '../stanza/element';
import { textsFor } from '../../core/i18n';

type Options = Pick<JabberOptions, 'homeDomain'>;

export function gatewayPrompt(options: Options, book: AddressBook): IqService {
  return {
    name: 'query',
    xmlns: ns.gateway,
    of: 'gateway',
    get({ language }) {
      const words = textsFor(language).gateway;
      return payload('query', ns.gateway, {}, textEl('desc', words.gatewayHint), textEl('prompt', words.gatewayPrompt));
    },
    set({ payload: query }) {
      const account = accountFromText(childText(query, 'prompt') ?? '', options.homeDomain);
      if (account === null) throw new Fault('jid-malformed');
      return payload('query', ns.gateway, {}, el('jid', {}, book.ghostOf(account)));
    },
  };
}

/** A far address as a person types it: a name alone is one of the home domain. */
export function accountFromText(typed: string, homeDomain: string): Account | null {
  const text = typed.trim();
  return parseAccount(text.includes('@') ? text : `${text}@${homeDomain}`);
}
