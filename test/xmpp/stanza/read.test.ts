import { makeAddressBook, parseJid, type Jid } from '../../../src/core/address';
import { makeAddressReader } from '../../../src/xmpp/stanza/addresses';
import { languageOfTag } from '../../../src/core/i18n';
import { readStanza, type Reading } from '../../../src/xmpp/stanza/read';
import { stanzaOf } from '../stanzas';

const book = makeAddressBook({ componentDomain: 'ximss.test', homeDomain: 'far.test' });
const readEnds = makeAddressReader(book);

const sender = 'juliet@jabber.test/balcony';
const recipient = 'romeo@ximss.test';

function read(name: string, attrs: string, inside: string, header?: string): Reading {
  const stanza = stanzaOf(`<${name} from='${sender}' to='${recipient}' ${attrs}>${inside}</${name}>`, header);
  const ends = readEnds(stanza);
  if (typeof ends === 'string') throw new Error(ends);
  return readStanza(stanza, ends, languageOfTag(stanza.attrs['xml:lang'] ?? null) ?? 'en');
}

const bodyOf = (inside: string, attrs = `type='chat'`): unknown => {
  const reading = read('message', attrs, inside);
  return 'event' in reading && reading.event.kind === 'message' ? reading.event.body : reading;
};

const oobElement = `<x xmlns='jabber:x:oob'><url>https://f.test/1</url></x>`;
const omemoElement = `<encrypted xmlns='eu.siacs.conversations.axolotl'><header/><payload>AA</payload></encrypted>`;
const reactTo = (signs: string): string => `<reactions xmlns='urn:xmpp:reactions:0' id='x'>${signs}</reactions>`;

describe('the text of a message', () => {
  test.each<[string, string, unknown]>([
    ['plain', '<body>hello</body>', 'hello'],
    ['newlines, emoji, right-to-left, markup', '<body>a\nb 😀 שלום &lt;b></body>', 'a\nb 😀 שלום <b>'],
    ['white space is text', '<body> </body>', ' '],
    ['an empty body is none', '<body/>', { drop: 'nothing-to-relay' }],
    ['the body without a language before others', `<body xml:lang='de'>Hallo</body><body>hi</body>`, 'hi'],
    ['the first of several languages', `<body xml:lang='de'>Hallo</body><body xml:lang='fr'>salut</body>`, 'Hallo'],
    [
      'only XHTML',
      `<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>x</body></html>`,
      'x',
    ],
    [
      'an XHTML body at the top is not the body',
      `<body xmlns='http://www.w3.org/1999/xhtml'>x</body><body>y</body>`,
      'y',
    ],
    ['a correction', `<body>fixed</body><replace xmlns='urn:xmpp:message-correct:0' id='1'/>`, '* fixed'],
    [
      'a reply that is corrected',
      `<body>&gt; a\n&gt; b\nc</body><reply xmlns='urn:xmpp:reply:0' to='x' id='1'/><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='8'/></fallback><replace xmlns='urn:xmpp:message-correct:0' id='1'/>`,
      '* > a b\nc',
    ],
    ['a reaction', reactTo('<reaction>👍</reaction><reaction>🐢</reaction>'), '[reaction] 👍 🐢'],
    [
      'a reaction with its own fallback',
      `<body>&gt; hi\n👍</body>${reactTo('<reaction>👍</reaction>')}`,
      '> hi\n[reaction] 👍',
    ],
    ['a reaction taken back', reactTo(''), '[reaction withdrawn]'],
    ['a retraction', `<retract xmlns='urn:xmpp:message-retract:1' id='1'/>`, '[The previous message was retracted.]'],
    [
      'a retraction with its own fallback',
      `<retract xmlns='urn:xmpp:message-retract:1' id='1'/><body>was retracted</body>`,
      'was retracted',
    ],
    [
      'a retraction of the older kind',
      `<apply-to xmlns='urn:xmpp:fasten:0' id='1'><retract xmlns='urn:xmpp:message-retract:0'/></apply-to>`,
      '[The previous message was retracted.]',
    ],
    [
      'attention beside a text',
      `<body>wake up</body><attention xmlns='urn:xmpp:attention:0'/>`,
      '(attention!) wake up',
    ],
    ['a file alone', oobElement, 'https://f.test/1'],
    ['a file whose address is the text', `<body>https://f.test/1</body>${oobElement}`, 'https://f.test/1'],
    ['a file beside a text', `<body>look</body>${oobElement}`, 'look\nhttps://f.test/1'],
    ['a file with a description', `<x xmlns='jabber:x:oob'><url>u:1</url><desc>my cat</desc></x>`, 'my cat\nu:1'],
    ['a file without an address', `<x xmlns='jabber:x:oob'><url/></x>`, { drop: 'nothing-to-relay' }],
    ['two files', `${oobElement}<x xmlns='jabber:x:oob'><url>u:2</url></x>`, 'https://f.test/1\nu:2'],
    ['only a subject', '<subject>news</subject>', 'news'],
    ['a marker', `<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>`, { drop: 'nothing-to-relay' }],
    ['a receipt', `<received xmlns='urn:xmpp:receipts' id='1'/>`, { drop: 'nothing-to-relay' }],
    [
      'OMEMO key exchange',
      `<encrypted xmlns='eu.siacs.conversations.axolotl'><header/></encrypted>`,
      { drop: 'nothing-to-relay' },
    ],
  ])('%s', (_what, inside, expected) => {
    expect(bodyOf(inside)).toEqual(expected);
  });

  test('our own words are in the language of the message', () => {
    expect(bodyOf(reactTo('<reaction>👍</reaction>'), `type='chat' xml:lang='ru-RU'`)).toBe('[реакция] 👍');
    expect(bodyOf(reactTo('<reaction>👍</reaction>'), `type='chat' xml:lang='fr'`)).toBe('[reaction] 👍');
  });

  test.each<[string, string]>([
    ['OMEMO with the usual sentence', `<body>I sent you an OMEMO encrypted message</body>${omemoElement}`],
    ['OMEMO alone', omemoElement],
    ['OMEMO 2', `<encrypted xmlns='urn:xmpp:omemo:2'><payload>AA</payload></encrypted>`],
    ['OpenPGP', `<openpgp xmlns='urn:xmpp:openpgp:0'>AA</openpgp>`],
    ['old OpenPGP', `<body>encrypted</body><x xmlns='jabber:x:encrypted'>AA</x>`],
    [
      'what only says it is encrypted',
      `<body>no</body><encryption xmlns='urn:xmpp:eme:0' namespace='urn:x' name='X'/>`,
    ],
    ['OTR', '<body>?OTRv23?</body>'],
  ])('refused as encrypted: %s', (_what, inside) => {
    expect(bodyOf(inside)).toMatchObject({ refuse: { code: 'not-encrypted-here' } });
  });
});

