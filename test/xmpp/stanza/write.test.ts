import fc from 'fast-check';
import { makeAddressBook, parseAccount, parseJid, type Account, type BareJid } from '../../../src/core/address';
import { Fault, type FaultData } from '../../../src/core/fault';
import { ru } from '../../../src/core/i18n/ru';
import { gatewayPeer, type ChatState, type Durable, type FarPresence, type Message } from '../../../src/core/model';
import type { Language } from '../../../src/core/i18n';
import { splitText } from '../../../src/xmpp/stanza/split';
import { el, payload, type Element } from '../../../src/xmpp/stanza/element';
import { writeEnvelope, writeEvent, writeProbe, type WriteContext } from '../../../src/xmpp/stanza/write';
import { makeGuard } from '../../../src/xmpp/stream/guard';
import { envelopeOf } from '../../support/jabber-side';
import { countingMeter, silentLog } from '../../support/silence';
import { stanzaOf } from '../stanzas';

const book = makeAddressBook({ componentDomain: 'ximss.test', homeDomain: 'far.test' });
const romeo = parseAccount('romeo@far.test') as Account; // a good account
const nurse = parseAccount('nurse@else.test') as Account; // a good account
const juliet = parseJid('juliet@jabber.test')?.bare as BareJid; // a good JID
const now = Date.UTC(2026, 0, 2, 3, 4, 5);
const context: WriteContext = {
  book,
  stanzaBytes: 262_144,
  caps: () => payload('c', 'http://jabber.org/protocol/caps'),
  shownAvatar: (hash: string | null): string | null => hash,
  languageOf: (user: BareJid): Language => (user.startsWith('olga@') ? 'ru' : 'en'),
};

const tell = (event: Durable | ChatState | FarPresence, peer = romeo): string =>
  writeEvent(context, juliet, peer, event, 'id1', now).map(String).join('');
const fromBare = 'from="romeo@ximss.test" to="juliet@jabber.test"';
const fromFull = 'from="romeo@ximss.test/ximss" to="juliet@jabber.test"';

describe('messages', () => {
  const write = (acceptedAt: number, extra = {}): string => {
    const envelope = { ...envelopeOf('e1', 'a <b> & "c"', extra), acceptedAt };
    return writeEnvelope(context, juliet, romeo, envelope, now).map(String).join('');
  };
  const start = `<message ${fromFull} type="chat" id="e1"><body>a &lt;b&gt; &amp; "c"</body>`;
  const active = '<active xmlns="http://jabber.org/protocol/chatstates"/>';
  const origin = '<origin-id xmlns="urn:xmpp:sid:0" id="e1"/>';
  const delay = (stamp: string): string => `<delay xmlns="urn:xmpp:delay" from="ximss.test" stamp="${stamp}"/>`;

  test.each<[string, string, string]>([
    ['fresh', write(now), `${start}${active}${origin}</message>`],
    ['a minute old', write(now - 60_000), `${start}${active}${origin}</message>`],
    [
      'older than a minute',
      write(now - 60_001),
      `${start}${active}${origin}${delay('2026-01-02T03:03:04.999Z')}</message>`,
    ],
    [
      'with a time of its own',
      write(now, { sentAt: now - 1000 }),
      `${start}${active}${origin}${delay('2026-01-02T03:04:04Z')}</message>`,
    ],
    [
      'in a language that is known',
      write(now, { language: 'ru' }),
      `${start.replace('><body', ' xml:lang="ru"><body')}${active}${origin}</message>`,
    ],
    [
      'with a nickname',
      write(now, { nick: 'R' }),
      `${start}${active}${origin}<nick xmlns="http://jabber.org/protocol/nick">R</nick></message>`,
    ],
    [
      'with a subject',
      write(now, { subject: 'S', type: 'normal' }),
      `<message ${fromFull} type="chat" id="e1"><subject>S</subject><body>a &lt;b&gt; &amp; "c"</body>${active}${origin}</message>`,
    ],
  ])('%s', (_what, written, expected) => {
    expect(written).toBe(expected);
  });

  test('a repeat is the same, byte for byte', () => {
    expect(write(now)).toBe(write(now));
  });

  test('a text that does not fit goes out in parts that do', () => {
    const body = '&я😀\n'.repeat(2000);
    const small = { ...context, stanzaBytes: 4000 };
    const parts = writeEnvelope(small, juliet, romeo, { ...envelopeOf('e1', body), acceptedAt: now }, now);
    expect(parts.map((part) => part.attrs['id'])).toEqual(parts.map((_, i) => (i === 0 ? 'e1' : `e1/${i + 1}`)));
    for (const part of parts) expect(Buffer.byteLength(part.toString())).toBeLessThanOrEqual(4000);
    const read = parts.map((part) => stanzaOf(part.toString())).map((part) => bodyText(part));
    expect(read.join('')).toBe(body);
    expect(() => writeEnvelope({ ...context, stanzaBytes: 100 }, juliet, romeo, envelopeOf('e', 'hello'), now)).toThrow(
      Fault,
    );
  });
});

