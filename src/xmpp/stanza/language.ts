/**
 * The language of a stanza's sender. What it says (xml:lang, RFC 6120 section 4.7.4) is passed on to the middle, which knows what
 * they have chosen, or remembers what they said; nothing is kept here.
 */
import type { LanguageMemory } from '../../bridge/ports';
import type { BareJid } from '../../core/address';
import { languageOfTag, type Language } from '../../core/i18n';
import { attr, type Element } from './element';

/** The language in which this user is answered now. Never throws. */
export function learnLanguage(memory: LanguageMemory, user: BareJid, stanza: Element): Language {
  const language = languageOfTag(attr(stanza, 'xml:lang'));
  if (language !== null) memory.said(user, language);
  return memory.of(user);
}
