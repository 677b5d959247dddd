/**
 * The language of a stanza's sender (xml:lang, RFC 6120 section 4.7.4), and what was last known of each: errors come later than what
 * they are about. Bounded, and forgotten with the process.
 */
import type { BareJid } from '../../core/address';
import { languageOfTag, type Language } from '../../core/i18n';
import { makeRecentMap } from '../../core/recent-map';
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

/** `fallback`: for who never said one. */
export function makeLanguages(fallback: Language): Languages {
  const known = makeRecentMap<BareJid, Language>();
  const lastOf = (user: BareJid): Language => known.get(user) ?? fallback;
  return {
    of(user, stanza) {
      const language = languageOfTag(attr(stanza, 'xml:lang'));
      if (language === null) return lastOf(user);
      known.set(user, language);
      return language;
    },
    lastOf,
  };
}
