/** What each linked Jabber user may choose for themselves: names, defaults, and their stored form. Pure. */
import { languageOfTag, type Language } from './i18n';

/** Choices that are on or off. */
export const switchNames = ['receipts', 'typingOut', 'typingIn', 'presence', 'notices'] as const;
export type SwitchName = (typeof switchNames)[number];

export interface Settings extends Readonly<Record<SwitchName, boolean>> {
  /** null: as their client says */
  readonly language: Language | null;
}

/** Of who has chosen nothing. */
export const defaultSettings: Settings = {
  receipts: true,
  typingOut: true,
  typingIn: true,
  presence: true,
  notices: true,
  language: null,
};

/** The stored fields of a choice; null takes a field away: it is as by default. */
export function settingFields(settings: Settings): ReadonlyMap<string, string | null> {
  const switches = switchNames.map((name): [string, string | null] => {
    const value = settings[name];
    return [name, value === defaultSettings[name] ? null : value ? 'on' : 'off'];
  });
  return new Map([...switches, ['language', settings.language]]);
}

/** The choice that these fields are; what is missing, unknown or damaged is as by default. Never throws. */
export function settingsOf(fields: ReadonlyMap<string, string>): Settings {
  const isOn = (name: SwitchName): boolean => {
    const text = fields.get(name);
    return text === 'on' || (text !== 'off' && defaultSettings[name]);
  };
  return {
    receipts: isOn('receipts'),
    typingOut: isOn('typingOut'),
    typingIn: isOn('typingIn'),
    presence: isOn('presence'),
    notices: isOn('notices'),
    language: languageOfTag(fields.get('language') ?? null),
  };
}
