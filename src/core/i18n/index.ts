/**
 * The languages that people are spoken to in: one table of texts each, all of one shape. Which language a reader gets is
 * decided by the caller: what they wrote last (`xml:lang`, RFC 6120 section 4.7.4), else the configured one.
 */
import { en, type Texts } from './en';
import { ru } from './ru';

export type { Texts };

/** Names of sentences that say why something was refused. */
export type ReasonName = keyof Texts['reasons'];

const tables = { en, ru } satisfies Record<string, Texts>;

export type Language = keyof typeof tables;

/** All languages, as the configuration and `xml:lang` name them. */
export const languages = Object.keys(tables) as readonly Language[]; // the keys of the record above

/** The texts of a language. Never throws. */
export function textsFor(language: Language): Texts {
  return tables[language];
}

/** The language of a tag such as `ru` or `en-GB` (RFC 5646), null when there is none of ours. Never throws. */
export function languageOfTag(tag: string | null): Language | null {
  const primary = tag?.split('-', 1)[0]?.toLowerCase();
  return languages.find((language) => language === primary) ?? null;
}

/** A sentence of the table of reasons with its value, if it has one. Never throws. */
export function reasonText(name: ReasonName, value: string, language: Language): string {
  const text = tables[language].reasons[name];
  return typeof text === 'string' ? text : text(value);
}
