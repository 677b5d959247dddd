/** What the commands say, in the languages we have, and why something waits or was refused, in words. */
import { faultTable } from '../../core/fault';
import type { FaultCode, FaultData } from '../../core/fault';
import type { Durable, LinkStatus } from '../../core/model';
import type { Trace } from '../ports';
import type { Language } from './types';

const en = {
  link: 'Link your account',
  linkHint: 'Enter the address and the password of your account on the other network. They are tried at once.',
  relinkHint: 'You are linked. Another account takes the place of this one; a new password is tried before it is kept.',
  account: 'Account (user@domain)',
  password: 'Password',
  linked: (account: string) => `You are linked to ${account}.`,
  credentials: 'An account and its password are needed.',
  unlink: 'Unlink your account',
  unlinkHint: (account: string) =>
    `You are linked to ${account}. Without the link nothing is passed on, and your contacts there leave your list.`,
  sure: 'Yes, unlink it',
  kept: 'Nothing was changed.',
  unlinked: 'Your account is unlinked.',
  status: 'Status of your link',
  session: 'Session',
  since: (when: string) => `since ${when}`,
  nothingWaits: 'Nothing of yours is waiting: what was accepted has been handed over.',
  waits: (count: number, lanes: number) => `Waiting: ${count}, in ${lanes} conversation(s).`,
  refusedToday: (count: number) => `Refused or expired in the last day: ${count}.`,
  where: 'Where is my message?',
  whereHint: 'Enter the id of the message, or nothing for the newest that is not delivered.',
  id: 'Message id',
  unknown: 'No message with this id is known: it was not accepted here, or it left more than a day ago.',
  newest: 'The newest that is not delivered:',
  contact: 'Contact',
  state: 'State',
  accepted: 'Accepted',
  tries: 'Tries',
  why: 'Why',
  ahead: (count: number) => (count === 0 ? 'waiting, the next in line' : `waiting, ${count} before it`),
  waiting: (count: number) => `waiting, ${count} in line`,
  places: { waiting: 'waiting', dead: 'refused or expired', gone: 'handed over' },
  goneNote:
    'It has left the queue: the other side has accepted it (or an operator dropped it after it had been refused).',
  links: 'Links and sessions',
  find: 'Part of an address',
  any: 'any',
  user: 'User',
  sessionSince: 'Since',
  shown: (count: number, isAll: boolean) =>
    isAll ? `${count} shown.` : `The first ${count} are shown; narrow it down.`,
  total: (total: number, online: number) => `${total} link(s), ${online} online.`,
  lanes: 'What is waiting',
  oneUser: 'Only of this user (empty: of all)',
  count: 'Waiting',
  oldest: 'Oldest',
  direction: 'Direction',
  toFar: 'to the other network',
  toJabber: 'to Jabber',
  dead: 'Dead letters',
  noDead: 'There are no dead letters.',
  letter: 'Letter',
  older: 'Older ones …',
  action: 'What to do',
  actions: { show: 'Show it', resend: 'Send it again', drop: 'Drop it' },
  resent: 'It is in the queue again.',
  dropped: 'It is dropped.',
  stillThere: 'Choose a letter and what to do with it.',
  text: 'Text',
  attempt: 'Try',
  reconnect: 'Reconnect a session',
  reconnected: (user: string) => `The session of ${user} is being opened again.`,
  rosters: "Compare a user's rosters",
  rostersEqual: 'The rosters are equal: there is nothing to do.',
  rostersWould: (changes: number, held: number) =>
    `To be changed: ${changes} contact(s). Left alone: ${held}, because too much would be taken away at once: a roster that is empty or much shorter may have failed to load.`,
  rostersDo: 'Compare now',
  rostersChoices: {
    nothing: 'No',
    usual: 'Yes, and leave those alone',
    all: 'Yes, and take away what the other roster has not',
  },
  rostersDone: (changes: number, held: number) => `Changed: ${changes} contact(s). Left alone: ${held}.`,
  change: 'What is done',
  alone: 'left alone',
  announce: 'Announce to all users',
  announcement: 'Announcement',
  to: 'To',
  audience: { everybody: 'every linked user, also later', online: 'those who are online now' },
  announced: (queued: number, refused: number) =>
    refused === 0
      ? `On its way to ${queued} user(s).`
      : `On its way to ${queued} user(s); ${refused} could not be stored.`,
  trace: 'Find a message',
  traceHint: "The id of an envelope, as in the log, or the sender's own id.",
  nothingFound: 'Nothing goes by this id, as far as is remembered.',
  statuses: {
    connecting: 'connecting',
    online: 'online',
    waiting: 'not connected, will be tried again',
    refused: 'password refused',
    closed: 'closed',
  } satisfies Record<LinkStatus, string>,
  kinds: {
    message: 'message',
    receipt: 'receipt',
    verb: 'subscription',
    bounce: 'error report',
  } satisfies Record<Durable['kind'], string>,
  unreadable: 'unreadable',
};

