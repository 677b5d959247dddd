/**
 * What people read, in English: prompts, forms, commands, errors and notices. A sentence with a value is a function of it.
 * Nothing that a program compares, and nothing for the log. A further language is one more file of this shape.
 */
import { operatorEn } from './operator-en';

export const en = {
  /** the name of this language, in it */
  language: 'English',
  /** prompts of the gateway and what stands for a message without text (XEP-0077, 0100, 0055; 0308, 0444, 0424) */
  gateway: {
    gateway: 'XIMSS gateway',
    attention: '(attention!)',
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
    searchHint: 'Enter a name, an e-mail or an address, or a part of it.',
    searchField: 'Name, e-mail or address',
    noDirectory:
      'The other network has no directory here. Enter the whole address (user@domain) of the person you would like to add.',
    foundJid: 'Jabber address',
    foundName: 'Name',
    foundEmail: 'E-mail',
    foundNobody: 'Nobody was found.',
  },
  /** what a user may choose */
  settings: {
    title: 'Preferences',
    hint: 'What you change here counts from now on, for all your devices.',
    names: {
      receipts: 'Tell me when the other network has accepted a message',
      typingOut: 'Let others see that I am typing',
      typingIn: 'Show me that others are typing',
      presence: 'Let others see whether I am online',
      notices: 'Tell me what the other server says, and when my login is refused',
      language: 'Language of this gateway',
    },
    auto: 'as my client says',
    on: 'on',
    off: 'off',
  },
  /** what the gateway answers to who writes to it */
  chat: {
    /** what people write, separated by spaces; the first is the usual one. Any language is understood. */
    words: {
      help: 'help hello hi ? commands start',
      status: 'status state',
      link: 'link register connect login',
      password: 'password pass passwd pwd',
      unlink: 'unlink unregister disconnect remove',
      where: 'where trace',
      search: 'search find',
      settings: 'settings setting set preferences options',
      yes: 'yes y sure ok',
      no: 'no n cancel',
    },
    settingWords: {
      receipts: 'receipts receipt ticks',
      typingOut: 'typing typing-out writing',
      typingIn: 'typing typing-in writing',
      presence: 'presence online',
      notices: 'notices notice news',
      language: 'language lang',
    },
    valueWords: { on: 'on yes true 1', off: 'off no false 0', auto: 'auto client' },
    help: 'This is the gateway to the other network. You can write:',
    helpLines: {
      status: 'status — is your link working, and does anything wait?',
      where: 'where ID — where is a message? (without an ID: the newest that is not delivered)',
      search: 'search NAME — find people',
      settings: 'settings — what you have chosen, and how to change it',
      link: 'link — how to link your account',
      unlink: 'unlink — end your link',
    },
    unknown: 'I do not understand that. Write "help" to see what I can do.',
    link: 'To link your account, open the commands of this contact ("Link your account"), or register with it in your client. Please do not write your password here.',
    passwordHere:
      'A password does not belong in a chat: chats are kept in histories. I have not used it. Please change it on the other network, then link with the form: open the commands of this contact ("Link your account").',
    sure: (account: string) =>
      `Your link to ${account} ends, and your contacts there leave your list. Write "yes" within five minutes if you are sure.`,
    nothingAsked: 'I have not asked anything. Write "help" to see what I can do.',
    settingsHelp:
      'To change one, write for instance: settings receipts off, settings typing on, settings typing-in off, settings presence off, settings notices off, settings language en (or auto).',
  },
  /** commands (XEP-0050) */
  commands: {
    link: 'Link your account',
    linkHint: 'Enter the address and the password of your account on the other network. They are tried at once.',
    relinkHint:
      'You are linked. Another account takes the place of this one; a new password is tried before it is kept.',
    account: 'Account (user@domain)',
    password: 'Password',
    linked: (account: string) => `You are linked to ${account}.`,
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
    toFar: 'to the other network',
    toJabber: 'to Jabber',
    statuses: {
      connecting: 'connecting',
      deferred: 'login refused for now, tried again',
      online: 'online',
      waiting: 'not connected, will be tried again',
      refused: 'password refused',
      closed: 'closed',
      suspended: 'suspended',
    },
    kinds: {
      message: 'message',
      receipt: 'receipt',
      verb: 'subscription',
      bounce: 'error report',
    },
    unreadable: 'unreadable',
  },
  /** faults, by code */
  operator: operatorEn,
  faults: {
    'bad-request': 'The request is not well formed.',
    'jid-malformed': 'This address cannot be used here.',
    'not-acceptable': 'This cannot be passed on.',
    'not-encrypted-here':
      'End-to-end encrypted messages cannot be passed on to this network. Please switch encryption off for this contact.',
    'too-large': 'This is larger than the gateway passes on.',
    forbidden: 'You may not use this gateway.',
    'not-authorized': 'The other network refused the account name or the password.',
    'not-linked': 'Please register with this gateway first.',
    'not-found': 'There is no such contact.',
    'not-implemented': 'The gateway does not do this.',
    'not-allowed': 'This is not allowed.',
    'no-service': 'Nobody serves this here.',
    refused: 'The other network refused it.',
    expired: 'It could not be delivered in time.',
    poisoned: 'A stored message could not be read.',
    'try-later': 'Please try again later.',
    'rate-limited': 'Too many messages. Please wait a minute.',
    'lane-full': 'Too many messages are waiting. Please try again later.',
    'store-away': 'The gateway cannot accept messages now. Please try again later.',
    unavailable: 'The other network cannot be reached now.',
    timeout: 'The other network did not answer in time.',
    'login-refused': 'The other network does not let you log in now. It is tried again.',
    'too-many-sessions': 'The other network allows no more sessions (its licence may be limited).',
    'needs-user': 'The other network wants you to act (second factor or new password) before you can log in.',
    'no-tls': 'The other network offers no encryption, and the gateway is told to require it.',
    'unknown-outcome': 'It may or may not have been delivered: the connection was lost before the answer.',
    'xml-malformed': 'The XML is not well formed.',
    'xml-forbidden': 'The XML contains something that is not allowed.',
    'xml-limit': 'The XML is too large or too deep.',
    'stream-conflict': 'Another component is connected with this name.',
    'stream-refused': 'The XMPP server refused the component.',
    stopping: 'The gateway is being restarted.',
    internal: 'The gateway made a mistake. It has been logged.',
  },
  /** why something was refused, where the code alone does not say it */
  reasons: {
    accountNeeded: 'An account and its password are needed.',
    registrationOff: 'Registration is switched off here.',
    operatorManages: 'The operator manages your link.',
    linkChanging: 'Your link is being changed already.',
    triesMany: (seconds: string) => `Too many wrong passwords. Please try again in ${timeWords(Number(seconds))}.`,
    triesBusy: (seconds: string) =>
      `Too many people are linking an account right now. Please try again in ${timeWords(Number(seconds))}.`,
    linkHasEnded: 'The link between the two sides has ended.',
    domainFull: 'Your server has as many links here as it may have. Please ask the operator of this gateway.',
    accountTaken:
      'Another user is linked to this account. It can be unlinked there, or by the operator of this gateway.',
    accountNameTaken:
      'The account that would be yours belongs to somebody else. Please link one of your own, or ask the operator.',
    noLink: 'This user has no link (any more).',
    noLetter: 'There is no such dead letter (any more).',
    linkConfigured: 'This link is made by the configuration (accounts): change it there, and reload.',
    userLinked: 'This user has a link already.',
    accountShared: (user: string) =>
      `${user} is linked to this account. It can be linked twice when that is wanted (shared).`,
    exportUnknown: 'This is no export of links that this version understands.',
    exportForeign: (domains: string) => `This was exported by a bridge for other domains: ${domains}.`,
    sealKeyMissing: (key: string) => `It is sealed with the key ${key}, which is not in the key file.`,
    sealDamaged: 'The sealed text is damaged, incomplete, or none.',
    idNeeded: 'An id is needed.',
    nothingToFind: 'Please say whom to look for.',
    noDirectory: 'The other network has no directory here. A person can be added by their whole address (user@domain).',
    searchesMany: 'Too many searches at once. Please wait.',
    nothingToAnnounce: 'There is nothing to announce.',
    announcementLong: (most: string) => `An announcement has at most ${most} characters.`,
    announcementRunning: 'Another announcement is on its way. Please wait.',
    gatewayBusy: 'The gateway is busy.',
    tooManyRequests: 'Too many requests. Please wait a minute.',
    noWayBack: 'There is no way back in this command.',
    tooLate: 'You have waited too long. Please begin again.',
  },
  /** what the gateway says by itself, in a chat message or as its status */
  notices: {
    linkStays:
      'The operator of this gateway manages your link, so it stays. You can add this contact again at any time.',
    linkEnded: (count: number) =>
      count === 1
        ? 'Your link has ended. One message that was still waiting was not delivered.'
        : `Your link has ended. ${count} messages that were still waiting were not delivered.`,
    connecting: 'The other network is being reached.',
    deferred: 'The other network does not let you log in now. It is tried again.',
    undelivered: (what: 'message' | 'verb', quote: string, reason: string, others: number) => {
      const subject = what === 'verb' ? 'Your contact request' : `Your message${quote === '' ? '' : ` "${quote}"`}`;
      const rest = others === 0 ? '' : ` (And ${others} more since the last time.)`;
      return `${subject} could not be delivered: ${reason}${rest}`;
    },
    passwordRefused: (account: string, said: string) =>
      `The other network refused the login of ${account}${said === '' ? '' : `: ${said}`}. Enter your password anew: open the commands of this contact ("Link your account") or register again.`,
  },
};

/** A time to wait, in seconds up to two minutes, then in minutes. */
function timeWords(seconds: number): string {
  if (seconds < 120) return seconds === 1 ? 'a second' : `${seconds} seconds`;
  return `${Math.ceil(seconds / 60)} minutes`;
}

/** Everything a person reads. This file gives the shape, so an incomplete language does not compile. */
export type Texts = typeof en;
