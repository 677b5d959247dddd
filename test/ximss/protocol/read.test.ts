import { defaultDialect, type Dialect } from '../../../src/ximss/protocol/dialect';
import { el, type Element } from '../../../src/ximss/wire/element';
import { readDocument, readRoster } from '../../../src/ximss/protocol/read';
import { account } from '../support';

const romeo = account('romeo@x.dom');
const d = (changes: Partial<Dialect> = {}): Dialect => ({ ...defaultDialect, ...changes });
const im = (attrs: Record<string, string>, ...children: (Element | string)[]): Element =>
  el('readIM', { peer: 'romeo@x.dom', ...attrs }, ...children);
const message = (changes: object): object => ({
  kind: 'event',
  peer: romeo,
  event: {
    kind: 'message',
    id: null,
    resource: null,
    type: 'chat',
    body: 'hello',
    subject: null,
    sentAt: null,
    wantsReceipt: false,
    nick: null,
    ...changes,
  },
  identity: null,
});
const state = (name: string): object => ({
  kind: 'event',
  peer: romeo,
  event: { kind: 'chatState', state: name },
  identity: null,
});
const nothing = (why: string): object => ({ kind: 'nothing', why });

describe('readIM', () => {
  test.each<[string, Element, object, Partial<Dialect>?]>([
    ['format A: text in the element', im({}, 'hello'), message({})],
    ['format B: a body child', im({ type: 'chat' }, el('body', {}, 'hello')), message({})],
    ['a body child wins over text', im({}, 'other', el('body', {}, 'hello')), message({})],
    ['white space around children is layout', im({}, '\n ', el('body', {}, 'hello'), '\n'), message({})],
    ['text is not trimmed', im({}, '  hello\n'), message({ body: '  hello\n' })],
    ['a display name', im({ peerName: 'Romeo' }, 'hello'), message({ nick: 'Romeo' })],
    ['an empty display name', im({ peerName: '' }, 'hello'), message({})],
    ['a resource of the peer is cut off', { ...im({}, 'hello'), attrs: { peer: 'Romeo@X.dom/home' } }, message({})],
    ['normal is chat', im({ type: 'normal' }, 'hello'), message({ type: 'chat' })],
    ['a headline is chat', im({ type: 'headline' }, 'hello'), message({ type: 'chat' })],
    ['an unknown type is chat', im({ type: 'whatever' }, 'hello'), message({})],
    ['a subject', im({}, el('body', {}, 'hello'), el('subject', {}, 'S')), message({ subject: 'S' })],
    ['only a subject', im({}, el('subject', {}, 'S')), message({ body: '', subject: 'S' })],
    ['unknown children are ignored', im({}, 'hello', el('html', {}, 'x')), message({})],
    [
      'unknown children as text, by dialect',
      im({}, 'hello', el('html', {}, 'x')),
      message({ body: 'hello\nx' }),
      { unknownChildren: 'as-text' },
    ],
    ['body beside a chat state', im({}, el('body', {}, 'hello'), el('composing')), message({})],
    ['composing', im({}, el('composing')), state('composing')],
    ['paused', im({}, el('paused')), state('paused')],
    ['gone, with layout', im({}, '\n', el('gone'), '\n'), state('gone')],
    ['an empty body and composing', im({}, el('body'), el('composing')), state('composing')],
    ['empty', im({}), nothing('empty')],
    ['an empty body', im({}, el('body')), nothing('empty')],
    ['no peer', el('readIM', {}, 'hello'), { kind: 'unaddressable', peer: '' }],
    ['a peer that is no address', el('readIM', { peer: 'a@b@c' }, 'hello'), { kind: 'unaddressable', peer: 'a@b@c' }],
    ['a peer without a domain', el('readIM', { peer: 'bob' }, 'hello'), { kind: 'unaddressable', peer: 'bob' }],
    ['a chat state of no address', el('readIM', { peer: 'bob' }, el('composing')), nothing('bad-peer')],
    ['a report of no address', el('readIM', { peer: 'bob', type: 'error' }, 'hello'), nothing('bad-peer')],
    ['a room, which is off', im({ type: 'groupchat' }, 'hello'), nothing('switched-off')],
    [
      'a room, by dialect',
      im({ type: 'groupchat', clientID: 'nick' }, 'hello'),
      message({ nick: 'nick' }),
      { rooms: 'groupchat' },
    ],
  ])('%s', (_, document, expected, changes = {}) => {
    expect(readDocument(document, d(changes))).toEqual(expected);
  });

  test('the time of a stored message, unless the dialect says that it is something else', () => {
    const document = im({ gmtTime: '20240229T120000' }, 'hello');
    expect(readDocument(document, d())).toMatchObject({ event: { sentAt: Date.UTC(2024, 1, 29, 12) } });
    expect(readDocument(document, d({ storedTime: 'ignore' }))).toMatchObject({ event: { sentAt: null } });
    expect(readDocument(im({ gmtTime: 'yesterday' }, 'hello'), d())).toMatchObject({ event: { sentAt: null } });
  });

  describe('the name for the dedupe window', () => {
    const identity = (document: Element, changes?: Partial<Dialect>): string | null => {
      const reading = readDocument(document, d(changes));
      return reading.kind === 'event' ? reading.identity : 'no event';
    };
    test('is null when the network gives nothing to name it by', () => {
      expect(identity(im({}, 'ok'))).toBeNull();
      expect(identity(im({ gmtTime: 'never' }, 'ok'))).toBeNull();
    });
    const own = 'b1946ac9-2492-4d23-8e1f-00a1c2d3e4f5';
    const one = identity(im({ iqid: own }, 'ok'));
    test.each<[string, Element, 'same' | 'other', Partial<Dialect>?]>([
      ['the same message', im({ iqid: own }, 'ok'), 'same'],
      ['the same message, stored meanwhile', im({ iqid: own, gmtTime: '20240101T000000' }, 'ok'), 'same'],
      ['the same message in the other format', im({ iqid: own }, el('body', {}, 'ok')), 'same'],
      ['another id', im({ iqid: `${own}a` }, 'ok'), 'other'],
      ['another text under the same id', im({ iqid: own }, 'yes'), 'other'],
      ['another peer', { ...im({ iqid: own }, 'ok'), attrs: { peer: 'paris@x.dom', iqid: own } }, 'other'],
      ['another instance of the peer', im({ iqid: own, clientID: 'b' }, 'ok'), 'other'],
      [
        'another instance, which the dialect ignores',
        im({ iqid: own, clientID: 'b' }, 'ok'),
        'same',
        { senderInstance: 'ignore' },
      ],
      ['only a time', im({ gmtTime: '20240101T000000' }, 'ok'), 'other'],
    ])('%s', (_, document, relation, changes = {}) => {
      expect(identity(document, changes) === one).toBe(relation === 'same');
    });
    test('a number that begins again names nothing', () => {
      expect(identity(im({ iqid: '1' }, 'hi'))).toBeNull();
    });
    test('two stored texts of one second are one only when they are equal', () => {
      const at = { gmtTime: '20240101T000000' };
      expect(identity(im({ ...at, iqid: '1' }, 'ok'))).not.toBe(identity(im({ ...at, iqid: '2' }, 'ok')));
      expect(identity(im(at, 'ok'))).toBe(identity(im(at, 'ok')));
      expect(identity(im(at, 'ok'))).not.toBe(identity(im(at, 'no')));
    });
  });

  test('an error report is a bounce of the message it names', () => {
    const document = im({ type: 'error', iqid: 'm1' }, el('body', {}, 'unknown user account'));
    expect(readDocument(document, d())).toEqual({
      kind: 'event',
      peer: romeo,
      event: {
        kind: 'bounce',
        of: 'm1',
        what: 'message',
        resource: null,
        fault: { code: 'refused', text: 'unknown user account' },
        excerpt: null,
      },
      identity: 'romeo@x.dom error m1',
    });
    const numbered = im({ type: 'error', errorNum: '404', errorText: 'no' }, 'text');
    expect(readDocument(numbered, d())).toMatchObject({
      event: { of: null, fault: { code: 'refused', number: 404, text: 'no' } },
      identity: null,
    });
    expect(readDocument(document, d({ errorReports: 'ignore' }))).toEqual(nothing('switched-off'));
  });
});