export type Phrases = typeof en;

const ru: Phrases = {
  link: 'Привязать учётную запись',
  linkHint: 'Введите адрес и пароль вашей учётной записи в другой сети. Они будут проверены сразу.',
  relinkHint: 'Учётная запись привязана. Другая займёт её место; новый пароль проверяется, прежде чем будет сохранён.',
  account: 'Учётная запись (имя@домен)',
  password: 'Пароль',
  linked: (account) => `Привязана учётная запись ${account}.`,
  credentials: 'Нужны учётная запись и её пароль.',
  unlink: 'Отвязать учётную запись',
  unlinkHint: (account) =>
    `Привязана учётная запись ${account}. Без привязки ничего не передаётся, а контакты той сети исчезнут из списка.`,
  sure: 'Да, отвязать',
  kept: 'Ничего не изменено.',
  unlinked: 'Учётная запись отвязана.',
  status: 'Состояние привязки',
  session: 'Сеанс',
  since: (when) => `с ${when}`,
  nothingWaits: 'Ничего вашего не ждёт: всё принятое передано.',
  waits: (count, lanes) => `Ждут отправки: ${count}, бесед: ${lanes}.`,
  refusedToday: (count) => `Отклонено или просрочено за последние сутки: ${count}.`,
  where: 'Где моё сообщение?',
  whereHint: 'Введите идентификатор сообщения или ничего, чтобы найти последнее недоставленное.',
  id: 'Идентификатор сообщения',
  unknown: 'Сообщение с таким идентификатором неизвестно: оно не было принято или ушло более суток назад.',
  newest: 'Последнее из недоставленных:',
  contact: 'Контакт',
  state: 'Состояние',
  accepted: 'Принято',
  tries: 'Попытки',
  why: 'Причина',
  ahead: (count) => (count === 0 ? 'ждёт, следующее в очереди' : `ждёт, перед ним в очереди: ${count}`),
  waiting: (count) => `ждёт, в очереди: ${count}`,
  places: { waiting: 'ждёт', dead: 'отклонено или просрочено', gone: 'передано' },
  goneNote: 'Оно покинуло очередь: другая сторона приняла его (или оператор удалил его после отказа).',
  links: 'Привязки и сеансы',
  find: 'Часть адреса',
  any: 'любое',
  user: 'Пользователь',
  sessionSince: 'С какого времени',
  shown: (count, isAll) => (isAll ? `Показано: ${count}.` : `Показаны первые ${count}; уточните запрос.`),
  total: (total, online) => `Привязок: ${total}, в сети: ${online}.`,
  lanes: 'Что ждёт доставки',
  oneUser: 'Только этого пользователя (пусто: всех)',
  count: 'Ждут',
  oldest: 'Самое старое',
  direction: 'Направление',
  toFar: 'в другую сеть',
  toJabber: 'в Jabber',
  dead: 'Недоставленные сообщения',
  noDead: 'Недоставленных сообщений нет.',
  letter: 'Сообщение',
  older: 'Более старые …',
  action: 'Что сделать',
  actions: { show: 'Показать', resend: 'Отправить снова', drop: 'Удалить' },
  resent: 'Сообщение снова в очереди.',
  dropped: 'Сообщение удалено.',
  stillThere: 'Выберите сообщение и что с ним сделать.',
  text: 'Текст',
  attempt: 'Попытка',
  reconnect: 'Переподключить сеанс',
  reconnected: (user) => `Сеанс ${user} открывается заново.`,
  rosters: 'Сравнить списки контактов пользователя',
  rostersEqual: 'Списки совпадают: делать нечего.',
  rostersWould: (changes, held) =>
    `Будет изменено контактов: ${changes}. Не тронуто: ${held}, иначе пропало бы слишком многое сразу: пустой или намного более короткий список мог просто не загрузиться.`,
  rostersDo: 'Сравнить сейчас',
  rostersChoices: {
    nothing: 'Нет',
    usual: 'Да, и эти не трогать',
    all: 'Да, и убрать то, чего нет в другом списке',
  },
  rostersDone: (changes, held) => `Изменено контактов: ${changes}. Не тронуто: ${held}.`,
  change: 'Что делается',
  alone: 'не тронут',
  announce: 'Объявление всем пользователям',
  announcement: 'Объявление',
  to: 'Кому',
  audience: { everybody: 'всем с привязкой, и позже', online: 'тем, кто сейчас в сети' },
  announced: (queued, refused) =>
    refused === 0
      ? `Отправляется пользователям: ${queued}.`
      : `Отправляется: ${queued}; не удалось сохранить: ${refused}.`,
  trace: 'Найти сообщение',
  traceHint: 'Идентификатор конверта, как в журнале, или идентификатор отправителя.',
  nothingFound: 'Ничего с таким идентификатором, насколько это помнится.',
  statuses: {
    connecting: 'подключается',
    online: 'в сети',
    waiting: 'не подключён, будет повтор',
    refused: 'пароль отклонён',
    closed: 'закрыт',
  },
  kinds: { message: 'сообщение', receipt: 'уведомление', verb: 'подписка', bounce: 'отчёт об ошибке' },
  unreadable: 'не читается',
};

