/**
 * Addresses of both networks and the mapping between them (design of the address space: README, "Addresses").
 * Branded strings: a BareJid or an Account exists only when a parser of this file made it.
 */

declare const brand: unique symbol;
/** `local@domain` or `domain`, prepared (folded, checked); RFC 7622. Never carries a resource. */
export type BareJid = string & { readonly [brand]: 'BareJid' };
/** A XIMSS address `user@domain`, folded to lower case once, here. The empty account is the gateway itself, see GATEWAY. */
export type Account = string & { readonly [brand]: 'Account' };
