/** Links on their way out and back: sealed, and nothing is changed by what cannot be right. */
import { makeSealer, makeSealing } from '../../../src/store/records/sealer';
import { account, jid, juliet, makeOperatorScene } from './operator-scene';

test('a lost machine has its links again, with their passwords', async () => {
  const { sealed, count } = await makeOperatorScene(['juliet', 'nurse']).run('links export');
  expect(count).toBe(2);
  expect(sealed).not.toMatch(/juliet|PASSWORD/);
  const { run, links } = makeOperatorScene([]);
  expect(await run('links import', { sealed: `${sealed}\n` })).toEqual({ added: 2, replaced: 0, kept: 0 });
  expect(links.get(juliet)).toMatchObject({ account: account('juliet'), password: 'PASSWORD' });
});

test('links that are there stay, unless they are to be replaced', async () => {
  const { sealed } = await makeOperatorScene(['juliet', 'nurse']).run('links export');
  const { run } = makeOperatorScene(['juliet']);
  expect(await run('links import', { sealed })).toEqual({ added: 1, replaced: 0, kept: 1 });
  expect(await run('links import', { sealed, replace: true })).toEqual({ added: 0, replaced: 2, kept: 0 });
});

const seal = (text: string, purpose = 'exported links', key = 1) =>
  makeSealing(makeSealer([Buffer.alloc(32, key)])).seal(purpose, text);
const whole = (over: object) =>
  seal(JSON.stringify({ v: 1, domains: ['ximss.test', 'far.test'], links: [], made: [], ...over }));

test.each<[string, string, RegExp]>([
  ['nonsense', 'nonsense', /damaged/],
  ['a damaged one', `${whole({}).slice(0, -8)}AAAAAAAA`, /damaged/],
  ['half of one', whole({}).slice(0, 60), /damaged/],
  ['one sealed with another key', seal('{}', 'exported links', 2), /key [0-9a-f]{8}/],
  ['a sealed password', seal('{}', 'juliet@jabber.test'), /damaged/],
  ['one of other domains', whole({ domains: ['ximss.other', 'far.test'] }), /ximss\.other/],
  ['one of a later version', whole({ v: 2 }), /no export/],
  [
    'one with an address that is none',
    whole({ links: [{ user: 'a b', account: 'x@y', password: '', origin: 'registered' }] }),
    /no export/,
  ],
])('%s changes nothing', async (_what, sealed, text) => {
  const { run, acts, links } = makeOperatorScene();
  await expect(run('links import', { sealed })).rejects.toMatchObject({
    code: 'not-acceptable',
    text: expect.stringMatching(text) as string, // a matcher
  });
  expect(acts).toEqual([]);
  expect([...links.keys()]).toEqual([jid('juliet')]);
});
