/** Cards of contacts: how one is read, and asking for it over every wire. */
import { readCard } from '../../../src/ximss/protocol/vcard';
import { el, type Element } from '../../../src/ximss/wire/element';
import { el as made } from '../../support/ximss-server/xml';
import { account } from '../support';
import { juliet, startScenario, romeo, type Scenario, type Wire } from '../scenario';

const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex').toString('base64');
const answer = (...fields: Element[]): Element => el('iqRead', {}, el('vCard', {}, ...fields));
const nothing = {
  fullName: null,
  nick: null,
  email: null,
  phone: null,
  organisation: null,
  title: null,
  url: null,
  about: null,
  photo: null,
};
const photo = (type: string, base64: string): Element =>
  el('PHOTO', {}, el('TYPE', {}, type), el('BINVAL', {}, base64));

test.each<[string, Element, object | null]>([
  ['an error', el('iqRead', { type: 'error' }, el('error')), null],
  ['an empty card', answer(), null],
  ['a name', answer(el('FN', {}, ' Romeo ')), { ...nothing, fullName: 'Romeo' }],
  [
    'the first of several addresses that says anything',
    answer(el('EMAIL', {}, el('HOME')), el('EMAIL', {}, el('USERID', {}, 'r@x.dom'))),
    { ...nothing, email: 'r@x.dom' },
  ],
  ['an address without structure', answer(el('EMAIL', {}, 'r@x.dom')), { ...nothing, email: 'r@x.dom' }],
  [
    'telephone and organisation',
    answer(el('TEL', {}, el('NUMBER', {}, '+12')), el('ORG', {}, el('ORGNAME', {}, 'Montague'))),
    { ...nothing, phone: '+12', organisation: 'Montague' },
  ],
  ['a text of any length', answer(el('DESC', {}, 'x'.repeat(5_000))), { ...nothing, about: `${'x'.repeat(999)}…` }],
  ['a photo', answer(photo('image/png', `${png}\n`)), { ...nothing, photo: { type: 'image/png', base64: png } }],
  [
    'what it is counts, not its label',
    answer(photo('text/html', png)),
    { ...nothing, photo: { type: 'image/png', base64: png } },
  ],
  ['no base64', answer(photo('image/png', '<script>')), nothing],
  ['no picture', answer(photo('text/html', 'PGh0bWw+')), nothing],
  [
    'an unknown kind of picture',
    answer(photo('image/tiff', 'AAAA')),
    { ...nothing, photo: { type: 'image/tiff', base64: 'AAAA' } },
  ],
])('%s', (_what, document, expected) => {
  expect(readCard(document)).toEqual(expected);
});

describe.each<Wire>(['tcp', 'http'])('asked for over %s', (wire) => {
  let scenario: Scenario;
  afterEach(async () => {
    await scenario.end();
    expect(scenario.server.strict.violations).toEqual([]);
  });
  const begin = async (
    ...dialect: Parameters<typeof startScenario> extends [unknown?, ...infer Rest] ? Rest : never
  ) => {
    scenario = await startScenario(wire, ...dialect);
    const card = made('vCard', {}, made('FN', {}, 'Romeo'));
    scenario.server.client('romeo@example.net').request('fileWrite', { type: 'vcard', fileName: 'profile.vcf' }, card);
    await scenario.online();
  };

  test('the card of a contact; of one without any; of nobody', async () => {
    await begin();
    expect(await scenario.far.profile(juliet, romeo)).toMatchObject({ fullName: 'Romeo' });
    expect(await scenario.far.profile(juliet, account('juliet@example.net'))).toBeNull();
    await expect(scenario.far.profile(juliet, account('nobody@example.net'))).rejects.toMatchObject({
      code: 'refused',
    });
  });

  test('many askers at once, one question', async () => {
    await begin();
    let asked = 0;
    scenario.server.onDocument(({ dir, xml }) => (asked += dir === 'in' && xml.includes('<iqSend') ? 1 : 0));
    const cards = await Promise.all(Array.from({ length: 20 }, () => scenario.far.profile(juliet, romeo)));
    expect(new Set(cards.map((card) => card?.fullName))).toEqual(new Set(['Romeo']));
    expect(asked).toBe(1);
  });
});

test('a session that ends takes its open questions with it', async () => {
  const scenario = await startScenario('tcp', { dialect: { vCard: 'relay' } });
  scenario.server.client('romeo@example.net').setPresence('online'); // bound, and silent
  await scenario.online();
  const card = scenario.far.profile(juliet, romeo);
  await scenario.server.client('romeo@example.net').waitFor(({ kind }) => kind === 'iq');
  scenario.server.dropAll();
  await expect(card).rejects.toMatchObject({ code: 'unavailable' });
  await scenario.end();
});
