/** What users have chosen: obeyed at once, kept over restarts, gone with the link. */
import { makeUserSettings } from '../../../src/bridge/state/settings';
import type { BareJid } from '../../../src/core/address';
import { defaultSettings } from '../../../src/core/settings';
import { makeMemoryStore } from '../../support/fakes/memory-store';

const juliet = 'juliet@jabber.test' as BareJid;

function scene() {
  const { state } = makeMemoryStore();
  const start = async () => {
    const settings = makeUserSettings({ state, isLinked: (user) => user === juliet });
    await settings.start();
    return settings;
  };
  return { state, start };
}

test('a choice is known at once, told, and known after a restart', async () => {
  const { start } = scene();
  const settings = await start();
  const told: string[] = [];
  settings.onChange((user) => told.push(`${user} ${settings.of(user).receipts}`));
  expect(settings.of(juliet)).toEqual(defaultSettings);
  await settings.change(juliet, { receipts: false, language: 'ru' });
  await settings.change(juliet, { typingIn: false });
  const wanted = { ...defaultSettings, receipts: false, typingIn: false, language: 'ru' };
  expect(settings.of(juliet)).toEqual(wanted);
  expect(told).toEqual(['juliet@jabber.test false', 'juliet@jabber.test false']);
  expect((await start()).of(juliet)).toEqual(wanted);
});

test('a choice that is not stored is not made', async () => {
  const { state } = scene();
  const settings = makeUserSettings({
    state: { ...state, write: () => Promise.reject(new Error('away')) },
    isLinked: () => true,
  });
  await expect(settings.change(juliet, { receipts: false })).rejects.toThrow('away');
  expect(settings.of(juliet).receipts).toBe(true);
});

test('who has no link has nothing to choose', async () => {
  const settings = await scene().start();
  await expect(settings.change('nurse@jabber.test' as BareJid, {})).rejects.toMatchObject({ code: 'not-linked' });
});

test('with the link the choices are gone', async () => {
  const settings = await scene().start();
  await settings.change(juliet, { notices: false });
  settings.forget(juliet);
  expect(settings.of(juliet)).toEqual(defaultSettings);
});
