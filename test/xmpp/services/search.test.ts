/** XEP-0055: the far directory. */
import type { SearchFor } from '../../../src/xmpp/services/search';
import { juliet, romeo, begin, ask, conditionOf, side } from '../iq-scene';

describe('the directory', () => {
  const searchQuery = (inside: string): string => `<query xmlns='jabber:iq:search'>${inside}</query>`;
  const searchFor: SearchFor = (_user, text) =>
    Promise.resolve(text === 'rom' ? [{ account: romeo, name: 'Romeo', email: null }] : []);

  test('the directory: form, plain answer, form answer, nothing, not linked', async () => {
    await begin({ searchFor });
    expect(conditionOf(await ask('get', searchQuery('')))).toBe('registration-required');
    expect(conditionOf(await ask('set', searchQuery('<nick>rom</nick>')))).toBe('registration-required');
    side.links.set(juliet, romeo);
    expect((await ask('get', searchQuery(''))).toString()).toContain('<nick/>');
    const plain = await ask('set', searchQuery('<nick> rom </nick>'));
    expect(plain.toString()).toContain('<item jid="romeo@ximss.test"><nick>Romeo</nick><email');
    const form = await ask(
      'set',
      searchQuery(`<x xmlns='jabber:x:data' type='submit'><field var='nick'><value>rom</value></field></x>`),
    );
    expect(form.toString()).toContain('<field var="jid"><value>romeo@ximss.test</value></field>');
    expect(form.toString()).toContain('<field var="FORM_TYPE" type="hidden"><value>jabber:iq:search</value></field>');
    expect((await ask('set', searchQuery('<nick>x</nick>'))).toString()).not.toContain('<item');
    expect(conditionOf(await ask('set', searchQuery('<nick> </nick>')))).toBe('not-acceptable');
  });

  test('what is not given is not offered', async () => {
    await begin();
    expect(conditionOf(await ask('get', searchQuery('')))).toBe('service-unavailable');
  });
});