const ruFaults: Readonly<Record<FaultCode, string>> = {
  'bad-request': 'Запрос составлен неверно.',
  'jid-malformed': 'Такой адрес здесь невозможен.',
  'not-acceptable': 'Это нельзя передать.',
  'not-encrypted-here': 'Зашифрованные сообщения в эту сеть передать нельзя. Отключите шифрование для этого контакта.',
  'too-large': 'Это больше, чем передаёт шлюз.',
  forbidden: 'Вам нельзя пользоваться этим шлюзом.',
  'not-authorized': 'Другая сеть отклонила имя учётной записи или пароль.',
  'not-linked': 'Нет привязанной учётной записи.',
  'not-found': 'Такого контакта нет.',
  'not-implemented': 'Шлюз этого не умеет.',
  'not-allowed': 'Это не разрешено.',
  'no-service': 'Здесь этим никто не занимается.',
  refused: 'Другая сеть отказала.',
  expired: 'Не удалось доставить вовремя.',
  poisoned: 'Сохранённое сообщение не читается.',
  'rate-limited': 'Слишком много сообщений. Подождите минуту.',
  'lane-full': 'Слишком много сообщений ждут отправки. Попробуйте позже.',
  'store-away': 'Шлюз сейчас не может принимать сообщения. Попробуйте позже.',
  unavailable: 'Другая сеть сейчас недоступна.',
  timeout: 'Другая сеть не ответила вовремя.',
  'too-many-sessions': 'Другая сеть не открывает больше сеансов (возможно, ограничение лицензии).',
  'needs-user': 'Другая сеть ждёт вашего действия (второй фактор или новый пароль).',
  'no-tls': 'Другая сеть не предлагает шифрования, а шлюз его требует.',
  'unknown-outcome': 'Доставлено или нет, неизвестно: связь прервалась до ответа.',
  'xml-malformed': 'XML составлен неверно.',
  'xml-forbidden': 'В XML есть недопустимое.',
  'xml-limit': 'XML слишком велик или слишком глубок.',
  'stream-conflict': 'Под этим именем подключён другой компонент.',
  'stream-refused': 'Сервер XMPP отказал компоненту.',
  stopping: 'Шлюз перезапускается.',
  internal: 'Шлюз допустил ошибку. Она записана в журнал.',
};

const tables: Readonly<Record<Language, Phrases>> = { en, ru };

export function phrasesFor(language: Language): Phrases {
  return tables[language];
}

/** A fault in words: the other network's own when it gave some, else ours. '' for none. */
export function why(fault: FaultData | null, language: Language): string {
  if (fault === null) return '';
  const isOurs = fault.text === faultTable[fault.code].text;
  return isOurs && language === 'ru' ? ruFaults[fault.code] : fault.text;
}

/** A time for people of any zone, '' for none. */
export function when(ms: number | null): string {
  return ms === null ? '' : `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** Where it is, in words. */
export function placeOf({ place, ahead }: Pick<Trace, 'place' | 'ahead'>, phrases: Phrases): string {
  return place === 'waiting' && ahead !== null ? phrases.ahead(ahead) : phrases.places[place];
}
