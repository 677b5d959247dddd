/** What people read, in the languages we have. Chosen by xml:lang (RFC 6120 section 4.7.4); errors carry the fault's own text. */
import type { Element } from './element';
import { attr } from './element';

const en = {
  gateway: 'XIMSS gateway',
  correction: '[correction]',
  reaction: '[reaction]',
  reactionGone: '[reaction withdrawn]',
  retracted: '[The previous message was retracted.]',
  registerTitle: 'Link your account',
  registerHint: 'Enter the address and the password of your account on the other network.',
  registered: 'You are linked. Enter your password to change it here, or unregister.',
  account: 'Account (user@domain)',
  password: 'Password',
  gatewayHint: 'Enter the address of the person you would like to add.',
  gatewayPrompt: 'Address (user@domain)',
  searchTitle: 'Find people',
  searchHint: 'Enter a name or a part of it.',
  searchField: 'Name',
};

/** Languages the prompts exist in; everybody else reads the default. */
export type Language = 'en' | 'ru';

export type Words = Readonly<Record<keyof typeof en, string>>;

const ru: Words = {
  gateway: 'Шлюз XIMSS',
  correction: '[исправлено]',
  reaction: '[реакция]',
  reactionGone: '[реакция снята]',
  retracted: '[Предыдущее сообщение отозвано.]',
  registerTitle: 'Привязка учётной записи',
  registerHint: 'Введите адрес и пароль вашей учётной записи в другой сети.',
  registered: 'Учётная запись привязана. Введите пароль, чтобы сменить его здесь, или отмените регистрацию.',
  account: 'Учётная запись (имя@домен)',
  password: 'Пароль',
  gatewayHint: 'Введите адрес человека, которого хотите добавить.',
  gatewayPrompt: 'Адрес (имя@домен)',
  searchTitle: 'Поиск людей',
  searchHint: 'Введите имя или его часть.',
  searchField: 'Имя',
};

const tables: Readonly<Record<Language, Words>> = { en, ru };

/** The language of a stanza, `fallback` when it says none that we have. */
export function languageOf(stanza: Element, fallback: Language): Language {
  const said = (attr(stanza, 'xml:lang') ?? '').slice(0, 2).toLowerCase();
  return said === 'en' || said === 'ru' ? said : fallback;
}

export function wordsFor(language: Language): Words {
  return tables[language];
}
