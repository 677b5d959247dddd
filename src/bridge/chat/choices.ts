/** "settings receipts off": which setting is meant and what it is to be. Pure. */
import { languageOfTag, languages, textsFor, type Language } from '../../core/i18n';
import { switchNames, type Settings, type SwitchName } from '../../core/settings';
import { closest, normal } from './understand';

/** What to change; null: not understood. Never throws. */
export function readChoice(text: string): Partial<Settings> | null {
  const [name = '', value = ''] = text.split(/\s+/).map(normal);
  const found = closest(name, settingWords);
  if (!found || value === '') return null;
  if (found.verb === 'language') {
    const language = languageNamed(value);
    return language === undefined ? null : { language };
  }
  const isOn = closest(value, valueWords)?.verb;
  return isOn === undefined ? null : Object.fromEntries(found.names.map((one) => [one, isOn === 'on']));
}

interface SettingWord {
  /** one name for each meaning */
  readonly verb: string;
  readonly names: readonly SwitchName[];
}

const settingWords: ReadonlyMap<string, SettingWord> = makeSettingWords();
const valueWords: ReadonlyMap<string, { readonly verb: 'on' | 'off' }> = makeValueWords();

function makeSettingWords(): Map<string, SettingWord> {
  const all = new Map<string, SettingWord>();
  for (const language of languages) {
    const { settingWords: words } = textsFor(language).chat;
    for (const name of [...switchNames, 'language'] as const) {
      for (const form of words[name].split(' ')) {
        // a word for two settings ("typing") means both
        const names = [...(all.get(form)?.names ?? []), ...(name === 'language' ? [] : [name])];
        all.set(form, { verb: name === 'language' ? name : [...new Set(names)].join(' '), names: [...new Set(names)] });
      }
    }
  }
  return all;
}

function makeValueWords(): Map<string, { verb: 'on' | 'off' }> {
  const all = new Map<string, { verb: 'on' | 'off' }>();
  for (const language of languages) {
    const { on, off } = textsFor(language).chat.valueWords;
    for (const form of on.split(' ')) all.set(form, { verb: 'on' });
    for (const form of off.split(' ')) all.set(form, { verb: 'off' });
  }
  return all;
}

/** A language by its code or its own name; null: as the client says; undefined: none of ours. */
function languageNamed(word: string): Language | null | undefined {
  if (word === 'auto' || languages.some((one) => textsFor(one).chat.valueWords.auto.split(' ').includes(word)))
    return null;
  const named = languages.find((one) => textsFor(one).language.toLowerCase().startsWith(word) && word.length > 2);
  return languageOfTag(word) ?? named ?? undefined;
}