describe('presence', () => {
  const hash = 'f00dfeedf00dfeedf00dfeedf00dfeedf00dfeed';
  const p = (attrs: Record<string, string>, ...children: Element[]): Element =>
    el('presence', { peer: 'romeo@x.dom', ...attrs }, ...children);
  const word = (text: string, ...more: Element[]): Element => p({}, el('presence', {}, text), ...more);
  test.each<[string, Element, string, string | null, Partial<Dialect>?]>([
    ['online', word('online'), 'online', null],
    ['in capitals', word('Online'), 'online', null],
    ['away', word('away'), 'away', null],
    ['be-back', word('be-back'), 'away', null],
    ['out-lunch', word('out-lunch'), 'xa', null],
    ['busy', word('busy'), 'dnd', null],
    ['in-meeting', word('in-meeting'), 'dnd', null],
    ['on-phone', word('on-phone'), 'dnd', null],
    ['offline', word('offline'), 'offline', null],
    ['an empty word', word(''), 'offline', null],
    ['no word at all', p({}), 'offline', null],
    [
      'unavailable, children ignored',
      p({ type: 'unavailable' }, el('presence', {}, 'busy'), el('status', {}, 'x')),
      'offline',
      null,
    ],
    ['a word of its own is shown as status', word('gone-fishing'), 'online', 'gone-fishing'],
    [
      'a status of a whole page is cut',
      word('away', el('status', {}, 'x'.repeat(50_000))),
      'away',
      `${'x'.repeat(1_023)}…`,
    ],
    ['a word of a whole page too', word('w'.repeat(50_000)), 'online', `${'w'.repeat(1_023)}…`],
    ['a word of its own beside a status', word('gone-fishing', el('status', {}, 'x')), 'online', 'x'],
    ['the name of an object method', word('constructor'), 'online', 'constructor'],
    ['a status', word('busy', el('status', {}, 'in a call')), 'dnd', 'in a call'],
    ['an empty status', word('busy', el('status')), 'dnd', null],
    ['a show wins', word('busy', el('show', {}, 'away')), 'away', null],
    ['a show alone', p({}, el('show', {}, 'chat')), 'chat', null],
    ['an unknown show does not win', word('busy', el('show', {}, 'x')), 'dnd', null],
    [
      'a show that the dialect ignores',
      word('busy', el('show', {}, 'away')),
      'dnd',
      null,
      { presenceFrom: 'presence-only' },
    ],
  ])('%s', (_, document, show, status, changes = {}) => {
    expect(readDocument(document, d(changes))).toEqual({
      kind: 'event',
      peer: romeo,
      event: { kind: 'presence', show, status, avatarHash: null },
      identity: null,
    });
  });

  const avatar = (value: string): Element => el('x', { xmlns: 'jabber:iq:avatar' }, el('hash', {}, value));
  const photo = (value: string): Element => el('x', { xmlns: 'vcard-temp:x:update' }, el('photo', {}, value));
  test.each<[string, Element[], string | null]>([
    ['said the one way', [avatar(hash)], hash],
    ['said the other way', [photo(hash)], hash],
    ['said both ways', [photo('x'), avatar(hash)], hash],
    ['in capitals', [avatar(hash.toUpperCase())], hash],
    ['none', [avatar('')], ''],
    ['not said', [], null],
    ['no hash', [avatar('<script>')], null],
    ['in an element of somebody else', [el('x', { xmlns: 'y' }, el('hash', {}, hash))], null],
  ])('the avatar: %s', (_, children, expected) => {
    expect(readDocument(word('online', ...children), d())).toMatchObject({ event: { avatarHash: expected } });
  });

  test.each(['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'])('%s is a verb', (verb) => {
    expect(readDocument(p({ type: verb }, el('status', {}, 'hi')), d())).toEqual({
      kind: 'event',
      peer: romeo,
      event: { kind: 'verb', verb, status: 'hi' },
      identity: null,
    });
  });

  test.each(['probe', 'error', 'x'])('type %s is nothing to us', (type) => {
    expect(readDocument(p({ type }), d())).toEqual(nothing('unknown-element'));
  });
});

