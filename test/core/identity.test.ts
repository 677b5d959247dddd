/** What a message is known by when it may come twice. */
import { isLiveIdentity, isUniqueId, liveIdentity, surest } from '../../src/core/identity';

test('an identity made of other parts is another one', () => {
  expect(liveIdentity('a', 'bc')).not.toBe(liveIdentity('ab', 'c'));
  expect(liveIdentity('a', 'b')).toBe(liveIdentity('a', 'b'));
});

const live = liveIdentity('juliet@x.org', '1', 'hi');
test.each<[string, string | null, string | null, string | null]>([
  ['a place in an acknowledged stream, rather than an id of the client', live, 'session 7', 'session 7'],
  ['an id of the client where there is no place', live, null, live],
  ['what lasts by itself, rather than a place', 'stored at noon', 'session 7', 'stored at noon'],
  ['a place alone', null, 'session 7', 'session 7'],
  ['nothing', null, null, null],
])('the surest is %s', (_, identity, place, wanted) => expect(surest(identity, place)).toBe(wanted));

test.each([
  [live, true],
  ['session 7', false],
  ['', false],
])('%j counts for some minutes only: %s', (identity, is) => expect(isLiveIdentity(identity)).toBe(is));

test.each<[string, string, boolean]>([
  ['a UUID', '6fa459ea-ee8a-4ca4-894e-db77e160355e', true],
  ['22 letters of base 64', 'Zq3xW0kLr7TfYb1uNc9dEg', true],
  ['hexadecimal digits', 'b1946ac92492d234', true],
  ['a name, a start and a number', 'gajim-4f1c9a-0b2e77d1-12', true],
  ['a number', '1', false],
  ['a letter and a number', 'm1', false],
  ['a number and a letter', 'ab12a', false],
  ['a long name and a number', 'the-client-of-my-house-17', false],
  ['a long number', '00000000000000000001', false],
  ['nothing but letters', 'message-to-you-from-me', false],
  ['something short', 'purple4f1c9a0b', false],
])('%s (%s) is made once only: %s', (_name, id, is) => expect(isUniqueId(id)).toBe(is));
