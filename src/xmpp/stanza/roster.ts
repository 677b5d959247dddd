/** Roster items as they stand on the wire, RFC 6121 section 2.1, ours only. Pure. */
import { parseJid, type AddressBook } from '../../core/address';
import { gatewayPeer } from '../../core/model';
import type { RosterEntry } from '../../bridge/ports';
import { ns } from './ns';
import { attr, childrenOf, el, payload, textEl, type Element } from './element';

const subscriptions: readonly RosterEntry['subscription'][] = ['none', 'to', 'from', 'both'];

/** The ghosts in a roster result (the gateway itself among them); other contacts of the user are none of our business. */
export function readRoster(query: Element | null, book: AddressBook): RosterEntry[] {
  return query === null ? [] : childrenOf(query, 'item', ns.roster).flatMap((item) => readItem(item, book));
}

function readItem(item: Element, book: AddressBook): RosterEntry[] {
  const jid = parseJid(attr(item, 'jid') ?? '');
  if (!jid || jid.resource !== null) return [];
  const account = book.accountOf(jid.bare);
  const said = attr(item, 'subscription');
  if (account === null || account === gatewayPeer) return [];
  if (jid.bare !== book.ghostOf(account)) return []; // another spelling of a ghost: nothing ever goes out from it
  const entry: RosterEntry = {
    account,
    name: attr(item, 'name'),
    groups: childrenOf(item, 'group', ns.roster)
      .map((group) => group.getText())
      .filter((group) => group !== ''),
    subscription: subscriptions.find((one) => one === said) ?? 'none',
    ask: attr(item, 'ask') === 'subscribe',
  };
  return [entry];
}

/** The payload that writes (or removes) one item. */
export function writeItem(
  entry: RosterEntry | { readonly remove: RosterEntry['account'] },
  book: AddressBook,
): Element {
  if ('remove' in entry) {
    return payload('query', ns.roster, {}, el('item', { jid: book.ghostOf(entry.remove), subscription: 'remove' }));
  }
  const { account, name, groups, subscription } = entry;
  const attrs = { jid: book.ghostOf(account), name: name === '' ? null : name, subscription };
  return payload('query', ns.roster, {}, el('item', attrs, ...groups.map((group) => textEl('group', group))));
}