describe('rosterItem', () => {
  const item = (attrs: Record<string, string>, ...groups: string[]): Element =>
    el('rosterItem', { peer: 'romeo@x.dom', ...attrs }, ...groups.map((group) => el('group', {}, group)));
  const contact = (changes: object): object => ({
    account: romeo,
    name: null,
    groups: [],
    hiddenGroups: [],
    subscription: 'none',
    isPending: false,
    ...changes,
  });
  test.each<[string, Element, object | null, Partial<Dialect>?]>([
    [
      'everything',
      item({ name: 'R', subscription: 'both' }, 'Work', '~x', 'Work', ' '),
      contact({ name: 'R', groups: ['Work'], hiddenGroups: ['~x'], subscription: 'both' }),
    ],
    ['nothing', item({}), contact({})],
    ['an empty name', item({ name: ' ' }), contact({})],
    [
      'a request that waits',
      item({ ask: 'subscribe', subscription: 'from' }),
      contact({ isPending: true, subscription: 'from' }),
    ],
    ['an unknown subscription', item({ subscription: 'mutual' }), contact({})],
    [
      'an unknown subscription, by dialect',
      item({ subscription: 'mutual' }),
      contact({ subscription: 'both' }),
      { unknownSubscription: 'both' },
    ],
    ['removed', item({ subscription: 'remove' }), null],
  ])('%s', (_, document, expected, changes = {}) => {
    expect(readDocument(document, d(changes))).toEqual({ kind: 'contact', account: romeo, contact: expected });
  });

  test('a list: the last item of an address counts, what has no address is skipped and counted', () => {
    const items = [
      item({ name: 'a' }),
      item({ name: 'b' }),
      el('rosterItem', { peer: 'x' }),
      el('rosterItem', { peer: 'paris@x.dom', subscription: 'remove' }),
    ];
    expect(readRoster(items, d())).toEqual({ contacts: [contact({ name: 'b' })], skippedCount: 1 });
  });
});

