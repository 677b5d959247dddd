/**
 * The text of a message for people who have nothing but text: what replies, corrections, reactions, retractions, files and
 * calls for attention say, once. One table says what each feature makes of the text so far; the sender's own fallback text
 * is used where it says more than ours. Pure. XEP-0071, 0424, 0444, 0461, 0066, 0224, 0308.
 */
import type { Texts } from '../../core/i18n';
import { attr, childOf, childText, childrenOf, type Element } from './element';
import { isMarked, quotationOf, quotedLines, splitFallback } from './fallback';
import { ns } from './ns';
import { xhtmlText } from './xhtml';

type Words = Texts['gateway'];
/** What a feature makes of the text so far; null: the message has no text yet. */
type Step = (text: string | null, message: Element, words: Words) => string | null;

/** The features that are text on the other network, in the order in which they are applied. */
export const textFeatures: readonly { readonly xep: string; readonly name: string; readonly apply: Step }[] = [
  { xep: '0071', name: 'formatted text', apply: (text, message) => text ?? xhtmlText(message) },
  { xep: '0424', name: 'retraction', apply: retraction },
  { xep: '0444', name: 'reaction', apply: reaction },
  { xep: '0461', name: 'reply', apply: reply },
  { xep: '0066', name: 'file', apply: files },
  { xep: '0224', name: 'attention', apply: attention },
  { xep: '0308', name: 'correction', apply: correction },
];

/** The whole text, null when the message has none. Never throws. */
export function bodyOf(message: Element, words: Words): string | null {
  let text = textOf(message, 'body');
  for (const { apply } of textFeatures) text = apply(text, message, words);
  return text;
}

/** The text of a body or subject without a language, else the first; null when empty or missing. */
export function textOf(message: Element, name: 'body' | 'subject'): string | null {
  const all = childrenOf(message, name);
  const chosen = all.find((one) => attr(one, 'xml:lang') === null) ?? all[0];
  const text = chosen?.getText() ?? '';
  return text === '' ? null : text;
}

function retraction(text: string | null, message: Element, words: Words): string | null {
  const fastened = childOf(message, 'apply-to', ns.fasten);
  const retract = childOf(message, 'retract', ns.retract1) ?? (fastened && childOf(fastened, 'retract', ns.retract0));
  if (!retract) return text;
  // the usual fallback speaks of the client, which is not the reader's
  const isOurs = text === null || isMarked(message, ns.retract1) || isMarked(message, ns.retract0);
  return isOurs ? words.retracted : text;
}

/** What was reacted to is said when the client quotes it. A text of the person's own is left alone. */
function reaction(text: string | null, message: Element, words: Words): string | null {
  const reactions = childOf(message, 'reactions', ns.reactions);
  if (!reactions) return text;
  const signs = childrenOf(reactions, 'reaction', ns.reactions).map((one) => one.getText().trim());
  const shown = signs.filter((one) => one !== '').join(' ');
  const said = shown === '' ? words.reactionGone : `${words.reaction} ${shown}`;
  if (text === null) return said;
  const quotation = quotationOf(quotedLines(text));
  if (quotation !== null) return `${quotation}\n${said}`;
  return isMarked(message, ns.reactions) ? said : text;
}

/** A quotation for clients without replies is cut to one line. */
function reply(text: string | null, message: Element): string | null {
  if (text === null || !childOf(message, 'reply', ns.reply)) return text;
  const split = splitFallback(message, ns.reply, text);
  const quotation = split && quotationOf(split.fallback);
  if (!split || quotation === null) return text;
  const own = split.own.replace(/^\n+/, '');
  return own === '' ? quotation : `${quotation}\n${own}`;
}

function files(text: string | null, message: Element): string | null {
  const lines = childrenOf(message, 'x', ns.oob).flatMap((file) => fileLines(file, text));
  return lines.length === 0 ? text : [...(text === null ? [] : [text]), ...lines].join('\n');
}

/** Address and description of a file, where the text does not have them already. */
function fileLines(file: Element, said: string | null): string[] {
  const url = childText(file, 'url', ns.oob)?.trim() ?? '';
  const about = childText(file, 'desc', ns.oob)?.trim() ?? '';
  if (url === '' || said?.includes(url)) return [];
  return about === '' || said?.includes(about) ? [url] : [about, url];
}

function attention(text: string | null, message: Element, words: Words): string | null {
  if (!childOf(message, 'attention', ns.attention)) return text;
  return text === null ? words.attention : `${words.attention} ${text}`;
}

function correction(text: string | null, message: Element): string | null {
  return text !== null && childOf(message, 'replace', ns.correct) ? `* ${text}` : text;
}
