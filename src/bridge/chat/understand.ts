/**
 * What a person wants who writes to the gateway: the first word says it, in any of our languages and with a slip of the
 * finger in it. What looks like a password is only recognised, so that it can be refused. Pure; bounded work.
 */
import { languages, textsFor, type Language, type Texts } from '../../core/i18n';

export type Verb = keyof Texts['chat']['words'];

export interface Wish {
  readonly verb: Verb;
  /** what follows the first word */
  readonly rest: string;
  /** the language of the word, null when it is the same in several */
  readonly language: Language | null;
}

/** Only so much is looked at, in characters. */
const textMax = 500;
const wordMax = 24;

/** The wish of a text; null: not understood. Never throws. */
export function understand(text: string): Wish | null {
  const [first = '', ...more] = text.slice(0, textMax).trim().split(/\s+/);
  const found = closest(normal(first), vocabulary);
  return found && { ...found, rest: more.join(' ') };
}

interface Entry {
  readonly verb: Verb;
  readonly language: Language | null;
}

const vocabulary: ReadonlyMap<string, Entry> = makeVocabulary();

function makeVocabulary(): Map<string, Entry> {
  const all = new Map<string, Entry>();
  for (const language of languages) {
    const { words } = textsFor(language).chat;
    for (const [verb, forms] of Object.entries(words) as [Verb, string][]) {
      // the keys of the table are the verbs
      for (const form of forms.split(' ')) {
        const known = all.get(form);
        all.set(form, { verb, language: known && known.language !== language ? null : language });
      }
    }
  }
  return all;
}

/** Small letters, without the signs that people put before and after a word. */
export function normal(word: string): string {
  const letters = word.toLowerCase().replaceAll('ё', 'е');
  return letters.replace(/^[^\p{L}\p{N}?]+|[^\p{L}\p{N}?]+$/gu, '').slice(0, wordMax);
}

/** The entry of a word, or of the only meaning that is one slip away (two in a long word). Never throws. */
export function closest<T extends { readonly verb: string }>(word: string, known: ReadonlyMap<string, T>): T | null {
  const exact = known.get(word);
  if (exact) return exact;
  const slipsMax = word.length >= 7 ? 2 : word.length >= 4 ? 1 : 0;
  if (slipsMax === 0) return null;
  const near = [...known].filter(([form]) => form.length >= 4 && slipsBetween(word, form, slipsMax) <= slipsMax);
  const [first] = near;
  return first && near.every(([, { verb }]) => verb === first[1].verb) ? first[1] : null;
}

/** Letters that are wrong, missing, too many, or changed about with their neighbour; more than `most` is not counted further. */
function slipsBetween(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const isSame = a[i - 1] === b[j - 1];
      const isSwapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const cost = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (isSame ? 0 : 1));
      next.push(isSwapped ? Math.min(cost, (before[j - 2] ?? 0) + 1) : cost);
    }
    [before, row] = [row, next];
  }
  return row[b.length] ?? most + 1;
}
