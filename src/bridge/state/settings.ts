/**
 * What linked users have chosen (core/settings.ts), in memory and in the store: asked on every message, so it is known
 * without asking the store, and only of those who have chosen something. It does not obey the choices itself.
 */
import type { BareJid } from '../../core/address';
import { Fault } from '../../core/fault';
import { defaultSettings, settingFields, settingsOf, type Settings } from '../../core/settings';
import type { StateStore } from '../ports';
import { stateTables } from './user-state';

export interface UserSettings {
  /** Never throws. */
  of(user: BareJid): Settings;
  /** Obeyed from now on, and after a restart. Rejects `store-away`, then nothing is changed, and `not-linked`. */
  change(user: BareJid, changes: Partial<Settings>): Promise<Settings>;
  /** Is told who has changed something, after it was stored. */
  onChange(listener: (user: BareJid) => void): void;
  /** Loads what is stored. Rejects `store-away`. */
  start(): Promise<void>;
  /** The link has ended. */
  forget(user: BareJid): void;
}

export interface UserSettingsOptions {
  readonly state: StateStore;
  readonly isLinked: (user: BareJid) => boolean;
}

/** users whose choices are read at once */
const readsCount = 50;

export function makeUserSettings({ state, isLinked }: UserSettingsOptions): UserSettings {
  const chosen = new Map<BareJid, Settings>();
  const listeners: ((user: BareJid) => void)[] = [];

  async function read(user: BareJid): Promise<void> {
    chosen.set(user, settingsOf(await state.read(stateTables.settings, user)));
  }

  return {
    of: (user) => chosen.get(user) ?? defaultSettings,
    async change(user, changes) {
      if (!isLinked(user)) throw new Fault('not-linked');
      const settings = { ...(chosen.get(user) ?? defaultSettings), ...changes };
      await state.write(stateTables.settings, user, settingFields(settings));
      chosen.set(user, settings);
      for (const listener of listeners) listener(user);
      return settings;
    },
    onChange: (listener) => void listeners.push(listener),
    async start() {
      for await (const users of state.users(stateTables.settings)) {
        for (let i = 0; i < users.length; i += readsCount) await Promise.all(users.slice(i, i + readsCount).map(read));
      }
    },
    forget: (user) => void chosen.delete(user),
  };
}
