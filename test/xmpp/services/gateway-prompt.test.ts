/** jabber:iq:gateway: a far address becomes a JID. */
import { childText, elements, type Element } from '../../../src/xmpp/stanza/element';
import { begin, ask, conditionOf } from '../iq-scene';

describe('the address prompt, XEP-0100', () => {
  const prompt = (text: string): string => `<query xmlns='jabber:iq:gateway'><prompt>${text}</prompt></query>`;
  const get = `<query xmlns='jabber:iq:gateway'/>`;

  test.each<[string, string, string]>([
    ['an address elsewhere', 'romeo@example.net', 'romeo\\40example.net@ximss.test'],
    ['an address at home', ' Romeo@far.test ', 'romeo@ximss.test'],
    ['a name', 'romeo', 'romeo@ximss.test'],
  ])('%s', async (_what, typed, ghost) => {
    await begin();
    const query = elements(await ask('set', prompt(typed)))[0] as Element; // asserted next
    expect(childText(query, 'jid')).toBe(ghost);
  });

  test('what is no address is said to be none', async () => {
    await begin();
    for (const typed of ['', ' ', 'a b@c', '@', 'a@@b'])
      expect(conditionOf(await ask('set', prompt(typed)))).toBe('jid-malformed');
  });

  test('in two languages', async () => {
    await begin();
    const english = elements(await ask('get', get))[0] as Element; // asserted next
    const russian = elements(await ask('get', get, 'ximss.test', 'j@jabber.test/b', `xml:lang='ru'`))[0] as Element; // as above
    expect(childText(english, 'desc')).toMatch(/^Enter/);
    expect(childText(russian, 'desc')).toMatch(/^Введите/);
  });
});
