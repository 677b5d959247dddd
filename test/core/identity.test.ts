/** What a message is known by when it may come twice. */
import { isLiveIdentity, liveIdentity, surest } from '../../src/core/identity';

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
