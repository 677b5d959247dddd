import { quotationOf, splitFallback } from '../../../src/xmpp/stanza/fallback';
import { stanzaOf } from '../stanzas';

const reply = 'urn:xmpp:reply:0';
const message = (ranges: string, feature = reply) =>
  stanzaOf(`<message><fallback xmlns='urn:xmpp:fallback:0' for='${feature}'>${ranges}</fallback></message>`);

describe('a body with a part for clients that do not know a feature', () => {
  test.each<[string, string, string, unknown]>([
    ['at its beginning', `<body start='0' end='4'/>`, '> a\nb', { fallback: '> a\n', own: 'b' }],
    ['at its end', `<body start='1'/>`, 'abc', { fallback: 'bc', own: 'a' }],
    ['in code points', `<body start='0' end='2'/>`, '😀😀x', { fallback: '😀😀', own: 'x' }],
    ['all of it', '<body/>', 'abc', { fallback: 'abc', own: '' }],
    ['all of it, without saying so', '', 'abc', { fallback: 'abc', own: '' }],
    ['past the end', `<body start='1' end='999999'/>`, 'abc', { fallback: 'bc', own: 'a' }],
    ['the wrong way round', `<body start='3' end='1'/>`, 'abc', null],
    ['at no number', `<body start='-1' end='2'/>`, 'abc', null],
    ['at a huge number', `<body start='0' end='99999999999999999999'/>`, 'abc', null],
  ])('%s', (_where, ranges, body, expected) => {
    expect(splitFallback(message(ranges), reply, body)).toEqual(expected);
  });

  test('of another feature is its own text', () => {
    expect(splitFallback(message('<body/>', 'urn:xmpp:other'), reply, 'abc')).toBeNull();
  });
});

describe('a quotation in one line', () => {
  test.each<[string, string, string | null]>([
    ['of one line', '> hi', '> hi'],
    ['of several', '> Romeo wrote:\n> hi\n>\n> there\n', '> Romeo wrote: hi there'],
    ['of a quotation', '> > first\n> second', '> first second'],
    ['of nothing', '>\n> \n', null],
    ['of a long line', `> ${'x'.repeat(1_000_000)}`, `> ${'x'.repeat(77)}…`],
    ['that ends between emoji', `> ${'👩‍👩‍👧'.repeat(40)}`, `> ${'👩‍👩‍👧'.repeat(15)}…`],
  ])('%s', (_what, quoted, expected) => {
    expect(quotationOf(quoted)).toBe(expected);
  });
});
