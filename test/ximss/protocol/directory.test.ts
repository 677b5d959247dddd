/** A search of the directory and its answer, whatever it looks like (docs/XIMSS.md 7.5). */
import { defaultDialect } from '../../../src/ximss/protocol/dialect';
import { askDirectory, readDirectory } from '../../../src/ximss/protocol/directory';
import { el, serialise, type Element } from '../../../src/ximss/wire/element';

const filterOf = (text: string): string | undefined => askDirectory(text, 5, defaultDialect)?.request.attrs['filter'];
const read = (...data: Element[]) => readDirectory(data, 'far.test', defaultDialect);
const romeo = { account: 'romeo@far.test', name: 'Romeo', email: 'romeo@far.test' };

test('what is asked', () => {
  const operation = askDirectory(' rom ', 5, defaultDialect);
  expect(operation && serialise(operation.request)).toBe(
    '<listDirectory filter="(|(cn=*rom*)(mail=*rom*)(uid=*rom*))" limit="5"><field>cn</field><field>mail</field><field>uid</field></listDirectory>',
  );
  expect(operation?.dataMax).toBe(5);
  expect(askDirectory('rom', 5, { ...defaultDialect, directory: 'off' })).toBeNull();
});

test.each<[string, string, string]>([
  ['a star', '*', '\\2a'],
  ['a filter', 'x)(uid=*', 'x\\29\\28uid=\\2a'],
  ['a backslash', 'a\\b', 'a\\5cb'],
  ['NUL', 'a\0b', 'a\\00b'],
  ['another script', 'Ромео', 'Ромео'],
  ['a whole page', 'x'.repeat(10_000), 'x'.repeat(100)],
])('%s is text, not a part of the filter', (_what, text, part) => {
  expect(filterOf(text)).toBe(`(|(cn=*${part}*)(mail=*${part}*)(uid=*${part}*))`);
});

const inChildren = el('any', {}, el('cn', {}, 'Romeo'), el('mail', {}, 'romeo@far.test'));
test.each<[string, Element[], unknown[]]>([
  ['fields as children', [inChildren], [romeo]],
  ['fields as attributes', [el('entry', { CN: 'Romeo', Mail: 'romeo@far.test' })], [romeo]],
  [
    'fields that are named',
    [el('x', {}, el('field', { name: 'cn' }, 'Romeo'), el('field', { name: 'mail' }, 'romeo@far.test'))],
    [romeo],
  ],
  [
    'entries in one document',
    [el('list', {}, inChildren, el('entry', { uid: 'nurse' }))],
    [romeo, { account: 'nurse@far.test', name: null, email: null }],
  ],
  [
    'an e-mail elsewhere',
    [el('e', { uid: 'romeo', mail: 'r@mail.test' })],
    [{ account: 'romeo@far.test', name: null, email: 'r@mail.test' }],
  ],
  ['the same twice', [inChildren, inChildren], [romeo]],
  ['nobody', [el('entry', { cn: 'Only a name' }), el('entry'), el('x', {}, 'text')], []],
  ['an address that is none', [el('entry', { mail: 'two words' })], []],
  [
    'a name that deceives',
    [el('entry', { mail: 'a@b.test', cn: '\u202eevil\u0007\n\tname' })],
    [{ account: 'a@b.test', name: 'evil name', email: 'a@b.test' }],
  ],
  [
    'a huge name',
    [el('entry', { mail: 'a@b.test', cn: 'x'.repeat(1_000_000) })],
    [{ account: 'a@b.test', name: `${'x'.repeat(199)}…`, email: 'a@b.test' }],
  ],
])('an answer: %s', (_what, data, expected) => {
  expect(read(...data)).toEqual(expected);
});

test('other names of fields', () => {
  const dialect = { ...defaultDialect, directoryFields: 'displayName; email ;login' };
  const entry = el('entry', { displayname: 'Romeo', login: 'romeo', email: 'romeo@far.test' });
  expect(readDirectory([entry], 'far.test', dialect)).toEqual([romeo]);
});
