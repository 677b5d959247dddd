/**
 * The language of a stanza's sender: its xml:lang (RFC 6120 section 4.7.4), else what the middle knows of them. What is said
 * is passed on to the middle, which remembers it; nothing is kept here.
 */
import type { LanguageMemory } from '../../bridge/ports';
import type { BareJid } from '../../core/address';
import { languageOfTag, type Language } from '../../core/i18n';
import { attr, type Element } from './element';

/** `fallback` when it says none that we have. Never throws. */
export function languageOf(stanza: Element, fallback: Language): Language {
  return languageOfTag(attr(stanza, 'xml:lang')) ?? fallback;
}

/** The language in which this user is answered now. Never throws. */
export function learnLanguage(memory: LanguageMemory, user: BareJid, stanza: Element): Language {
  const language = languageOfTag(attr(stanza, 'xml:lang'));
  if (language === null) return memory.of(user);
  memory.said(user, language);
  return language;
}
