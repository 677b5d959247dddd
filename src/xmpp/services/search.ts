/** XEP-0055: finding people in the far directory. One field, because that is what a person knows; the answers are ghosts. */
import type { Registration } from '../../bridge/ports';
import type { Account, AddressBook, BareJid } from '../../core/address';
import { Fault } from '../../core/fault';
import { formEl, readForm, tableEl } from '../stanza/form';
import type { IqService } from '../iq';
import { ns } from '../stanza/ns';
import { childText, el, payload, textEl, type Element } from '../stanza/element';
import { textsFor } from '../../core/i18n';

/** Somebody in the far directory. */
export interface Found {
  readonly account: Account;
  readonly name: string | null;
  readonly email: string | null;
}

/** Asks the far directory, as this user. Rejects with a Fault. */
export type SearchFor = (user: BareJid, text: string, signal: AbortSignal) => Promise<readonly Found[]>;

export interface SearchOptions {
  readonly registration: Registration;
  readonly searchFor: SearchFor;
}

/** More would not be read by a person nor fit a stanza. */
const foundMax = 100;

export function directorySearch({ searchFor, registration }: SearchOptions, book: AddressBook): IqService {
  return {
    name: 'query',
    xmlns: ns.search,
    of: 'gateway',
    get({ from, language }) {
      if (registration.accountOf(from.bare) === null) throw new Fault('not-linked');
      const words = textsFor(language).gateway;
      const form = formEl({ type: 'form', title: words.searchTitle, hint: words.searchHint, formType: ns.search }, [
        { var: 'nick', type: 'text-single', label: words.searchField, isRequired: true },
      ]);
      return payload('query', ns.search, {}, textEl('instructions', words.searchHint), el('nick'), form);
    },
    async set({ from, language, payload: query, signal }) {
      if (registration.accountOf(from.bare) === null) throw new Fault('not-linked');
      const words = textsFor(language).gateway;
      const form = readForm(query);
      if (form === 'cancel') return null;
      const text = (form?.get('nick') ?? childText(query, 'nick') ?? '').trim();
      if (text === '') throw new Fault('not-acceptable');
      const found = (await searchFor(from.bare, text, signal)).slice(0, foundMax);
      return form ? asForm(found, book, words.searchTitle) : asItems(found, book);
    },
  };
}

function asForm(found: readonly Found[], book: AddressBook, title: string): Element {
  const columns = [
    { var: 'jid', label: 'JID', type: 'jid-single' },
    { var: 'nick', label: 'Name' },
    { var: 'email', label: 'E-mail' },
  ] as const;
  const rows = found.map(({ account, name, email }) => [book.ghostOf(account), name ?? '', email ?? '']);
  return payload('query', ns.search, {}, tableEl({ title, columns, rows, formType: ns.search }));
}

function asItems(found: readonly Found[], book: AddressBook): Element {
  const items = found.map(({ account, name, email }) =>
    el('item', { jid: book.ghostOf(account) }, textEl('nick', name ?? ''), textEl('email', email ?? '')),
  );
  return payload('query', ns.search, {}, ...items);
}