describe('messages', () => {
  test('everything that a message can say', () => {
    const inside =
      `<subject>s</subject><body>b</body><request xmlns='urn:xmpp:receipts'/><active xmlns='http://jabber.org/protocol/chatstates'/>` +
      `<delay xmlns='urn:xmpp:delay' stamp='2026-01-02T03:04:05Z'/><nick xmlns='http://jabber.org/protocol/nick'>Jules</nick>`;
    expect(read('message', `type='chat' id='m1'`, inside)).toEqual({
      event: {
        kind: 'message',
        id: 'm1',
        resource: 'balcony',
        type: 'chat',
        body: 'b',
        subject: 's',
        sentAt: Date.UTC(2026, 0, 2, 3, 4, 5),
        wantsReceipt: true,
        nick: 'Jules',
      },
    });
  });

  test.each<[string, string, object]>([
    ['no type is normal', '', { type: 'normal' }],
    ['an unknown type is normal', `type='x'`, { type: 'normal' }],
    ['normal', `type='normal'`, { type: 'normal' }],
    ['headline', `type='headline'`, { type: 'headline' }],
    ['no id', `type='chat'`, { id: null, wantsReceipt: false }],
  ])('%s', (_what, attrs, expected) => {
    expect(read('message', attrs, `<body>b</body><request xmlns='urn:xmpp:receipts'/>`)).toMatchObject({
      event: expected,
    });
  });

  test('groupchat is not done', () => {
    expect(read('message', `type='groupchat'`, '<body>b</body>')).toMatchObject({
      refuse: { code: 'not-implemented' },
    });
  });

  test('joining a contact as a room is refused, and is no presence', () => {
    const join = `<x xmlns='http://jabber.org/protocol/muc'/>`;
    expect(read('presence', '', join)).toMatchObject({ refuse: { code: 'not-implemented' } });
  });

  test.each(['active', 'composing', 'paused', 'inactive', 'gone'])('chat state %s', (state) => {
    const inside = `<${state} xmlns='http://jabber.org/protocol/chatstates'/>`;
    expect(read('message', `type='chat'`, inside)).toEqual({ event: { kind: 'chatState', state } });
  });

  test('a chat state nobody knows is nothing', () => {
    const inside = `<dreaming xmlns='http://jabber.org/protocol/chatstates'/>`;
    expect(read('message', `type='chat'`, inside)).toEqual({ drop: 'nothing-to-relay' });
  });

  test.each<[string, string, string, object]>([
    [
      'with text',
      `<error type='wait'><x xmlns='u'/><recipient-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>away</text></error><body>b</body>`,
      'no-service',
      { type: 'wait', condition: 'recipient-unavailable', text: 'away' },
    ],
    [
      'of an unknown user',
      `<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`,
      'not-found',
      { type: 'cancel', condition: 'item-not-found', text: '' },
    ],
    ['without anything', '', 'no-service', { type: 'cancel', condition: 'undefined-condition', text: '' }],
    [
      'of no known type',
      `<error type='x'/>`,
      'no-service',
      { type: 'cancel', condition: 'undefined-condition', text: '' },
    ],
  ])('an error %s is a bounce', (_what, inside, code, stanza) => {
    expect(read('message', `type='error' id='e1'`, inside)).toMatchObject({
      event: { kind: 'bounce', of: 'e1', what: 'message', resource: 'balcony', fault: { code, stanza } },
    });
  });

  test('whatever namespace the server puts on stanzas', () => {
    const header = `<stream:stream xmlns:stream='http://etherx.jabber.org/streams' id='1'>`;
    const inside = `<body>b</body><x:request xmlns:x='urn:xmpp:receipts'/>`;
    for (const xmlns of ['jabber:client', 'jabber:component:accept', 'jabber:server']) {
      const reading = read('message', `xmlns='${xmlns}' id='1'`, inside, header);
      expect(reading).toMatchObject({ event: { body: 'b', wantsReceipt: true } });
    }
    expect(read('message', `id='1'`, inside, header)).toMatchObject({ event: { body: 'b', wantsReceipt: true } });
  });
});

