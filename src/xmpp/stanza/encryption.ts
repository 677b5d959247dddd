/** Is a message encrypted from end to end? Such text is noise on the other network. Pure. XEP-0380, 0384, 0373, 0027, OTR. */
import { childOf, childText, elements, type Element } from './element';
import { ns } from './ns';

/** Payloads that are the encrypted message itself: OMEMO 0.3 and later, OpenPGP old and new. */
const encryptedPayloads: readonly (readonly [name: string, xmlns: string])[] = [
  ['encrypted', 'eu.siacs.conversations.axolotl'],
  ['encrypted', 'urn:xmpp:omemo:1'],
  ['encrypted', 'urn:xmpp:omemo:2'],
  ['openpgp', 'urn:xmpp:openpgp:0'],
  ['x', 'jabber:x:encrypted'],
];

/**
 * `text`: an encrypted text, whose body (if any) only says so. `keys`: key exchange between clients, nothing that a
 * person wrote. `none`: readable.
 */
export function encryptionOf(message: Element): 'text' | 'keys' | 'none' {
  for (const [name, xmlns] of encryptedPayloads) {
    const found = childOf(message, name, xmlns);
    if (!found) continue;
    const isOmemo = name === 'encrypted';
    return isOmemo && !elements(found).some((child) => child.getName() === 'payload') ? 'keys' : 'text';
  }
  const isOtr = childText(message, 'body')?.startsWith('?OTR') ?? false;
  return isOtr || childOf(message, 'encryption', ns.encryption) ? 'text' : 'none';
}
