/** The command (XEP-0050) with which a user changes their settings, and the settings in words, for the chat too. */
import { languages, languageOfTag, textsFor, type Language } from '../../core/i18n';
import { switchNames, type Settings } from '../../core/settings';
import type { UserSettings } from '../state/settings';
import type { Answers, Command, CommandContext, CommandStep, Field } from '../ports';
import { done, typed } from './form';

type PreferencesOptions = Pick<UserSettings, 'of' | 'change'>;

export function preferencesCommand(settings: PreferencesOptions): Command {
  return {
    node: 'preferences',
    title: (language) => textsFor(language).settings.title,
    permission: 'linked',
    run: (context) => formOf(settings, context),
  };
}

function formOf(settings: PreferencesOptions, { user, language }: CommandContext): CommandStep {
  const now = settings.of(user);
  const say = textsFor(language).settings;
  const switches = switchNames.map((name): Field => ({
    var: name,
    type: 'boolean',
    label: say.names[name],
    value: String(now[name]),
  }));
  const choices = languages.map((one): [string, string] => [one, textsFor(one).language]);
  return {
    kind: 'form',
    title: say.title,
    hint: say.hint,
    fields: [
      ...switches,
      {
        var: 'language',
        type: 'list-single',
        label: say.names.language,
        value: now.language ?? 'auto',
        options: [['auto', say.auto], ...choices],
      },
    ],
    next: async (answers) => {
      const changed = await settings.change(user, changesOf(answers));
      return done(settingsText(changed, changed.language ?? language));
    },
  };
}

/** What was filled in; a field that is missing, or that says nothing we know, changes nothing. */
function changesOf(answers: Answers): Partial<Settings> {
  const switches = switchNames.flatMap((name): [string, boolean][] => {
    const text = typed(answers, name).toLowerCase();
    if (['1', 'true'].includes(text)) return [[name, true]];
    return ['0', 'false'].includes(text) ? [[name, false]] : [];
  });
  const changes: Partial<Settings> = Object.fromEntries(switches);
  const tag = typed(answers, 'language');
  const language = languageOfTag(tag);
  if (language !== null) return { ...changes, language };
  return tag === 'auto' ? { ...changes, language: null } : changes;
}

/** All settings, a line each. */
export function settingsText(settings: Settings, language: Language): string {
  const say = textsFor(language).settings;
  const lines = switchNames.map((name) => `${say.names[name]}: ${settings[name] ? say.on : say.off}`);
  const spoken = settings.language === null ? say.auto : textsFor(settings.language).language;
  return [...lines, `${say.names.language}: ${spoken}`].join('\n');
}
