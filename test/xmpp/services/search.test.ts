/** XEP-0055: the far directory. */
import { Fault } from '../../../src/core/fault';
import type { DirectoryEntry } from '../../../src/core/model';
import type { DirectoryPort } from '../../../src/bridge/ports';
import { account } from '../../support/middle-scene';
import { juliet, romeo, begin, ask, conditionOf, side } from '../iq-scene';

const searchQuery = (inside: string): string => `<query xmlns='jabber:iq:search'>${inside}</query>`;
const many = Array.from({ length: 300 }, (_, i): DirectoryEntry => ({
  account: account(`p${i}`),
  name: null,
  email: null,
}));
const directory: DirectoryPort = {
  isThere: () => true,
  search(_user, text) {
    if (text === '') return Promise.reject(new Fault('not-acceptable', { reason: 'nothingToFind' }));
    if (text === 'many') return Promise.resolve(many);
    return Promise.resolve(text === 'rom' ? [{ account: romeo, name: 'Romeo', email: null }] : []);
  },
};
const submit = (fields: string): string => searchQuery(`<x xmlns='jabber:x:data' type='submit'>${fields}</x>`);
const field = (name: string, value: string): string => `<field var='${name}'><value>${value}</value></field>`;

describe('the directory', () => {
  test('form, plain answer, form answer, nothing, not linked', async () => {
    await begin({ directory });
    expect(conditionOf(await ask('get', searchQuery('')))).toBe('registration-required');
    side.links.set(juliet, romeo);
    expect((await ask('get', searchQuery(''))).toString()).toContain('<nick/>');
    const plain = await ask('set', searchQuery('<nick> rom </nick>'));
    expect(plain.toString()).toContain('<item jid="romeo@ximss.test"><nick>Romeo</nick><email');
    const form = await ask('set', submit(field('nick', 'rom')));
    expect(form.toString()).toContain('<field var="jid"><value>romeo@ximss.test</value></field>');
    expect(form.toString()).toContain('<field var="FORM_TYPE" type="hidden"><value>jabber:iq:search</value></field>');
    expect((await ask('set', searchQuery('<nick>x</nick>'))).toString()).not.toContain('<item');
    expect(conditionOf(await ask('set', searchQuery('<nick> </nick>')))).toBe('not-acceptable');
  });

  test.each<[string, string, string]>([
    ['another field', submit(field('first', 'rom')), 'romeo@ximss.test'],
    ['a field twice', submit(field('nick', 'x') + field('nick', 'rom')), 'romeo@ximss.test'],
    ['unknown fields', submit(field('colour', 'red') + field('nick', 'rom')), 'romeo@ximss.test'],
    ['no field', submit(''), 'not-acceptable'],
    ['a huge field', submit(field('nick', 'x'.repeat(50_000))), 'query'],
    [
      'a form that was given up',
      `<query xmlns='jabber:iq:search'><x xmlns='jabber:x:data' type='cancel'/></query>`,
      'result',
    ],
  ])('a form with %s', async (_what, query, expected) => {
    await begin({ directory });
    side.links.set(juliet, romeo);
    expect((await ask('set', query)).toString()).toContain(expected);
  });

  test('many people come in pages', async () => {
    await begin({ directory });
    side.links.set(juliet, romeo);
    const set = (inside: string): string => `<set xmlns='http://jabber.org/protocol/rsm'>${inside}</set>`;
    const jidsOf = (text: string): string[] => [...text.matchAll(/jid="([^"]+)"/g)].map(([, jid = '']) => jid);
    const first = (await ask('set', searchQuery(`<nick>many</nick>${set('<max>2</max>')}`))).toString();
    expect(jidsOf(first)).toEqual(['p0@ximss.test', 'p1@ximss.test']);
    expect(first).toContain('<count>300</count>');
    const next = await ask('set', searchQuery(`<nick>many</nick>${set('<max>2</max><after>p1@ximss.test</after>')}`));
    expect(jidsOf(next.toString())).toEqual(['p2@ximss.test', 'p3@ximss.test']);
    expect(jidsOf((await ask('set', searchQuery('<nick>many</nick>'))).toString())).toHaveLength(100);
  });

  test('a network without a directory says so in the form, in the language of the reader', async () => {
    await begin({ directory: { ...directory, isThere: () => false } });
    side.links.set(juliet, romeo);
    expect((await ask('get', searchQuery(''))).toString()).toContain('has no directory here');
    expect(
      (await ask('get', searchQuery(''), 'ximss.test', 'juliet@jabber.test/b', `xml:lang='ru'`)).toString(),
    ).toContain('нет справочника');
  });

  test('what is not given is not offered', async () => {
    await begin();
    expect(conditionOf(await ask('get', searchQuery('')))).toBe('service-unavailable');
  });
});
