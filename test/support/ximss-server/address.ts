/** XIMSS addresses: `user@domain`, lower case, no resource (docs/XIMSS.md 4). */
import { refusals } from './refusal';

export interface Address {
  /** The whole, folded to lower case. */
  full: string;
  local: string;
  domain: string;
}

/** Splits an address; null when it is not `user@domain` (a resource is refused: no place for one was ever seen). */
export function parseAddress(text: string): Address | null {
  const full = text.trim().toLowerCase();
  const at = full.lastIndexOf('@');
  if (at < 1 || at === full.length - 1 || full.length > 510) return null;
  if (/[/\s<>"]/.test(full.slice(at + 1)) || /[\s<>"]/.test(full.slice(0, at))) return null;
  return { full, local: full.slice(0, at), domain: full.slice(at + 1) };
}

/** The peer of a request. Throws Refusal. */
export function peerOf(value: string | undefined): Address {
  if (value === undefined || value === '') throw refusals.badParameter('peer');
  const address = parseAddress(value);
  if (address === null) throw refusals.badParameter('peer');
  return address;
}
