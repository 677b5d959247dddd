/** In which language a user is spoken to: what they said last, over restarts too. */
import { makeLanguages } from '../../../src/bridge/state/languages';
import type { BareJid } from '../../../src/core/address';
import type { Language } from '../../../src/core/i18n';
import { makeMemoryStore } from '../../support/fakes/memory-store';
import { silentLog } from '../../support/silence';

const juliet = 'juliet@jabber.test' as BareJid;
const nurse = 'nurse@jabber.test' as BareJid;

function scene() {
  const store = makeMemoryStore();
  const linked = new Set([juliet]);
  const chosen = new Map<BareJid, Language>();
  const start = async () => {
    const languages = makeLanguages({
      state: store.state,
      isLinked: (user) => linked.has(user),
      chosen: (user) => chosen.get(user) ?? null,
      fallback: () => 'en',
      log: silentLog,
    });
    await languages.start();
    return languages;
  };
  return { store, linked, chosen, start };
}

test('who has said none is spoken to in the configured language', async () => {
  const languages = await scene().start();
  expect(languages.of(juliet)).toBe('en');
});

test('what a linked user said last holds, after a restart too', async () => {
  const { start } = scene();
  const before = await start();
  before.said(juliet, 'ru');
  before.said(juliet, 'en');
  before.said(juliet, 'ru');
  expect(before.of(juliet)).toBe('ru');
  expect((await start()).of(juliet)).toBe('ru');
});

test('of a user without a link it is known, and stored nowhere', async () => {
  const { start, store } = scene();
  const languages = await start();
  languages.said(nurse, 'ru');
  expect(languages.of(nurse)).toBe('ru');
  expect((await store.state.read('notes', nurse)).size).toBe(0);
});

test('who unlinks is still spoken to in their language, and it is stored again with the next link', async () => {
  const { start, store, linked } = scene();
  const languages = await start();
  languages.said(juliet, 'ru');
  await store.state.write('notes', juliet, new Map([['language', null]])); // as the end of a link does
  linked.delete(juliet);
  languages.forgetStored(juliet);
  expect(languages.of(juliet)).toBe('ru');
  linked.add(juliet);
  languages.said(juliet, 'ru');
  expect((await start()).of(juliet)).toBe('ru');
});

test('a store that is away costs nothing but the memory of it', async () => {
  const { start, store } = scene();
  const languages = await start();
  store.setAway(true);
  expect(() => languages.said(juliet, 'ru')).not.toThrow();
  expect(languages.of(juliet)).toBe('ru');
});

test('what was chosen counts more than what is said', async () => {
  const { chosen, start } = scene();
  const languages = await start();
  chosen.set(juliet, 'en');
  languages.said(juliet, 'ru');
  expect(languages.of(juliet)).toBe('en');
  chosen.delete(juliet);
  expect(languages.of(juliet)).toBe('ru');
});
