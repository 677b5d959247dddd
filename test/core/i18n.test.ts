import { Fault, faultTable, faultText, type FaultCode } from '../../src/core/fault';
import { languageOfTag, languages, reasonText, textsFor, type ReasonName } from '../../src/core/i18n';
import { en } from '../../src/core/i18n/en';
import { cleanXmlText } from '../../src/core/text';

/** Every sentence of a language by its path, functions called with values that can be recognised. */
function sentences(texts: object, path = ''): [string, string][] {
  return Object.entries(texts).flatMap(([name, value]: [string, unknown]): [string, string][] => {
    const at = `${path}${name}`;
    if (typeof value === 'string') return [[at, value]];
    if (typeof value === 'function') {
      const words = Array.from({ length: value.length }, (_, i) => `<${i}>`);
      return [[at, String((value as (...given: string[]) => unknown)(...words))]]; // all take values and give text
    }
    if (typeof value === 'object' && value !== null) return sentences(value, `${at}.`);
    throw new TypeError(`${at} is neither a text nor a table of texts`);
  });
}

const other = languages.filter((language) => language !== 'en');

describe.each(languages)('the texts in %s', (language) => {
  const all = sentences(textsFor(language));

  test('have a sentence wherever English has one, with the same values in it', () => {
    const values = (text: string): string[] => [...new Set(text.match(/<\d>/g) ?? [])].sort();
    const shape = (of: [string, string][]) => of.map(([at, text]) => `${at} ${values(text).join('')}`).sort();
    expect(shape(all)).toEqual(shape(sentences(en)));
  });

  test.each(all)('%s can be sent and is not empty', (_at, text) => {
    expect(text.trim()).not.toBe('');
    expect(cleanXmlText(text)).toEqual({ text, removedCount: 0 });
  });
});

test.each(other)('no sentence of %s was left in English', (language) => {
  const english = new Map(sentences(en));
  const left = sentences(textsFor(language)).filter(([at, text]) => english.get(at) === text);
  expect(left).toEqual([]);
});

describe('the language of a tag', () => {
  test.each([
    ['the language itself', 'ru', 'ru'],
    ['with a region', 'en-GB', 'en'],
    ['in capitals', 'RU-ru', 'ru'],
    ['another language', 'de', null],
    ['one that only begins like ours', 'enm', null],
    ['a property of every object', 'constructor', null],
    ['an empty one', '', null],
    ['none', null, null],
  ])('%s', (_name, tag, language) => {
    expect(languageOfTag(tag)).toBe(language);
  });
});

describe('a fault in words', () => {
  test.each(Object.keys(faultTable) as FaultCode[])('%s in every language', (code) => {
    for (const language of languages) {
      expect(faultText(new Fault(code).toData(), language)).toEqual({
        text: textsFor(language).faults[code],
        language,
      });
    }
  });

  test.each(Object.keys(en.reasons) as ReasonName[])(
    'the reason %s in every language, also after it was stored',
    (name) => {
      const fault = new Fault('not-allowed', { reason: name, value: '7' });
      expect(fault.text).toBe(reasonText(name, '7', 'en'));
      const stored = JSON.parse(JSON.stringify(fault.toData())) as ReturnType<Fault['toData']>; // what toData gave
      for (const language of languages) {
        expect(faultText(stored, language)).toEqual({ text: reasonText(name, '7', language), language });
      }
    },
  );

  test("another server's own words keep theirs, and nobody says in which language", () => {
    const fault = new Fault('refused', { text: 'Konto gesperrt' });
    expect(faultText(fault.toData(), 'ru')).toEqual({ text: 'Konto gesperrt', language: null });
  });
});
