/** XEP-0054, XEP-0292, XEP-0084: who a far contact is. */
import { createHash } from 'node:crypto';
import type { Profile } from '../../../src/core/model';
import type { ProfileOf } from '../../../src/xmpp/services/profile';
import { romeo, begin, ask, conditionOf, INFO } from '../iq-scene';

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
    expect((await ask('get', INFO, 'romeo@ximss.test')).toString()).not.toContain('vcard');
  });
});