function bodyText(message: Element): string {
  const body = message.children.find((child) => typeof child !== 'string' && child.name === 'body');
  return typeof body === 'object' ? body.getText() : '';
}

test('property: parts joined are the text, none is over its room, no character is cut', () => {
  const text = fc
    .array(fc.constantFrom('a', '&', 'я', '😀', '<', '\n', '"'), { maxLength: 400 })
    .map((all) => all.join(''));
  fc.assert(
    fc.property(text, fc.integer({ min: 64, max: 500 }), (whole, room) => {
      const parts = splitText(whole, 0, () => room);
      expect(parts.join('')).toBe(whole);
      for (const part of parts) {
        expect(Buffer.byteLength(el('b', {}, part).toString()) - '<b></b>'.length).toBeLessThanOrEqual(room);
        expect(part).not.toMatch(/\p{Cs}/u);
      }
    }),
  );
});

const fault = { code: 'not-found', text: 'There is no such contact.' } as const;
const bounce = { kind: 'bounce', of: 'm1', what: 'message', resource: 'balcony', fault, excerpt: null } as const;
const error =
  '<error type="cancel"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/>' +
  '<text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas" xml:lang="en">There is no such contact.</text></error>';
const presence = { kind: 'presence', show: 'online', status: null, avatarHash: null } as const;
const caps = '<c xmlns="http://jabber.org/protocol/caps"/>';

