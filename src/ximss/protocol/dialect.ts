/**
 * The assumptions of docs/XIMSS.md 11 as named options: each key is one assumption, each is honoured
 * by one function, so that a measurement against a real server changes a word in the configuration and no code.
 * Plain data: the configuration schema and the documentation are made from `dialectOptions`. It decides nothing itself.
 */

export interface Dialect {
  readonly errorBy: 'presence' | 'number';
  readonly starttlsElement: 'starttls' | 'startTLS';
  readonly challengeMethods: 'all' | 'cram-md5' | 'none';
  readonly clearTextLogin: 'method-less' | 'plain';
  readonly loginName: 'full' | 'local';
  readonly bind: 'full' | 'bare';
  readonly messageType: 'chat' | 'omit';
  readonly messageContent: 'text' | 'body';
  readonly senderInstance: 'clientID' | 'ignore';
  readonly storedTime: 'gmtTime' | 'ignore';
  readonly protocolVersion: '6.1' | '6.2' | 'omit';
  readonly chatStates: 'known' | 'inactive-as-paused' | 'off';
  readonly errorReports: 'with-ids' | 'without-ids' | 'ignore';
  readonly unknownChildren: 'ignore' | 'as-text';
  readonly rooms: 'off' | 'groupchat';
  readonly incomingIq: 'answer' | 'ignore';
  readonly unknownSubscription: 'none' | 'both';
  readonly rosterSetForm: 'item' | 'what';
  readonly subscriptionForm: 'presenceSet' | 'rosterSet';
  readonly presenceFrom: 'show-first' | 'presence-only';
  readonly wrongPassword: string;
  readonly directory: 'listDirectory' | 'off';
  readonly directoryFields: string;
}

/**
 * One option: `assumption` is its number in docs/XIMSS.md 11, the first of `values` is the default. No `values`: any text.
 */
export type DialectOption = {
  [K in keyof Dialect]: {
    readonly key: K;
    readonly assumption: string;
    readonly values: readonly Dialect[K][];
    readonly default: Dialect[K];
    readonly description: string;
  };
}[keyof Dialect];

function option<K extends keyof Dialect>(
  assumption: string,
  key: K,
  values: readonly [Dialect[K], ...Dialect[K][]],
  description: string,
): DialectOption {
  // Generic code cannot see that K picks one member of the union; the parameters above tie key and values together.
  return { key, assumption, values, default: values[0], description } as DialectOption;
}

export const dialectOptions: readonly DialectOption[] = [
  option(
    'A1',
    'errorBy',
    ['presence', 'number'],
    'what makes a response an error: errorText or errorNum being there, or an errorNum other than 0',
  ),
  option('A2', 'starttlsElement', ['starttls', 'startTLS'], 'name of the request that starts TLS'),
  option(
    'A3',
    'challengeMethods',
    ['all', 'cram-md5', 'none'],
    'challenge logins that "login: auto" may use of those the server offers',
  ),
  option(
    'A4',
    'clearTextLogin',
    ['method-less', 'plain'],
    'clear-text login: authData and password, or method="PLAIN" with an RFC 4616 message',
  ),
  option(
    'A5',
    'loginName',
    ['full', 'local'],
    'each user logs in with their own name and password; the name is given with or without its domain',
  ),
  option('A6', 'bind', ['full', 'bare'], 'signalBind with clientID, presence and readIM, or without attributes'),
  option('A7', 'messageType', ['chat', 'omit'], 'type attribute of sendIM'),
  option('A8', 'messageContent', ['text', 'body'], 'text of sendIM: directly in the element, or in a body child'),
  option(
    'A9',
    'senderInstance',
    ['clientID', 'ignore'],
    "whether clientID of readIM tells the sender's instances apart when repeats are recognised",
  ),
  option('A10', 'storedTime', ['gmtTime', 'ignore'], 'gmtTime of readIM is the time a stored message was written'),
  option(
    'A11',
    'protocolVersion',
    ['6.1', '6.2', 'omit'],
    'version given with a login over HTTP; both formats are read',
  ),
  option(
    'A12',
    'chatStates',
    ['known', 'inactive-as-paused', 'off'],
    'composing, paused and gone are sent; inactive may go as paused; or none is sent',
  ),
  option(
    'A13',
    'errorReports',
    ['with-ids', 'without-ids', 'ignore'],
    'readIM type="error" is a bounce; sendIM carries iqid so that the report can be matched, or not',
  ),
  option('A14', 'unknownChildren', ['ignore', 'as-text'], 'children of readIM that are not known'),
  option('A15', 'rooms', ['off', 'groupchat'], 'readIM type="groupchat" is dropped, or read with the nick in clientID'),
  option('A16', 'incomingIq', ['answer', 'ignore'], 'an iqRead of type get or set is answered with an error, or not'),
  option(
    'A17',
    'unknownSubscription',
    ['none', 'both'],
    "what a rosterItem without subscription, or with a word that is not XMPP's, means",
  ),
  option(
    'A18',
    'rosterSetForm',
    ['item', 'what'],
    'rosterSet mirrors rosterItem (subscription="remove" deletes), or names the action in an attribute what="update|remove"',
  ),
  option(
    'A19',
    'subscriptionForm',
    ['presenceSet', 'rosterSet'],
    'subscription requests and answers go as presenceSet peer type, or as rosterSet what',
  ),
  option(
    'A20',
    'presenceFrom',
    ['show-first', 'presence-only'],
    'a show child of presence wins over the presence child, or is ignored',
  ),
  {
    assumption: 'A21',
    key: 'wrongPassword',
    values: [],
    default: 'incorrect|wrong|invalid|bad password|account|name|credentials',
    description:
      'which refusals of a login mean a wrong password: entries separated by semicolons, each an errorNum, or words that ' +
      'the text must all have (one of several by |); any other refusal is tried again',
  },
  option(
    'A22',
    'directory',
    ['listDirectory', 'off'],
    'people are searched with listDirectory, or there is no directory',
  ),
  {
    assumption: 'A23',
    key: 'directoryFields',
    values: [],
    default: 'cn;mail;uid',
    description:
      'what the directory calls the name, the e-mail and the login name of a person, separated by semicolons',
  },
];

export const defaultDialect: Dialect = Object.freeze(
  // The rows cover every key of Dialect (a test proves it), each with a value of its key's type.
  Object.fromEntries(dialectOptions.map((row) => [row.key, row.default])) as unknown as Dialect,
);

/** The dialect with some options changed. Never throws; the configuration has checked the words. */
export function dialectOf(changes: Partial<Dialect>): Dialect {
  return { ...defaultDialect, ...changes };
}
