/**
 * XEP-0055: finding people in the far directory, plain and as a form, paged (XEP-0059). One field, because that is what a
 * person knows; the answers are ghosts. A network without a directory is told of in the form.
 */
import type { DirectoryPort, Registration } from '../../bridge/ports';
import type { AddressBook } from '../../core/address';
import { Fault } from '../../core/fault';
import { textsFor, type Language } from '../../core/i18n';
import type { DirectoryEntry } from '../../core/model';
import type { IqService } from '../iq';
import { el, payload, textEl, childText, type Element } from '../stanza/element';
import { formEl, readForm, tableEl } from '../stanza/form';
import { ns } from '../stanza/ns';
import { pageEl, pageOf, readPageRequest, type Page } from '../stanza/page';

export interface SearchOptions {
  readonly registration: Registration;
  readonly directory: DirectoryPort;
}

/** Fields in which old and new clients send what a person typed, the first that is not empty counts. */
const fieldNames = ['nick', 'email', 'first', 'last'] as const;
/** Longest text of a field, in characters. */
const textMax = 200;

export function directorySearch({ directory, registration }: SearchOptions, book: AddressBook): IqService {
  return {
    name: 'query',
    xmlns: ns.search,
    of: 'gateway',
    get({ from, language }) {
      if (registration.accountOf(from.bare) === null) throw new Fault('not-linked');
      return emptyForm(directory.isThere(), language);
    },
    async set({ from, language, payload: query }) {
      const form = readForm(query);
      if (form === 'cancel') return null;
      const typed = fieldNames.map((name) => (form?.get(name) ?? childText(query, name) ?? '').trim());
      const text = typed.find((one) => one !== '') ?? '';
      const found = await directory.search(from.bare, text.slice(0, textMax));
      const page = pageOf(found, ({ account }) => book.ghostOf(account), readPageRequest(query));
      return form ? asForm(page, book, language) : asItems(page, book);
    },
  };
}

function emptyForm(isThere: boolean, language: Language): Element {
  const words = textsFor(language).gateway;
  const hint = isThere ? words.searchHint : words.noDirectory;
  const form = formEl({ type: 'form', title: words.searchTitle, hint, formType: ns.search }, [
    { var: 'nick', type: 'text-single', label: words.searchField, isRequired: true },
  ]);
  return payload('query', ns.search, {}, textEl('instructions', hint), el('nick'), form);
}

function asForm(page: Page<DirectoryEntry>, book: AddressBook, language: Language): Element {
  const words = textsFor(language).gateway;
  const columns = [
    { var: 'jid', label: words.foundJid, type: 'jid-single' },
    { var: 'nick', label: words.foundName },
    { var: 'email', label: words.foundEmail },
  ] as const;
  const rows = page.entries.map(({ account, name, email }) => [book.ghostOf(account), name ?? '', email ?? '']);
  const table = tableEl({ title: words.searchTitle, columns, rows }, ns.search);
  return payload('query', ns.search, {}, table, pageEl(page));
}

function asItems(page: Page<DirectoryEntry>, book: AddressBook): Element {
  const items = page.entries.map(({ account, name, email }) =>
    el('item', { jid: book.ghostOf(account) }, textEl('nick', name ?? ''), textEl('email', email ?? '')),
  );
  return payload('query', ns.search, {}, ...items, pageEl(page));
}
