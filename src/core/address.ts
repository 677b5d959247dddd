/**
 * Addresses of both networks and the mapping between them (design of the address space: README, "Addresses").
 * Branded strings: a BareJid or an Account exists only when a parser of this file made it.
 *
 * Preparation follows RFC 7622 as far as a gateway needs it: PRECIS UsernameCaseMapped for local parts, OpaqueString for
 * resources, plain label rules for domains. It does not turn A-labels (`xn--`) into U-labels: an address goes back to the
 * XMPP server in the form in which the server wrote it. Nothing here escapes by itself or guesses what is escaped
 * already; XEP-0106 happens in `escapeLocal` and `unescapeLocal` and nowhere else.
 */
import { isIPv6 } from 'node:net';
import { Fault } from './fault';

declare const brand: unique symbol;
/** `local@domain` or `domain`, prepared (folded, checked); RFC 7622. Never carries a resource, never contains a space. */
export type BareJid = string & { readonly [brand]: 'BareJid' };
/** A XIMSS address `user@domain`, folded to lower case once, here. The empty account is the gateway itself, see gatewayPeer. */
export type Account = string & { readonly [brand]: 'Account' };

/** The peer that stands for the gateway itself: its messages come from the bare component domain. */
export const gatewayPeer = '' as Account; // the one Account that no parser makes

/** RFC 7622 section 3.1: each part of a JID is at most this long in UTF-8. */
const partLimitBytes = 1023;
/** RFC 1035 section 2.3.4 */
const labelLimitCount = 63;

/** What one wire attribute holds: the bare JID and, apart, the resource. */
export interface Jid {
  readonly bare: BareJid;
  readonly resource: string | null;
}

