/**
 * From and to of an incoming stanza. Preparing an address costs more than parsing the stanza around it, and the same few addresses
 * come again and again: they are remembered, bounded, as texts of their own (a piece of what was read would
 * keep the whole read alive).
 */
import { parseJid, type Account, type AddressBook, type Jid } from '../../core/address';
import { makeRecentMap } from '../../core/recent-map';
import { attr, type Element } from './element';

/** `peer` is null when the ghost stands for nothing. */
export interface Addresses {
  readonly from: Jid;
  readonly to: Jid;
  readonly peer: Account | null;
}

/** Why the addresses of a stanza are of no use; label values of a counter. */
export type NoAddresses = 'no-from' | 'no-to' | 'foreign-to' | 'from-ourselves';

interface Known {
  readonly jid: Jid | null;
  readonly isOurs: boolean;
  readonly peer: Account | null;
}

const knownChars = 256;
const noAddress: Known = { jid: null, isOurs: false, peer: null };

/** Reads the addresses of stanzas; never throws. */
export function makeAddressReader(book: AddressBook): (stanza: Element) => Addresses | NoAddresses {
  const recent = makeRecentMap<string, Known>();

  const parse = (text: string): Known => {
    const jid = parseJid(text);
    const isOurs = jid !== null && book.isOurs(jid.bare);
    return { jid, isOurs, peer: isOurs ? book.accountOf(jid.bare) : null };
  };

  const known = (text: string | null): Known => {
    if (text === null || text === '') return noAddress;
    if (text.length > knownChars) return parse(text);
    const found = recent.get(text);
    if (found) return found;
    const copy = Buffer.from(text, 'utf8').toString('utf8');
    const made = parse(copy);
    recent.set(copy, made);
    return made;
  };

  return (stanza) => {
    const from = known(attr(stanza, 'from'));
    if (!from.jid) return 'no-from';
    const to = known(attr(stanza, 'to'));
    if (!to.jid) return 'no-to';
    if (!to.isOurs) return 'foreign-to';
    if (from.isOurs) return 'from-ourselves';
    return { from: from.jid, to: to.jid, peer: to.peer };
  };
}