describe('the rest', () => {
  const iq = (attrs: Record<string, string>): Element => el('iqRead', { peer: 'romeo@x.dom', ...attrs });
  test.each<[string, Element, object, Partial<Dialect>?]>([
    ['an alert', el('alert', {}, ' maintenance '), { kind: 'notice', text: 'maintenance' }],
    ['an empty alert', el('alert'), nothing('empty')],
    ['bye', el('bye'), { kind: 'bye' }],
    ['a question', iq({ type: 'get', iqid: '1' }), { kind: 'iq-question', peer: 'romeo@x.dom', iqid: '1' }],
    ['a question without id cannot be answered', iq({ type: 'set' }), nothing('switched-off')],
    [
      'a question that the dialect ignores',
      iq({ type: 'get', iqid: '1' }),
      nothing('switched-off'),
      { incomingIq: 'ignore' },
    ],
    ['an answer', iq({ type: 'result' }), { kind: 'iq-answer', peer: romeo, document: iq({ type: 'result' }) }],
    ['no type is an answer', iq({}), { kind: 'iq-answer', peer: romeo, document: iq({}) }],
    ['an element of another kind', el('folderReport'), nothing('unknown-element')],
  ])('%s', (_, document, expected, changes = {}) => {
    expect(readDocument(document, d(changes))).toEqual(expected);
  });
});