/** Nearly every address is plain and short: nothing to fold, nothing to escape, far from every limit. */
const plainLocal = /^[a-z0-9._-]{1,200}$/;
const plainDomain = /^(?=.{1,63}$)[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)*$/;
/** PRECIS IdentifierClass (RFC 8264 section 4.2): printable ASCII, letters, marks, decimal digits. */
const identifier = /^[\x21-\x7e\p{L}\p{M}\p{Nd}]+$/u;
const ignorable = /\p{Default_Ignorable_Code_Point}/u;
/** RFC 7622 section 3.3.1 */
const forbiddenInLocal = /["&'/:<>@]/;
const domainLabel = /^[\p{L}\p{Nd}_](?:[\p{L}\p{M}\p{Nd}_-]*[\p{L}\p{M}\p{Nd}_])?$/u;
/** RFC 3490 section 3.1: what else is a dot between labels */
const dots = /[\u3002\uff0e\uff61]/g;
const wide = /[\uff01-\uffef]/g;
/** controls, lone surrogates and noncharacters */
const unfitForResource = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u;

/** Lower case by code point, so that what stands beside a letter (a final sigma, an escape) cannot change the outcome. */
function lower(text: string): string {
  let out = '';
  for (const char of text) out += char.toLowerCase();
  return out;
}

/** Applies a preparation until nothing changes any more, as RFC 8265 section 3.3 wants; null when it does not settle. */
function settle(text: string, prepare: (text: string) => string): string | null {
  let now = text;
  for (let round = 0; round < 4; round++) {
    const next = prepare(now);
    if (next === now) return now;
    now = next;
  }
  return null;
}

const fold = (text: string): string => lower(text).normalize('NFC');
const foldWide = (text: string): string => fold(text.replace(wide, (char) => char.normalize('NFKC')));
const fits = (text: string): boolean => text !== '' && Buffer.byteLength(text) <= partLimitBytes;
const isIdentifier = (text: string): boolean =>
  identifier.test(text) && !ignorable.test(text) && text.normalize('NFKC') === text;

function prepareLocal(text: string): string | null {
  if (plainLocal.test(text)) return text;
  if (!fits(text)) return null;
  const local = settle(text, foldWide);
  return local !== null && fits(local) && isIdentifier(local) && !forbiddenInLocal.test(local) ? local : null;
}

function prepareResource(text: string): string | null {
  const resource = text.replace(/\p{Zs}/gu, ' ').normalize('NFC');
  return fits(resource) && !unfitForResource.test(resource) ? resource : null;
}

/** A domain prepared: lower case, no final dot, labels or an IPv6 literal in brackets; RFC 7622 section 3.2. Null when it is none. */
export function parseDomain(text: string): string | null {
  if (plainDomain.test(text)) return text;
  if (text.startsWith('[')) {
    const inner = text.slice(1, -1);
    return text.endsWith(']') && isIPv6(inner) && !inner.includes('%') ? text.toLowerCase() : null;
  }
  const domain = settle(text.replace(dots, '.'), foldWide)?.replace(/\.$/, '') ?? '';
  if (!fits(domain) || domain.normalize('NFKC') !== domain || ignorable.test(domain)) return null;
  return domain.split('.').every((label) => label.length <= labelLimitCount && domainLabel.test(label)) ? domain : null;
}

/** A JID from the wire, prepared; null when it is not one. RFC 7622 section 3.1: the first `/` ends the bare part. */
export function parseJid(text: string): Jid | null {
  const slash = text.indexOf('/');
  const bareText = slash < 0 ? text : text.slice(0, slash);
  const at = bareText.indexOf('@');
  const domain = parseDomain(bareText.slice(at + 1));
  if (domain === null) return null;
  const local = at < 0 ? '' : prepareLocal(bareText.slice(0, at));
  const resource = slash < 0 ? null : prepareResource(text.slice(slash + 1));
  if (local === null || (slash >= 0 && resource === null)) return null;
  const bare = (local === '' ? domain : `${local}@${domain}`) as BareJid; // prepared just above, part by part
  return { bare, resource };
}

/** The domain of a bare JID or an account ('' for gatewayPeer). Never throws. */
export function domainOf(address: BareJid | Account): string {
  return address.slice(address.lastIndexOf('@') + 1);
}

/** The local part of a bare JID or an account, null when it has none. */
export function localOf(address: BareJid | Account): string | null {
  const at = address.lastIndexOf('@');
  return at < 0 ? null : address.slice(0, at);
}

/** Letters that XMPP servers of RFC 6122 fold into others (ß, final sigma, iota subscript) and those of RFC 7622 do not. */
const foldedByOldServers = /ß|ς|\u0345/u;

/**
 * A far address `user@domain`, folded; null when it is not one or when no JID can stand for it without the danger that
 * an XMPP server makes another JID of it. So a name keeps to letters, digits and printable ASCII without spaces, has one
 * `@`, and fits a local part together with its domain after escaping.
 */
export function parseAccount(text: string): Account | null {
  const at = text.indexOf('@');
  if (at <= 0 || at !== text.lastIndexOf('@') || text.length > 2 * partLimitBytes) return null;
  const [localText, domainText] = [text.slice(0, at), text.slice(at + 1)];
  if (plainLocal.test(localText) && plainDomain.test(domainText)) return text as Account; // folded and checked as it is
  const local = settle(localText, fold);
  const domain = parseDomain(domainText);
  if (local === null || domain === null || !isIdentifier(local)) return null;
  const account = `${local}@${domain}`;
  const escaped = escape(account);
  // a mark behind an escaped character would join the last letter of the escape: `\3c` + cedilla becomes `\3ç`
  const survives = fold(escaped) === escaped && !foldedByOldServers.test(account.normalize('NFD'));
  return fits(escaped) && survives ? (account as Account) : null; // folded and checked above
}

// ---------------------------------------------------------------- XEP-0106

const special = ' "&\'/:<>@\\';
const codeOf = (char: string): string => `\\${char.charCodeAt(0).toString(16)}`;
const codes = [...special].map((char) => codeOf(char).slice(1)).join('|');
/** a character that cannot stand in a local part, or a backslash that would be read as the start of an escape */
const toEscape = new RegExp(`[ "&'/:<>@]|\\\\(?=${codes})`, 'g');
const toUnescape = new RegExp(`\\\\(${codes})`, 'g');

const escape = (text: string): string => text.replace(toEscape, codeOf);

/** XEP-0106 section 4: escapes once, whatever the text looks like; null for '' and for a space at either end. */
export function escapeLocal(text: string): string | null {
  return text === '' || text.startsWith(' ') || text.endsWith(' ') ? null : escape(text);
}

/** The inverse, one pass; expects folded text (`\2f`, not `\2F`). Null for '' and for `\20` at either end (section 4.2). */
export function unescapeLocal(local: string): string | null {
  if (local === '' || local.startsWith('\\20') || local.endsWith('\\20')) return null;
  return local.replace(toUnescape, (_, code: string) => String.fromCharCode(parseInt(code, 16)));
}

// ---------------------------------------------------------------- accounts <-> ghosts

/** The mapping between accounts and the JIDs that stand for them. */
export interface AddressBook {
  /** The component's own address, which is the ghost of gatewayPeer. */
  readonly component: BareJid;
  /** The one JID that stands for an account. Total, and no two accounts share a ghost. Never throws. */
  ghostOf(account: Account): BareJid;
  /** The account behind a JID of ours, gatewayPeer for the bare domain; null when it is not ours or stands for nothing. */
  accountOf(ghost: BareJid): Account | null;
  /** True for every JID on the component's domain. */
  isOurs(bare: BareJid): boolean;
}

/**
 * Home accounts have their own name before the component's domain, all others the whole escaped address: `romeo@D`,
 * `romeo\40other.net@D`. Read back, `romeo\40H@D` is `romeo@H` too; answers go out under the short form.
 * Throws Fault `jid-malformed` when either domain is none.
 */
export function makeAddressBook(names: { readonly componentDomain: string; readonly homeDomain: string }): AddressBook {
  const component = parseDomain(names.componentDomain);
  const home = parseDomain(names.homeDomain);
  if (component === null || home === null) {
    throw new Fault('jid-malformed', {
      text: `"${component === null ? names.componentDomain : names.homeDomain}" is not a domain.`,
    });
  }
  const homeTail = `@${home}`;
  const ourTail = `@${component}`;
  return {
    component: component as BareJid, // a prepared domain is a bare JID
    ghostOf(account) {
      if (account === gatewayPeer) return component as BareJid; // as above
      const name = account.endsWith(homeTail) ? account.slice(0, -homeTail.length) : account;
      return (escape(name) + ourTail) as BareJid; // parseAccount proved that the escaped form is a prepared local part
    },
    accountOf(ghost) {
      if (ghost === component) return gatewayPeer;
      if (!ghost.endsWith(ourTail)) return null;
      const name = unescapeLocal(ghost.slice(0, -ourTail.length));
      if (name === null) return null;
      return parseAccount(name.includes('@') ? name : name + homeTail);
    },
    isOurs: (bare) => bare === component || bare.endsWith(ourTail),
  };
}
