/** The stored form of envelopes. */
import fc from 'fast-check';
import { Fault, faultTable } from '../../../src/core/fault';
import type { FaultCode } from '../../../src/core/fault';
import { decode, encode } from '../../../src/store/lanes/envelope';
import { groupAppends, groupMax, windowField } from '../../../src/store/lanes/groups';
import { makeKeys } from '../../../src/store/redis/keys';
import { makeFence } from '../../../src/store/lanes/fence';
import { entry, envelope, lane } from '../../support/envelopes';

const text = fc.string({ unit: 'binary' });
const orNull = fc.option(text);
const fault = fc.record(
  {
    code: fc.constantFrom(...(Object.keys(faultTable) as FaultCode[])), // the table's own keys
    text,
    number: fc.integer(),
    stanza: fc.record({ type: fc.constantFrom('auth', 'cancel', 'continue', 'modify', 'wait'), condition: text, text }),
  },
  { requiredKeys: ['code', 'text'] },
);
const event = fc.oneof(
  fc.record({
    kind: fc.constant('message' as const),
    id: orNull,
    resource: orNull,
    body: text,
    subject: orNull,
    nick: orNull,
    type: fc.constantFrom('chat', 'normal', 'headline'),
    sentAt: fc.option(fc.nat()),
    wantsReceipt: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('receipt' as const), of: text, resource: orNull }),
  fc.record({
    kind: fc.constant('verb' as const),
    verb: fc.constantFrom('subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'),
    status: orNull,
  }),
  fc.record({
    kind: fc.constant('bounce' as const),
    of: orNull,
    resource: orNull,
    fault,
    excerpt: orNull,
    what: fc.constantFrom('message', 'verb'),
  }),
);
const envelopes = fc.record({
  id: fc.string({ minLength: 1, maxLength: 60 }).filter((id) => !id.includes('\n')),
  event,
  acceptedAt: fc.nat(),
  attempts: fc.nat(),
  lastFault: fc.option(fault),
});

const quiet = {
  ...({ kind: 'message', id: null, resource: null, type: 'chat', subject: null, sentAt: null } as const),
  wantsReceipt: false,
  nick: null,
};

test('any envelope comes back as it was', () => {
  fc.assert(fc.property(envelopes, (one) => expect(decode(encode(one))).toEqual({ envelope: one })));
});

test('what most messages have in common takes no room', () => {
  const raw = encode({ ...envelope('id'), event: { ...quiet, body: 'hello' } });
  expect(raw).toBe('id\n{"v":2,"at":1700000000000,"e":{"body":"hello"}}');
  expect(decode(raw)).toEqual({ envelope: { ...envelope('id'), event: { ...quiet, body: 'hello' } } });
});

test('any other text is poisoned and kept whole, never thrown', () => {
  fc.assert(fc.property(fc.string(), (raw) => expect(decode(raw)).toEqual({ poisoned: raw })));
});

test('a stored envelope with any one character missing: a sign of the form makes it poisoned, a letter of a text is missed', () => {
  const raw = encode({ ...envelope('id'), event: { ...quiet, body: 'hello' } });
  const outcome = [...raw].map((_, i) => {
    const damaged = raw.slice(0, i) + raw.slice(i + 1);
    const stored = decode(damaged);
    if ('poisoned' in stored) return stored.poisoned === damaged ? 'p' : '?';
    return encode(stored.envelope) === damaged ? 'r' : '?';
  });
  const form = [...raw].map((sign, i) => {
    const isText = i < raw.indexOf('\n') || (i >= raw.indexOf('hello') && i < raw.indexOf('hello') + 5);
    return isText || /\d/.test(sign) ? 'r' : 'p';
  });
  form[raw.indexOf('2,')] = 'p'; // the version
  expect(outcome.join('')).toBe(form.join(''));
});

test.each(['1', '3', '"2"', 'null'])('an envelope of version %s is poisoned', (version) => {
  const raw = encode(envelope('id')).replace('"v":2,', `"v":${version},`);
  expect(decode(raw)).toEqual({ poisoned: raw });
});

test('fields of a newer version of the same form are kept', () => {
  const raw = encode(envelope('id')).replace('"body":', '"mood":"glad","body":');
  const stored = decode(raw);
  expect('envelope' in stored && encode(stored.envelope)).toContain('"mood":"glad"');
});

test.each([
  ['is empty', ''],
  ['holds a line feed', 'a\nb'],
  ['is very long', 'x'.repeat(201)],
])('an id that %s is refused', (_, id) => {
  expect(() => encode(envelope(id))).toThrow(Fault);
});

test('entries are grouped by lane, in order, in parts that fit the stack of Lua', () => {
  const where = [lane('u@x', 'a@y'), lane('u@x', 'b@y')];
  const list = Array.from({ length: 2 * groupMax + 10 }, (_, i) =>
    entry(where[i % 2] ?? where[0] ?? lane('', ''), `${i}`),
  );
  const [shard] = makeKeys('p:', 1).shards;
  if (shard === undefined) throw new Error('no shard');
  const { keys, args, places } = groupAppends(list, [...list.keys()], shard, 7);
  expect(args[0]).toBe(4);
  expect(keys).toHaveLength(4 * 3);
  expect(keys.slice(0, 3)).toEqual(['p:{0}:l:toFar u@x a@y', 'p:{0}:s:7:toFar u@x a@y', 'p:{0}:s:6:toFar u@x a@y']);
  expect([...places].sort((a, b) => a - b)).toEqual(list.map((_, i) => i));
  const firsts = places.filter((place) => place % 2 === 0);
  expect(firsts).toEqual([...firsts].sort((a, b) => a - b));
  expect(args[1]).toBe(groupMax);
  expect(groupAppends([], [], shard, 7)).toEqual({ keys: [], args: [0], places: [], sizes: [] });
});

test('fields of the dedupe window are short and tell everything apart', () => {
  const fields = [
    windowField(null, 'x'),
    windowField('x', ''),
    windowField('ex', ''),
    windowField('y'.repeat(500), ''),
  ];
  expect(new Set(fields).size).toBe(fields.length);
  expect(Math.max(...fields.map((field) => field.length))).toBeLessThan(50);
});

test('what is known of heads is bounded: the longest unused lanes are forgotten', () => {
  const heads = makeFence(2);
  const [a, b, c] = [lane('u@x', 'a@y'), lane('u@x', 'b@y'), lane('u@x', 'c@y')];
  heads.note(a, ['1', null, '2', null]);
  heads.note(b, ['3']);
  expect(heads.lastOf(a, 4)).toEqual({ index: 2, id: '2' });
  expect(heads.lastOf(a, 2)).toEqual({ index: 0, id: '1' });
  expect(heads.poisoned(a, 3)).toEqual([1]);
  heads.note(b, ['3']);
  heads.settled(a, 2, ['1']);
  expect(heads.lastOf(a, 2)).toEqual({ index: 1, id: '2' });
  heads.note(c, ['4']);
  expect(heads.lastOf(b, 1)).toBeNull();
  expect(heads.lastOf(a, 1)).toEqual({ index: 0, id: '1' });
  heads.settled(a, 3, []);
  expect(heads.lastOf(a, 1)).toBeNull();
  expect(heads.lastOf(c, 0)).toBeNull();
});