test.each<[string, string, string]>([
  [
    'a receipt goes to the resource',
    tell({ kind: 'receipt', of: 'm1', resource: 'balcony' }),
    `<message from="romeo@ximss.test/ximss" to="juliet@jabber.test/balcony" type="chat" id="id1"><received xmlns="urn:xmpp:receipts" id="m1"/><store xmlns="urn:xmpp:hints"/></message>`,
  ],
  [
    'a receipt without a resource',
    tell({ kind: 'receipt', of: 'm1', resource: null }),
    `<message ${fromFull} type="chat" id="id1"><received xmlns="urn:xmpp:receipts" id="m1"/><store xmlns="urn:xmpp:hints"/></message>`,
  ],
  [
    'a marker',
    tell({ kind: 'receipt', of: 'm1', resource: null, form: 'marker' }),
    `<message ${fromFull} type="chat" id="id1"><received xmlns="urn:xmpp:chat-markers:0" id="m1"/><store xmlns="urn:xmpp:hints"/></message>`,
  ],
  [
    'a receipt that is a marker too',
    tell({ kind: 'receipt', of: 'm1', resource: null, form: 'both' }),
    `<message ${fromFull} type="chat" id="id1"><received xmlns="urn:xmpp:receipts" id="m1"/><received xmlns="urn:xmpp:chat-markers:0" id="m1"/><store xmlns="urn:xmpp:hints"/></message>`,
  ],
  [
    'a verb',
    tell({ kind: 'verb', verb: 'subscribe', status: 'hi' }),
    `<presence ${fromBare} type="subscribe" id="id1"><status>hi</status></presence>`,
  ],
  [
    'a bounce of a message',
    tell(bounce),
    `<message from="romeo@ximss.test" to="juliet@jabber.test/balcony" type="error" id="m1">${error}</message>`,
  ],
  [
    'a bounce of a verb',
    tell({ ...bounce, what: 'verb', resource: null }),
    `<presence ${fromBare} type="error" id="m1">${error}</presence>`,
  ],
  [
    'a bounce of what had no id',
    tell({ ...bounce, of: null, resource: null }),
    `<message ${fromBare} type="error">${error}</message>`,
  ],
  [
    'a chat state',
    tell({ kind: 'chatState', state: 'paused' }),
    `<message ${fromFull} type="chat"><paused xmlns="http://jabber.org/protocol/chatstates"/><no-store xmlns="urn:xmpp:hints"/></message>`,
  ],
  ['online', tell(presence), `<presence ${fromFull}>${caps}</presence>`],
  [
    'away, with words',
    tell({ ...presence, show: 'away', status: 'tea' }),
    `<presence ${fromFull}><show>away</show><status>tea</status>${caps}</presence>`,
  ],
  [
    'offline',
    tell({ ...presence, show: 'offline', status: 'bye', avatarHash: 'ab' }),
    `<presence ${fromFull} type="unavailable"><status>bye</status></presence>`,
  ],
  [
    'with an avatar',
    tell({ ...presence, avatarHash: 'ab' }),
    `<presence ${fromFull}>${caps}<x xmlns="vcard-temp:x:update"><photo>ab</photo></x></presence>`,
  ],
  [
    'without an avatar',
    tell({ ...presence, avatarHash: '' }),
    `<presence ${fromFull}>${caps}<x xmlns="vcard-temp:x:update"><photo/></x></presence>`,
  ],
  [
    'from the gateway',
    tell({ ...presence, show: 'offline' }, gatewayPeer),
    '<presence from="ximss.test" to="juliet@jabber.test" type="unavailable"/>',
  ],
  [
    'from an account elsewhere',
    tell({ ...presence, show: 'offline' }, nurse),
    '<presence from="nurse\\40else.test@ximss.test/ximss" to="juliet@jabber.test" type="unavailable"/>',
  ],
  ['a probe', writeProbe(book, juliet, romeo).toString(), `<presence ${fromBare} type="probe"/>`],
])('%s', (_what, written, expected) => {
  expect(written).toBe(expected);
});

test.each(['chat', 'normal', 'headline'] as const)(
  'a far message of type %s is a chat: nothing that a server drops',
  (type) => {
    const { event } = envelopeOf('e1', 'hello', { type });
    if (event.kind === 'message') expect(tell(event)).toContain(`<message ${fromFull} type="chat"`);
    expect.assertions(1);
  },
);

describe('the text of an error is labelled with its language', () => {
  const olga = parseJid('olga@jabber.test')?.bare as BareJid; // a good JID
  const textOf = (user: BareJid, data: FaultData): string | undefined =>
    /<text[^>]*>[^<]*/.exec(
      writeEvent(context, user, romeo, { ...bounce, fault: data }, 'id1', now)
        .map(String)
        .join(''),
    )?.[0];
  const xmlns = 'xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"';

  test.each<[string, string | undefined, string]>([
    ['ours, in English', textOf(juliet, fault), `<text ${xmlns} xml:lang="en">There is no such contact.`],
    ['ours, in Russian', textOf(olga, fault), `<text ${xmlns} xml:lang="ru">${ru.faults['not-found']}`],
    [
      'the far server’s own',
      textOf(olga, { code: 'refused', text: 'Domain gesperrt' }),
      `<text ${xmlns}>Domain gesperrt`,
    ],
    [
      'those of a Jabber server',
      textOf(juliet, {
        code: 'no-service',
        text: 'x',
        stanza: { type: 'cancel', condition: 'gone', text: 'parti' },
      }),
      `<text ${xmlns}>parti`,
    ],
  ])('%s', (_what, written, expected) => {
    expect(written).toBe(expected);
  });
});

