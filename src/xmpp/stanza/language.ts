/**
 * The language of a stanza's sender (xml:lang, RFC 6120 section 4.7.4), and what was last known of each: errors come later than what
 * they are about. Bounded, and forgotten with the process.
 */
import type { BareJid } from '../../core/address';
import { languageOfTag, type Language } from '../../core/i18n';
import { attr, type Element } from './element';

/** `fallback` when it says none that we have. Never throws. */
export function languageOf(stanza: Element, fallback: Language): Language {
  return languageOfTag(attr(stanza, 'xml:lang')) ?? fallback;
}

export interface Languages {
  /** The language of what this user sends now; remembered when the stanza says one. */
  of(user: BareJid, stanza: Element): Language;
  /** The language that they said last, else the configured one. */
  lastOf(user: BareJid): Language;
}

/** Users that are remembered, at most twice as many. */
const usersMax = 10_000;

/** `fallback`: for who never said one. */
export function makeLanguages(fallback: Language): Languages {
  let recent = new Map<BareJid, Language>();
  let older = new Map<BareJid, Language>();
  const lastOf = (user: BareJid): Language => recent.get(user) ?? older.get(user) ?? fallback;

  const remember = (user: BareJid, language: Language): void => {
    if (recent.get(user) === language) return;
    if (recent.size >= usersMax) {
      older = recent;
      recent = new Map();
    }
    recent.set(user, language);
  };

  return {
    of(user, stanza) {
      const language = languageOfTag(attr(stanza, 'xml:lang'));
      if (language === null) return lastOf(user);
      remember(user, language);
      return language;
    },
    lastOf,
  };
}
