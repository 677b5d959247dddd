/**
 * listDirectory (docs/XIMSS.md 7.5): accounts matched by an LDAP filter (RFC 4515: and, or, not, equality with `*`,
 * presence). Fields: cn, mail, uid. The result element is unknown; its name is a dialect option, one child per field.
 */
import type { Call } from './exchange';
import { refusals } from '../refusal';
import type { Account, Session } from '../accounts/store';
import { el, elements, textOf } from '../xml';

const maxResults = 100;
const maxDepth = 20;
type Test = (record: Map<string, string>) => boolean;

export function listDirectory(_session: Session, call: Call): void {
  const { filter = '', limit } = call.request.attrs;
  const max = limit === undefined ? maxResults : Math.min(Number(limit), maxResults);
  if (!(max >= 1)) throw refusals.badParameter('limit');
  const matches = parseFilter(filter);
  const fields = elements(call.request).flatMap((child) => (child.name === 'field' ? [textOf(child)] : []));
  let count = 0;
  for (const account of call.world.accounts.all()) {
    const record = recordOf(account);
    if (!matches(record)) continue;
    if (++count > max) return;
    const shown = fields.filter((name) => record.has(name)).map((name) => el(name, {}, record.get(name) ?? ''));
    call.data(el(call.world.settings.dialect.directoryElement, {}, ...shown));
  }
}

function recordOf(account: Account): Map<string, string> {
  const [uid = ''] = account.address.split('@');
  return new Map([
    ['cn', account.realName === '' ? uid : account.realName],
    ['mail', account.address],
    ['uid', uid],
  ]);
}

/** Throws Refusal when the text is not a filter. */
function parseFilter(text: string): Test {
  let at = 0;
  const fail = () => refusals.badParameter('filter');
  const one = (depth: number): Test => {
    if (depth > maxDepth || text[at] !== '(') throw fail();
    at++;
    const sign = text[at] ?? '';
    if ('&|!'.includes(sign) && sign !== '') {
      at++;
      const parts: Test[] = [];
      while (text[at] === '(') parts.push(one(depth + 1));
      if (text[at] !== ')' || (sign === '!' && parts.length !== 1)) throw fail();
      at++;
      if (sign === '!') return (record) => parts.every((part) => !part(record));
      return (record) => (sign === '&' ? parts.every((part) => part(record)) : parts.some((part) => part(record)));
    }
    const end = text.indexOf(')', at);
    const [whole, name, value] = /^([\w-]+)=([^()]*)$/.exec(text.slice(at, Math.max(end, at))) ?? [];
    if (whole === undefined || name === undefined || value === undefined) throw fail();
    at = end + 1;
    return comparison(name.toLowerCase(), value);
  };
  const test = one(0);
  if (at !== text.length) throw fail();
  return test;
}

/** Equality without case, `*` for any run of characters, `\xx` for a byte. No regular expression: its input is foreign. */
function comparison(name: string, value: string): Test {
  const unescape = (part: string): string =>
    part.replace(/\\([0-9a-f]{2})/gi, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16))).toLowerCase();
  const [first = '', ...others] = value.split('*').map(unescape);
  const last = others.pop();
  return (record) => {
    const text = record.get(name)?.toLowerCase();
    if (text === undefined) return false;
    if (last === undefined) return text === first;
    if (!text.startsWith(first)) return false;
    let at = first.length;
    for (const part of others) {
      const found = text.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return text.length - last.length >= at && text.endsWith(last);
  };
}
