import type { Bounce, ChatState, Durable, Message, Show } from '../../../src/core/model';
import { defaultDialect, dialectOf, dialectOptions, type Dialect } from '../../../src/ximss/protocol/dialect';
import { serialise } from '../../../src/ximss/wire/element';
import type { Operation } from '../../../src/ximss/protocol/request';
import {
  writeBind,
  writeChatState,
  writeContact,
  writeEnvelope,
  writeEvent,
  writeIqRefusal,
  writePresence,
  writeRemoval,
} from '../../../src/ximss/protocol/write';
import { account, chat } from '../support';

const romeo = account('romeo@x.dom');
const wire = (operation: Operation<unknown> | null): string | null => (operation ? serialise(operation.request) : null);
const message = (body: string, changes?: Partial<Message>): Durable => chat(body, changes).event;
const bounce = (changes: Partial<Bounce>): Bounce => ({
  kind: 'bounce',
  of: 'm',
  what: 'message',
  resource: null,
  excerpt: null,
  fault: { code: 'no-service', text: 'Nobody serves this here.' },
  ...changes,
});

describe('durable events', () => {
  test.each<[string, Durable, string | null, Partial<Dialect>?]>([
    ['a message', message('hello'), '<sendIM peer="romeo@x.dom" type="chat" iqid="env">hello</sendIM>'],
    [
      'the far side sees the id of the envelope, so that a report can be matched',
      message('hello', { id: 'm1' }),
      '<sendIM peer="romeo@x.dom" type="chat" iqid="env">hello</sendIM>',
    ],
    [
      'a subject goes first',
      message('b', { subject: 's' }),
      '<sendIM peer="romeo@x.dom" type="chat" iqid="env">s\nb</sendIM>',
    ],
    ['only a subject', message('', { subject: 's' }), '<sendIM peer="romeo@x.dom" type="chat" iqid="env">s</sendIM>'],
    [
      'a headline is chat',
      message('x', { type: 'headline' }),
      '<sendIM peer="romeo@x.dom" type="chat" iqid="env">x</sendIM>',
    ],
    ['without type', message('x'), '<sendIM peer="romeo@x.dom" iqid="env">x</sendIM>', { messageType: 'omit' }],
    [
      'in a body child',
      message('x'),
      '<sendIM peer="romeo@x.dom" type="chat" iqid="env"><body>x</body></sendIM>',
      { messageContent: 'body' },
    ],
    ['without id', message('x'), '<sendIM peer="romeo@x.dom" type="chat">x</sendIM>', { errorReports: 'without-ids' }],
    ['a receipt', { kind: 'receipt', of: 'x', resource: null }, null],
    ['a verb', { kind: 'verb', verb: 'subscribe', status: null }, '<presenceSet peer="romeo@x.dom" type="subscribe"/>'],
    [
      'a verb with words',
      { kind: 'verb', verb: 'subscribe', status: 'hi' },
      '<presenceSet peer="romeo@x.dom" type="subscribe"><status>hi</status></presenceSet>',
    ],
    [
      'a verb by rosterSet',
      { kind: 'verb', verb: 'subscribed', status: null },
      '<rosterSet what="subscribed" peer="romeo@x.dom"/>',
      { subscriptionForm: 'rosterSet' },
    ],
    ['a bounce has no word: what a person is told comes as a message', bounce({}), null],
  ])('%s', (_, event, expected, changes = {}) => {
    expect(wire(writeEvent(romeo, event, 'env', dialectOf(changes)))).toBe(expected);
  });

  test.each<[string, number, Partial<Message>, string]>([
    ['at once', 0, {}, 'hi'],
    ['within a minute', 60_000, {}, 'hi'],
    ['later', 60_001, {}, '[2026-11-21 14:02 UTC] hi'],
    ['later, with a subject', 60_001, { subject: 's' }, '[2026-11-21 14:02 UTC] s\nhi'],
    ['long after it was written', 0, { sentAt: Date.UTC(2024, 1, 29, 10, 11) }, '[2024-02-29 10:11 UTC] hi'],
    ['before it was written', 90_000, { sentAt: Date.UTC(2036, 1, 1) }, 'hi'],
  ])('a message delivered %s', (_when, ageMs, changes, text) => {
    const acceptedAt = Date.UTC(2026, 10, 21, 14, 2, 30);
    const envelope = { id: 'env', event: message('hi', changes), acceptedAt };
    const operation = writeEnvelope(romeo, envelope, defaultDialect, acceptedAt + ageMs);
    expect(wire(operation)).toBe(`<sendIM peer="romeo@x.dom" type="chat" iqid="env">${text}</sendIM>`);
  });

  test('only what people would see twice is of unknown outcome', () => {
    const effect = (event: Durable): string | undefined => writeEvent(romeo, event, 'e', defaultDialect)?.effect;
    expect(effect(message('x'))).toBe('once');
    expect(effect({ kind: 'verb', verb: 'subscribe', status: null })).toBe('repeatable');
  });
});

