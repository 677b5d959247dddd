import { defaultSettings, settingFields, settingsOf, switchNames, type Settings } from '../../src/core/settings';

const stored = (settings: Settings): Map<string, string> =>
  new Map([...settingFields(settings)].filter((field): field is [string, string] => field[1] !== null));

test('of who has chosen nothing nothing is stored', () => {
  expect(stored(defaultSettings).size).toBe(0);
  expect(settingsOf(new Map())).toEqual(defaultSettings);
});

test.each(switchNames)('%s is read as it was stored', (name) => {
  const changed: Settings = { ...defaultSettings, [name]: !defaultSettings[name], language: 'ru' };
  expect(settingsOf(stored(changed))).toEqual(changed);
});

test.each<[string, [string, string][]]>([
  ['unknown fields', [['colour', 'red']]],
  ['a value that says nothing', [['receipts', 'maybe']]],
  ['a language that is gone', [['language', 'tlh']]],
])('%s are as by default', (_what, fields) => {
  expect(settingsOf(new Map(fields))).toEqual(defaultSettings);
});
