/** XEP-0059. */
import { pageEl, pageOf, readPageRequest } from '../../../src/xmpp/stanza/page';
import { stanzaOf } from '../stanzas';

const all = Array.from({ length: 250 }, (_, i) => `n${i}`);
const ask = (set: string | null) =>
  pageOf(
    all,
    (name) => name,
    readPageRequest(
      stanzaOf(`<query>${set === null ? '' : `<set xmlns='http://jabber.org/protocol/rsm'>${set}</set>`}</query>`),
    ),
  );

test.each<[string, string | null, number, number]>([
  ['not asked for', null, 0, 100],
  ['of ten', '<max>10</max>', 0, 10],
  ['after one', '<max>10</max><after>n9</after>', 10, 10],
  ['the end', '<max>100</max><after>n239</after>', 240, 10],
  ['after the last', '<max>10</max><after>n249</after>', 250, 0],
  ['the last', '<max>10</max><before/>', 240, 10],
  ['before one', '<max>10</max><before>n15</before>', 5, 10],
  ['only the count', '<max>0</max>', 0, 0],
  ['of too many', '<max>100000</max>', 0, 100],
  ['of nonsense', '<max>-1</max><after>who</after>', 0, 100],
])('a page %s', (_which, set, beginsAt, count) => {
  const page = ask(set);
  expect([page.beginsAt, page.entries.length]).toEqual([beginsAt, count]);
  expect(page.entries).toEqual(all.slice(beginsAt, beginsAt + count));
});

test('says its ends and how many there are', () => {
  expect(pageEl(ask('<max>2</max>'))?.toString()).toBe(
    '<set xmlns="http://jabber.org/protocol/rsm"><first index="0">n0</first><last>n1</last><count>250</count></set>',
  );
  expect(pageEl(ask('<max>0</max>'))?.toString()).toContain('<count>250</count>');
});

test('is not told of where it was not asked for and all is there', () => {
  expect(pageEl(pageOf(['a'], (name) => name, readPageRequest(stanzaOf('<query/>'))))).toBeNull();
});
