/** What a person wants who writes to the gateway. */
import { readChoice } from '../../../src/bridge/chat/choices';
import { understand } from '../../../src/bridge/chat/understand';
import { languages, textsFor } from '../../../src/core/i18n';
import { switchNames } from '../../../src/core/settings';

const texts: readonly [string, string | null, string?][] = [
  ['help', 'help'],
  ['  Help!', 'help'],
  ['HELP me please', 'help', 'me please'],
  ['?', 'help'],
  ['помощь', 'help'],
  ['Помощ', 'help'],
  ['статус', 'status'],
  ['statsu', 'status'],
  ['settnigs receipts off', 'settings', 'receipts off'],
  ['where 42', 'where', '42'],
  ['search  Romeo   Montague', 'search', 'Romeo Montague'],
  ['найти Ромео', 'search', 'Ромео'],
  ['yes', 'yes'],
  ['да', 'yes'],
  ['yess', null],
  ['', null],
  ['   ', null],
  ['lorem ipsum', null],
  ['xy', null],
  ['constructor', null],
  ['__proto__', null],
  [`${'h'.repeat(100_000)}elp`, null],
  ['\u202eпомощь', 'help'],
];
test.each(texts.map(([text, verb, rest = null]) => [text, verb, rest] as const))('%j', (text, verb, rest) => {
  const wish = understand(text);
  expect(wish?.verb ?? null).toBe(verb);
  if (rest !== null) expect(wish?.rest).toBe(rest);
});

test('the language of a word is known, unless it is a word of several', () => {
  expect([understand('статус')?.language, understand('status')?.language]).toEqual(['ru', 'en']);
});

test.each(languages)('in %s no word of a verb is one slip from a word of another', (language) => {
  const { words } = textsFor(language).chat;
  for (const [verb, forms] of Object.entries(words)) {
    for (const form of forms.split(' ')) expect(`${form} ${understand(form)?.verb}`).toBe(`${form} ${verb}`);
  }
});

describe('a choice', () => {
  test.each<[string, unknown]>([
    ['receipts off', { receipts: false }],
    ['reciepts off', { receipts: false }],
    ['квитанции выкл', { receipts: false }],
    ['typing on', { typingOut: true, typingIn: true }],
    ['typing-in off', { typingIn: false }],
    ['presence нет', { presence: false }],
    ['language ru', { language: 'ru' }],
    ['язык русский', { language: 'ru' }],
    ['language auto', { language: null }],
    ['language klingon', null],
    ['receipts', null],
    ['receipts maybe', null],
    ['colour red', null],
    ['', null],
  ])('%j', (text, expected) => {
    expect(readChoice(text)).toEqual(expected);
  });

  test.each(languages)('every setting can be named in %s', (language) => {
    const { settingWords, valueWords } = textsFor(language).chat;
    const off = valueWords.off.split(' ')[0];
    for (const name of switchNames) {
      const word = settingWords[name].split(' ').at(-1);
      expect(readChoice(`${word} ${off}`)).toMatchObject({ [name]: false });
    }
  });
});