test.each<[ChatState['state'], Dialect['chatStates'], string | null]>([
  ['composing', 'known', '<composing/>'],
  ['paused', 'known', '<paused/>'],
  ['gone', 'known', '<gone/>'],
  ['active', 'known', null],
  ['inactive', 'known', null],
  ['inactive', 'inactive-as-paused', '<paused/>'],
  ['active', 'inactive-as-paused', null],
  ['composing', 'off', null],
])('the chat state %s under "%s"', (state, chatStates, child) => {
  const expected = child === null ? null : `<sendIM peer="romeo@x.dom" type="chat">${child}</sendIM>`;
  expect(wire(writeChatState(romeo, { kind: 'chatState', state }, dialectOf({ chatStates })))).toBe(expected);
});

test.each<[Show, string]>([
  ['online', 'online'],
  ['chat', 'online'],
  ['away', 'away'],
  ['xa', 'away'],
  ['dnd', 'busy'],
  ['offline', 'offline'],
])('own presence %s is %s', (show, word) => {
  expect(wire(writePresence({ show, status: null }))).toBe(
    `<presenceSet><presence>${word}</presence><status/></presenceSet>`,
  );
  expect(wire(writePresence({ show, status: 'x' }))).toContain('<status>x</status>');
});

describe('contacts', () => {
  const contact = { account: romeo, name: 'R', groups: ['Work', '~no'], hiddenGroups: ['~x'] };
  test.each<[string, Operation<void>, string]>([
    [
      'set',
      writeContact(contact, dialectOf({})),
      '<rosterSet peer="romeo@x.dom" name="R"><group>Work</group><group>~x</group></rosterSet>',
    ],
    [
      'set without name',
      writeContact({ ...contact, name: null, groups: [], hiddenGroups: [] }, dialectOf({})),
      '<rosterSet peer="romeo@x.dom"/>',
    ],
    [
      'set by what',
      writeContact({ ...contact, groups: [], hiddenGroups: [] }, dialectOf({ rosterSetForm: 'what' })),
      '<rosterSet what="update" peer="romeo@x.dom" name="R"/>',
    ],
    ['removed', writeRemoval(romeo, dialectOf({})), '<rosterSet peer="romeo@x.dom" subscription="remove"/>'],
    [
      'removed by what',
      writeRemoval(romeo, dialectOf({ rosterSetForm: 'what' })),
      '<rosterSet what="remove" peer="romeo@x.dom"/>',
    ],
  ])('%s', (_, operation, expected) => {
    expect(wire(operation)).toBe(expected);
  });
});

test('the bind, full and bare; the answer to a question', () => {
  expect(wire(writeBind('c', dialectOf({})))).toBe('<signalBind clientID="c" presence="yes" readIM="1"/>');
  expect(wire(writeBind('c', dialectOf({ bind: 'bare' })))).toBe('<signalBind/>');
  expect(wire(writeIqRefusal('romeo@x.dom', '1'))).toBe(
    '<iqSend type="error" peer="romeo@x.dom" iqid="1"><error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iqSend>',
  );
});

describe('the dialect', () => {
  test('has one option for each assumption, in order', () => {
    expect(dialectOptions.map(({ assumption }) => assumption)).toEqual(
      Array.from({ length: dialectOptions.length }, (_, index) => `A${index + 1}`),
    );
  });
  test('has a default for every key, which is the first of its values, if it has any', () => {
    expect(Object.keys(defaultDialect)).toEqual(dialectOptions.map(({ key }) => key));
    for (const { key, values, default: value, description } of dialectOptions) {
      expect(defaultDialect[key]).toBe(value);
      expect(values[0] ?? value).toBe(value);
      expect(values.length).not.toBe(1); // none: any text
      expect(description.length).toBeGreaterThan(10);
    }
  });
});
