/** The command with which a user changes their settings, as a person fills it in, and as nobody should. */
import { defaultSettings, type Settings } from '../../../src/core/settings';
import { juliet } from '../operator/operator-scene';
import { commandScene, end, form } from './commands-scene';

test('the form shows what is chosen now', async () => {
  const { walk, userSettings } = commandScene();
  await userSettings.change(juliet, { presence: false, language: 'ru' });
  const { fields } = form(await walk('preferences'));
  expect(fields.map(({ var: name, value }) => `${name} ${value}`)).toEqual([
    'receipts true',
    'typingOut true',
    'typingIn true',
    'presence false',
    'notices true',
    'language ru',
  ]);
});

test.each<[string, Record<string, string>, Partial<Settings>]>([
  [
    'all filled in',
    { receipts: '0', typingOut: 'false', typingIn: '1', language: 'ru' },
    { receipts: false, typingOut: false, language: 'ru' },
  ],
  ['one field', { notices: '0' }, { notices: false }],
  ['nothing', {}, {}],
  ['fields that there are not', { admin: '1', constructor: '1' }, {}],
  ['values that say nothing', { receipts: 'x'.repeat(100_000), language: 'tlh' }, {}],
  ['the same field twice', { receipts: '0\n1' }, {}],
])('%s', async (_what, answers, changes) => {
  const { walk, userSettings } = commandScene();
  end(await walk('preferences', [answers]));
  expect(userSettings.of(juliet)).toEqual({ ...defaultSettings, ...changes });
});

test('the language can be left to the client again, and the answer is in the language that was chosen', async () => {
  const { walk, userSettings } = commandScene();
  expect(end(await walk('preferences', [{ language: 'ru' }])).text).toContain('Язык этого шлюза: Русский');
  await walk('preferences', [{ language: 'auto' }], { language: 'ru' });
  expect(userSettings.of(juliet).language).toBeNull();
});
