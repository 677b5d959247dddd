import fc from 'fast-check';
import {
  cleanXmlText,
  excerpt,
  formatBasicTime,
  formatDateTime,
  parseBasicTime,
  parseDateTime,
} from '../../src/core/text';
import { anyText } from './arbitraries';

/** XML 1.0 section 2.2, written another way than in the source. */
function isXmlChar(char: string): boolean {
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x20) return code === 9 || code === 10 || code === 13;
  return !(code >= 0xd800 && code <= 0xdfff) && code !== 0xfffe && code !== 0xffff;
}

describe('cleanXmlText', () => {
  test.each([
    ['plain text', 'hello', 'hello', 0],
    ['NUL and escape', 'a\0b\u001bc', 'abc', 2],
    ['tab and line breaks stay as they are', 'a\tb\nc\r\nd\re', 'a\tb\nc\r\nd\re', 0],
    ['noncharacters', 'a\ufffe\uffffb', 'ab', 2],
    ['a lone high surrogate', 'a\ud83db', 'ab', 1],
    ['a lone low surrogate', 'a\ude00b', 'ab', 1],
    ['surrogates in the wrong order', '\ude00\ud83d', '', 2],
    ['a pair stays', '😀', '😀', 0],
    ['a lone one before a pair', '\ud83d😀', '😀', 1],
    ['DEL and C1 are legal', '\u007f\u0085', '\u007f\u0085', 0],
    ['a byte order mark is legal', '\ufeffa', '\ufeffa', 0],
    ['nothing is normalised', 'e\u0301 \u202eשלום\u202c 👨‍👩‍👧 ﬁ', 'e\u0301 \u202eשלום\u202c 👨‍👩‍👧 ﬁ', 0],
  ])('%s', (_, text, clean, removedCount) => {
    expect(cleanXmlText(text)).toEqual({ text: clean, removedCount });
  });

  test('keeps exactly the XML characters, in order, and counts the others', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const wanted = [...text].filter(isXmlChar);
        const { text: clean, removedCount } = cleanXmlText(text);
        expect(clean).toBe(wanted.join(''));
        expect(removedCount).toBe([...text].length - wanted.length);
      }),
    );
  });
});

describe('excerpt', () => {
  test.each([
    ['short enough', 'hello', 5, 'hello'],
    ['cut', 'hello world', 8, 'hello w…'],
    ['counts code points, not units', '😀😀😀', 3, '😀😀😀'],
    ['never half an emoji', '😀😀😀😀', 3, '😀😀…'],
    ['never half a family', 'a👨‍👩‍👧b', 4, 'a…'],
    ['a family that fits', 'a👨‍👩‍👧bcd', 7, 'a👨‍👩‍👧…'],
    ['an accent stays with its letter', 'cafe\u0301s noirs', 5, 'caf…'],
    ['a flag', '🇩🇪🇫🇷🇮🇹', 4, '🇩🇪…'],
    [
      'a letter with more marks than the limit is halved rather than dropped',
      `z${'\u0301'.repeat(9)}`,
      4,
      'z\u0301\u0301…',
    ],
    ['a limit of one', 'hello', 1, '…'],
  ])('%s', (_, text, limit, expected) => {
    expect(excerpt(text, limit)).toBe(expected);
  });

  test('never longer than the limit, never a torn pair, always a beginning', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 80 });
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 40 }), (whole, limit) => {
        const short = excerpt(whole, limit);
        expect([...short].length).toBeLessThanOrEqual(Math.max(limit, 1));
        if (short === whole) return;
        expect(short.endsWith('…')).toBe(true);
        expect(whole.startsWith(short.slice(0, -1))).toBe(true);
        expect(short).not.toMatch(/\p{Cs}/u);
        expect([...whole].length).toBeGreaterThan(limit);
      }),
    );
  });
});

describe('time', () => {
  test.each<[string, string, number | null]>([
    ['the epoch', '19700101T000000', 0],
    ['a leap day', '20240229T123456', Date.UTC(2024, 1, 29, 12, 34, 56)],
    ['with a Z', '20240229T123456Z', Date.UTC(2024, 1, 29, 12, 34, 56)],
    ['no leap day', '20230229T123456', null],
    ['month 13', '20241301T000000', null],
    ['hour 24', '20240101T240000', null],
    ['extended format', '2024-02-29T12:34:56', null],
    ['too short', '20240229T1234', null],
    ['something behind', '20240229T123456 ', null],
    ['nothing', '', null],
  ])('basic format: %s', (_, text, ms) => {
    expect(parseBasicTime(text)).toBe(ms);
  });

  test.each<[string, string, number | null]>([
    ['UTC', '2002-09-10T23:08:25Z', Date.UTC(2002, 8, 10, 23, 8, 25)],
    ['an offset', '1969-07-20T21:56:15-05:00', Date.UTC(1969, 6, 21, 2, 56, 15)],
    ['milliseconds', '2002-09-10T23:08:25.123Z', Date.UTC(2002, 8, 10, 23, 8, 25, 123)],
    ['microseconds are cut', '2002-09-10T23:08:25.123999Z', Date.UTC(2002, 8, 10, 23, 8, 25, 123)],
    ['one digit of fraction', '2002-09-10T23:08:25.5+01:00', Date.UTC(2002, 8, 10, 22, 8, 25, 500)],
    ['no zone', '2002-09-10T23:08:25', null],
    ['no such day', '2002-02-30T23:08:25Z', null],
    ['no such offset', '2002-02-20T23:08:25+99:00', null],
    ['a date alone', '2002-09-10', null],
    ['the old format', '20020910T23:08:25', null],
  ])('XEP-0082: %s', (_, text, ms) => {
    expect(parseDateTime(text)).toBe(ms);
  });

  test('XEP-0082 shows milliseconds only where there are any', () => {
    expect([formatDateTime(0), formatDateTime(1_001)]).toEqual(['1970-01-01T00:00:00Z', '1970-01-01T00:00:01.001Z']);
  });

  test('a time that cannot be written becomes the nearest that can', () => {
    expect([formatBasicTime(-5), formatBasicTime(1e300), formatBasicTime(NaN)]).toEqual([
      '19700101T000000',
      '99991231T235959',
      '19700101T000000',
    ]);
  });

  test('round trips', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 253_402_300_799 }), fc.nat(999), (seconds, rest) => {
        expect(parseBasicTime(formatBasicTime(seconds * 1000 + rest))).toBe(seconds * 1000);
        expect(parseDateTime(formatDateTime(seconds * 1000 + rest))).toBe(seconds * 1000 + rest);
      }),
    );
  });
});