test('the gateway has no resource', () => {
  expect(tell(presence, gatewayPeer)).toBe(`<presence from="ximss.test" to="juliet@jabber.test">${caps}</presence>`);
  expect(tell(envelopeOf('e1', 'hello').event as Message, gatewayPeer)).toContain('<message from="ximss.test" to='); // it is a message
});

test('a long status is cut', () => {
  expect(tell({ ...presence, status: 'x'.repeat(100_000) }).length).toBeLessThan(2000);
});

describe('the guard', () => {
  const sent: string[] = [];
  const tags: number[] = [];
  const meter = countingMeter();
  const guard = makeGuard({
    domain: 'ximss.test',
    stanzaBytes: 1000,
    send: (text) => sent.push(text) > 0,
    onTag: (chars) => void tags.push(chars),
    meter,
    log: silentLog,
  });
  const message = (from: string | null, to: string | null, body = 'x'): Element =>
    el('message', { from, to }, el('body', {}, body));

  test.each<[string, Element, string]>([
    ['no from', message(null, 'a@b'), 'internal'],
    ['a foreign from', message('juliet@jabber.test', 'a@b'), 'internal'],
    ['a domain that ends like ours', message('a@xximss.test', 'a@b'), 'internal'],
    ['our domain in the resource', message('a@b/c@ximss.test', 'a@b'), 'internal'],
    ['a message from a bare ghost', message('romeo@ximss.test', 'a@b'), 'internal'],
    ['a message from another resource', message('romeo@ximss.test/other', 'a@b'), 'internal'],
    ['presence from a bare ghost', el('presence', { from: 'romeo@ximss.test', to: 'a@b' }), 'internal'],
    ['a full request', el('presence', { from: 'romeo@ximss.test/ximss', to: 'a@b', type: 'subscribe' }), 'internal'],
    ['a message from a full gateway', message('ximss.test/ximss', 'a@b'), 'internal'],
    ['no to', message('ximss.test', null), 'internal'],
    ['an empty to', message('ximss.test', ''), 'internal'],
    ['too many bytes', message('ximss.test', 'a@b', 'я'.repeat(500)), 'too-large'],
  ])('does not let pass: %s', (_what, stanza, code) => {
    expect(() => guard.serialise(stanza)).toThrow(expect.objectContaining({ code }) as Error); // matchers are any
    expect(guard.write(stanza)).toBe(false);
    expect(sent).toEqual([]);
  });

  test('removes what XML forbids, in texts and values, and counts it', () => {
    const text = guard.serialise(message('a@ximss.test/ximss', 'a@b\u0001', 'a\0b\uffffc\ud800d 😀\n'));
    expect(text).toBe('<message from="a@ximss.test/ximss" to="a@b"><body>abcd 😀\n</body></message>');
    expect(meter.total('xml_chars_removed_total')).toBe(4);
  });

  test('tells how long the longest tag is', () => {
    const chat = message('a@ximss.test/ximss', 'juliet@jabber.test', '1 > 0 < 2 "x"');
    chat.append(el('received', { xmlns: 'urn:xmpp:receipts', id: 'i'.repeat(99) }));
    tags.length = 0;
    guard.write(chat);
    guard.write(message('a@ximss.test/ximss', 'a@b', 'x'.repeat(500)));
    expect(tags).toEqual([
      `<received xmlns="urn:xmpp:receipts" id="${'i'.repeat(99)}"/>`.length,
      '<message from="a@ximss.test/ximss" to="a@b">'.length,
    ]);
    sent.length = 0;
  });

  test('property: whatever the text, what leaves can be read', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 50 }), (body) => {
        const stanza = stanzaOf(guard.serialise(message('ximss.test', 'a@b', body)));
        expect(stanza.attrs['to']).toBe('a@b');
      }),
    );
  });
});
