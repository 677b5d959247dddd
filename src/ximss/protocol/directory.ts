/**
 * The directory (docs/XIMSS.md 7.5), pure: a search as an LDAP filter (RFC 4515), its answer as people. How an entry of the
 * answer looks is not documented, so all usual forms are read: fields as attributes, as children, or as children that name
 * them. What is no person with an address is skipped. Bounded: the answer comes from a stranger.
 */
import { parseAccount } from '../../core/address';
import type { DirectoryEntry } from '../../core/model';
import { plainName } from '../../core/text';
import { attr, childrenOf, textOf, type Element } from '../wire/element';
import type { Dialect } from './dialect';
import { listDirectory } from './operations';
import type { Operation } from './request';

/** What a search looks for, at most, in characters. */
const textMax = 100;

interface Fields {
  readonly name: string;
  readonly mail: string;
  readonly login: string;
}

/** Name, e-mail, login name, as the directory calls them (A23). */
function fieldsOf({ directoryFields }: Pick<Dialect, 'directoryFields'>): Fields {
  const [name = 'cn', mail = 'mail', login = 'uid'] = directoryFields
    .split(';')
    .map((field) => field.trim().toLowerCase());
  return { name, mail, login };
}

/** Asks for people whose name, e-mail or login name holds the text; null when the dialect has no directory. */
export function askDirectory(
  text: string,
  limitCount: number,
  dialect: Pick<Dialect, 'directory' | 'directoryFields'>,
): Operation<readonly Element[]> | null {
  if (dialect.directory === 'off') return null;
  const { name, mail, login } = fieldsOf(dialect);
  const part = escapeFilter(text.trim().slice(0, textMax));
  const filter = `(|${[name, mail, login].map((field) => `(${field}=*${part}*)`).join('')})`;
  return listDirectory(filter, limitCount, [name, mail, login]);
}

/** RFC 4515 section 3: characters that mean something in a filter. */
function escapeFilter(text: string): string {
  // NUL is one of them
  return text.replace(/[\\*()\0]/g, (sign) => `\\${sign.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** The people of an answer, each once; a login name without a domain is one of `homeDomain`. Never throws. */
export function readDirectory(
  data: readonly Element[],
  homeDomain: string,
  dialect: Pick<Dialect, 'directoryFields'>,
): readonly DirectoryEntry[] {
  const fields = fieldsOf(dialect);
  const people = new Map<string, DirectoryEntry>();
  for (const document of data) {
    for (const entry of entriesOf(document, fields)) {
      const person = personOf(entry, homeDomain, fields);
      if (person !== null && !people.has(person.account)) people.set(person.account, person);
    }
  }
  return [...people.values()];
}

type Entry = ReadonlyMap<string, string>;

/** The entry that a document is, or those inside it. */
function entriesOf(document: Element, fields: Fields): readonly Entry[] {
  const own = valuesOf(document);
  const isEntry = own.has(fields.mail) || own.has(fields.login);
  return isEntry ? [own] : childrenOf(document).map(valuesOf);
}

function valuesOf(element: Element): Entry {
  const children = childrenOf(element).map((child): [string, string] => [
    (attr(child, 'name') ?? child.name).toLowerCase(),
    textOf(child),
  ]);
  const attrs = Object.entries(element.attrs).map(([name, value]): [string, string] => [name.toLowerCase(), value]);
  return new Map([...attrs, ...children]);
}

function personOf(entry: Entry, homeDomain: string, { name, mail, login }: Fields): DirectoryEntry | null {
  const said = (field: string): string => entry.get(field)?.trim() ?? '';
  const [email, user] = [said(mail), said(login)];
  const local = user.includes('@') || user === '' ? user : `${user}@${homeDomain}`;
  const account = parseAccount(local) ?? parseAccount(email);
  if (account === null) return null;
  return { account, name: plainName(said(name)), email: parseAccount(email) };
}
