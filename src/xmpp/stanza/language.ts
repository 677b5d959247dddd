/** The language of a stanza's sender (xml:lang, RFC 6120 section 4.7.4). */
import { languageOfTag, type Language } from '../../core/i18n';
import { attr, type Element } from './element';

/** `fallback` when it says none that we have. Never throws. */
export function languageOf(stanza: Element, fallback: Language): Language {
  return languageOfTag(attr(stanza, 'xml:lang')) ?? fallback;
}
