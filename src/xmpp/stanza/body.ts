/**
 * The text of a message for people who have nothing but text: what corrections, replies, reactions, retractions and files
 * say, once. The sender's own fallback text is used where there is one; ours is used where there is none. Pure.
 * XEP-0308, 0461 (its quotation is the fallback text), 0444, 0424, 0066, 0380, 0428.
 */
import { ns } from './ns';
import { attr, childOf, childText, childrenOf, elements, type Element } from './element';
import type { Texts } from '../../core/i18n';

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

/** The whole text, null when the message has none. */
export function bodyOf(message: Element, words: Texts['gateway']): string | null {
  const said = textOf(message, 'body');
  const urls = childrenOf(message, 'x', ns.oob).flatMap((file) => oobLines(file, said));
  const lines = [...(said === null ? [] : [said]), ...urls];
  if (lines.length === 0) return silentText(message, words);
  const text = lines.join('\n');
  return childOf(message, 'replace', ns.correct) ? `${words.correction} ${text}` : text;
}

/** The text of a body or subject without a language, else the first; null when empty or missing. */
export function textOf(message: Element, name: 'body' | 'subject'): string | null {
  const all = childrenOf(message, name);
  const chosen = all.find((one) => attr(one, 'xml:lang') === null) ?? all[0];
  const text = chosen?.getText() ?? '';
  return text === '' ? null : text;
}

/** Address and description of a file, where the text does not have them already. */
function oobLines(file: Element, said: string | null): string[] {
  const url = childText(file, 'url', ns.oob)?.trim() ?? '';
  const about = childText(file, 'desc', ns.oob)?.trim() ?? '';
  if (url === '' || said?.includes(url)) return [];
  return about === '' || said?.includes(about) ? [url] : [about, url];
}

/** What a message without text does, in words. */
function silentText(message: Element, words: Texts['gateway']): string | null {
  const reactions = childOf(message, 'reactions', ns.reactions);
  if (reactions) {
    const signs = childrenOf(reactions, 'reaction', ns.reactions).map((one) => one.getText().trim());
    const shown = signs.filter((sign) => sign !== '').join(' ');
    return shown === '' ? words.reactionGone : `${words.reaction} ${shown}`;
  }
  const fastened = childOf(message, 'apply-to', ns.fasten);
  const isRetraction =
    childOf(message, 'retract', ns.retract1) ?? (fastened && childOf(fastened, 'retract', ns.retract0));
  return isRetraction ? words.retracted : null;
}
