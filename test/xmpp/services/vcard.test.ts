/** XEP-0054, XEP-0292, XEP-0084: who a far contact is. */
import { createHash } from 'node:crypto';
import type { Profile } from '../../../src/core/model';
import type { ProfileOf } from '../../../src/xmpp/services/profile';
import { juliet, romeo, side, connection, begin, ask, conditionOf, infoQuery } from '../iq-scene';

describe('cards and avatars', () => {
  const pixel = Buffer.from('not really a picture');
  const hash = createHash('sha1').update(pixel).digest('hex');
  const profile: Profile = {
    fullName: 'Romeo <M>',
    nick: 'R',
    email: 'romeo@far.test',
    phone: '+1 (2) 3',
    organisation: 'Montague',
    title: null,
    url: 'https://r.test',
    about: null,
    photo: { type: 'image/png', base64: pixel.toString('base64') },
  };
  const profileOf: ProfileOf = (_user, peer) => Promise.resolve(peer === romeo ? profile : null);
  const items = (node: string): string =>
    `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='${node}'/></pubsub>`;

  test.each<[string, string, string, string]>([
    ['the old card', `<vCard xmlns='vcard-temp'/>`, 'romeo@ximss.test', '<FN>Romeo &lt;M&gt;</FN>'],
    [
      'the photo in the old card',
      `<vCard xmlns='vcard-temp'/>`,
      'romeo@ximss.test',
      `<PHOTO><TYPE>image/png</TYPE><BINVAL>${pixel.toString('base64')}</BINVAL></PHOTO>`,
    ],
    [
      'the new card',
      `<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'/>`,
      'romeo@ximss.test',
      '<tel><uri>tel:+123</uri></tel>',
    ],
    ['the new card as an item', items('urn:xmpp:vcard4'), 'romeo@ximss.test', '<fn><text>Romeo &lt;M&gt;</text></fn>'],
    [
      'about the avatar',
      items('urn:xmpp:avatar:metadata'),
      'romeo@ximss.test',
      `<info id="${hash}" type="image/png" bytes="20"/>`,
    ],
    [
      'the avatar',
      items('urn:xmpp:avatar:data'),
      'romeo@ximss.test',
      `<item id="${hash}"><data xmlns="urn:xmpp:avatar:data">${pixel.toString('base64')}</data></item>`,
    ],
    ['another item', items('urn:none'), 'romeo@ximss.test', '<item-not-found'],
    ['nobody', `<vCard xmlns='vcard-temp'/>`, 'nobody@ximss.test', '<item-not-found'],
    ['the gateway', `<vCard xmlns='vcard-temp'/>`, 'ximss.test', '<FN>XIMSS gateway</FN>'],
  ])('%s', async (_what, payload, to, expected) => {
    await begin({ profileOf });
    expect((await ask('get', payload, to)).toString()).toContain(expected);
  });

  test.each<[string, Partial<Profile>, string, boolean]>([
    ['a photo that is a script', { photo: { type: 'image/svg+xml', base64: 'PHN2Zy8+' } }, 'PHOTO', false],
    ['a photo that is a page', { photo: { type: 'text/html', base64: 'PGI+' } }, 'PHOTO', false],
    ['a photo of a usual type', { photo: { type: 'image/WebP', base64: 'AAAA' } }, 'PHOTO', true],
    ['an address that is a script', { url: 'javascript:alert(1)' }, '<URL>', false],
    ['an address that is data', { url: 'data:text/html,x' }, '<URL>', false],
    ['an address of a page', { url: 'HTTPS://r.test' }, '<URL>', true],
  ])('a hostile card is cut down: %s', async (_what, part, text, isShown) => {
    await begin({ profileOf: () => Promise.resolve({ ...profile, photo: null, url: null, ...part }) });
    const card = (await ask('get', `<vCard xmlns='vcard-temp'/>`, 'romeo@ximss.test')).toString();
    const newCard = (await ask('get', items('urn:xmpp:vcard4'), 'romeo@ximss.test')).toString();
    expect(card.includes(text)).toBe(isShown);
    expect(newCard.includes(text.replace(/[<>]/g, '').toLowerCase())).toBe(isShown);
  });

  test('an avatar that has changed meanwhile is not given for another', async () => {
    await begin({ profileOf });
    const item = (id: string): string => items('urn:xmpp:avatar:data').replace('/></', `><item id='${id}'/></items></`);
    expect(conditionOf(await ask('get', item(hash), 'romeo@ximss.test'))).toBe('result');
    expect(conditionOf(await ask('get', item('0'.repeat(40)), 'romeo@ximss.test'))).toBe('item-not-found');
  });

  test('a photo that is left out is not told of any more', async () => {
    const large = { type: 'image/png', base64: 'A'.repeat(300_000) };
    const largeHash = createHash('sha1').update(Buffer.from(large.base64, 'base64')).digest('hex');
    await begin({ profileOf: () => Promise.resolve({ ...profile, photo: large }) });
    await ask('get', `<vCard xmlns='vcard-temp'/>`, 'romeo@ximss.test');
    const tell = (avatarHash: string): boolean =>
      side.jabber.sendNow(juliet, romeo, { kind: 'presence', show: 'online', status: null, avatarHash });
    tell(largeHash);
    tell(hash);
    await connection.expect(`<photo>${hash}</photo>`);
    expect(connection.received()).toContain('<photo/>');
    expect(connection.received()).not.toContain(largeHash);
  });

  test('setting is refused, and a photo that no stanza holds is left out', async () => {
    await begin({
      profileOf: () => Promise.resolve({ ...profile, photo: { type: 'x', base64: 'A'.repeat(300_000) } }),
    });
    expect(conditionOf(await ask('set', `<vCard xmlns='vcard-temp'/>`, 'romeo@ximss.test'))).toBe('not-allowed');
    const card = await ask('get', `<vCard xmlns='vcard-temp'/>`, 'romeo@ximss.test');
    expect(card.toString()).toContain('<NICKNAME>R</NICKNAME>');
    expect(card.toString()).not.toContain('PHOTO');
  });

  test('what is not given is not offered', async () => {
    await begin();
    expect(conditionOf(await ask('get', `<vCard xmlns='vcard-temp'/>`, 'romeo@ximss.test'))).toBe(
      'service-unavailable',
    );
    expect((await ask('get', infoQuery, 'romeo@ximss.test')).toString()).not.toContain('vcard');
  });
});