describe('presence', () => {
  test.each<[string, string, string, object]>([
    ['available', '', '', { kind: 'resource', resource: 'balcony', show: 'online', status: null, priority: 0 }],
    [
      'away with words',
      '',
      '<show>away</show><status>tea</status><priority>-5</priority>',
      { kind: 'resource', resource: 'balcony', show: 'away', status: 'tea', priority: -5 },
    ],
    [
      'a show and a priority nobody knows',
      '',
      '<show>angry</show><priority>1000</priority>',
      { kind: 'resource', resource: 'balcony', show: 'online', status: null, priority: 0 },
    ],
    [
      'gone',
      `type='unavailable'`,
      '<status>bye</status>',
      { kind: 'resource', resource: 'balcony', show: 'offline', status: 'bye', priority: 0 },
    ],
    ['a probe', `type='probe'`, '', { kind: 'probe', resource: 'balcony' }],
    [
      'a status of a whole page is cut',
      '',
      `<status>${'x'.repeat(50_000)}</status>`,
      { kind: 'resource', resource: 'balcony', show: 'online', status: `${'x'.repeat(1_023)}…`, priority: 0 },
    ],
    ['subscribe', `type='subscribe'`, '<status>please</status>', { kind: 'verb', verb: 'subscribe', status: 'please' }],
    ['subscribed', `type='subscribed'`, '', { kind: 'verb', verb: 'subscribed', status: null }],
    ['unsubscribe', `type='unsubscribe'`, '', { kind: 'verb', verb: 'unsubscribe', status: null }],
    ['unsubscribed', `type='unsubscribed'`, '', { kind: 'verb', verb: 'unsubscribed', status: null }],
  ])('%s', (_what, attrs, inside, event) => {
    expect(read('presence', attrs, inside)).toEqual({ event });
  });

  test('an error says that somebody cannot be reached', () => {
    const inside = `<error type='cancel'><remote-server-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`;
    expect(read('presence', `type='error'`, inside)).toMatchObject({
      event: { kind: 'unreachable', fault: { stanza: { condition: 'remote-server-not-found' } } },
    });
  });

  test('unknown types are dropped', () => {
    expect(read('presence', `type='invisible'`, '')).toEqual({ drop: 'unknown-type' });
  });
});

describe('the ends', () => {
  const ends = (from: string, to: string): unknown => readEnds(stanzaOf(`<message from='${from}' to='${to}'/>`));
  const juliet = parseJid(sender) as Jid; // a good JID

  test.each<[string, string, string, unknown]>([
    ['a home account', sender, 'Romeo@XIMSS.test/x', { from: juliet, peer: 'romeo@far.test' }],
    ['an account elsewhere', sender, 'a\\40b.test@ximss.test', { peer: 'a@b.test' }],
    ['the gateway itself', sender, 'ximss.test/registered', { peer: '' }],
    ['what no account can be', sender, 'a\\20@ximss.test', { peer: null }],
  ])('%s', (_what, from, to, expected) => {
    expect(ends(from, to)).toMatchObject(expected as object); // every row's outcome is an object
    expect(ends(from, to)).toMatchObject(expected as object); // and the same when it is remembered
  });

  test('twenty thousand strangers are answered right and not all remembered', () => {
    for (let i = 0; i < 25_000; i += 1)
      expect(ends(`u${i}@jabber.test`, recipient)).toMatchObject({ from: { bare: `u${i}@jabber.test` } });
    expect(ends('u0@jabber.test', recipient)).toMatchObject({ from: { bare: 'u0@jabber.test' } });
  });

  test.each<[string, string, object]>([
    ['a message is refused', '<message', { refuse: { code: 'jid-malformed' } }],
    ['a subscription is refused', `<presence type='subscribe'`, { refuse: { code: 'jid-malformed' } }],
    ['an error is dropped', `<message type='error'`, { drop: 'malformed-address' }],
    ['a farewell is dropped', `<presence type='unavailable'`, { drop: 'malformed-address' }],
  ])('to what no account can be: %s', (_what, start, expected) => {
    const stanza = stanzaOf(`${start} from='${sender}' to='a\\20@ximss.test'/>`);
    const found = readEnds(stanza);
    expect(typeof found === 'string' ? found : readStanza(stanza, found, 'en')).toMatchObject(expected);
  });
});
