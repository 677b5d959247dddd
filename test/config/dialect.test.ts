import type { DialectKey } from '../../src/config';
import { base, load, shown, type Given } from './given';

describe('ximss.dialect', () => {
  const dialect: DialectKey[] = [
    { key: 'rosterSet', assumption: 'A18', values: ['item', 'flat'], default: 'item', description: 'form' },
    { key: 'rooms', assumption: 'A15', values: [true, false], default: false, description: 'rooms' },
  ];
  const withDialect = (entries: object): Given => ({
    yaml: { ...base, ximss: { ...base.ximss, dialect: entries } },
    dialect,
  });

  test('known keys are taken, the others get their default', () => {
    expect(load(withDialect({ rosterSet: 'flat' })).ximss.dialect).toEqual({ rosterSet: 'flat', rooms: false });
  });
  test('a key is also a variable', () => {
    const env = { BRIDGE_XIMSS_DIALECT_ROOMS: 'true', BRIDGE_XIMSS_DIALECT_ROSTER_SET: 'flat' };
    expect(load({ env, dialect }).ximss.dialect).toEqual({ rosterSet: 'flat', rooms: true });
  });
  test('a word that YAML takes for a number is the word', () => {
    const version = { key: 'version', assumption: 'A11', values: ['6.1', 'omit'], default: 'omit', description: 'v' };
    const given = withDialect({ version: 6.1 });
    expect(load({ ...given, dialect: [version] }).ximss.dialect).toEqual({ version: '6.1' });
  });
  test('unknown keys and values are told', () => {
    expect(shown(withDialect({ rosterset: 'flat', rosterSet: 'round', rooms: 1 }))).toEqual([
      'ximss.dialect.rosterset: unknown key; known are rosterSet, rooms',
      'ximss.dialect.rosterSet: must be one of item, flat',
      'ximss.dialect.rooms: must be one of true, false',
    ]);
  });
  test('without a table anything goes', () => {
    expect(load({ ...withDialect({ future: 1 }), dialect: undefined as never }).ximss.dialect).toEqual({ future: 1 });
  });
});
