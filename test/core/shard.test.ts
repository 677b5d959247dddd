/** Shards: the same for ever, as another implementation would compute them, and even. */
import type { BareJid } from '../../src/core/address';
import type { LaneKey } from '../../src/core/model';
import { shardOf, userOf } from '../../src/core/shard';
import { lane } from '../support/envelopes';

const jid = (text: string): BareJid => text as BareJid; // any text has a shard

test.each([
  ['', 11, 11],
  ['a', 3, 435],
  ['juliet@example.org', 12, 636],
  ['romeo@example.net', 0, 368],
  ['жульетта@пример.рф', 9, 9],
  ['juliet@xn--e1afmkfd.example', 10, 234],
  ['😀@example.org', 3, 19],
])('%p is in shard %i of 16 and in shard %i of 1024', (user, of16, of1024) => {
  expect([shardOf(jid(user), 16), shardOf(jid(user), 1_024), shardOf(jid(user), 1)]).toEqual([of16, of1024, 0]);
});

test('users are spread evenly', () => {
  const counts = Array.from({ length: 16 }, () => 0);
  for (let i = 0; i < 16_000; i += 1) {
    const shard = shardOf(jid(`user${i}@example.org`), 16);
    counts[shard] = (counts[shard] ?? 0) + 1;
  }
  expect(Math.min(...counts)).toBeGreaterThan(900);
  expect(Math.max(...counts)).toBeLessThan(1_100);
});

test.each([
  ['both directions of a conversation', lane('juliet@x.org', 'romeo@y.net', 'toJabber'), 'juliet@x.org'],
  ['a lane whose peer is empty', lane('juliet@x.org', ''), 'juliet@x.org'],
  ['a damaged key', 'nonsense' as LaneKey, 'nonsense'],
  ['a damaged key of two words', 'toFar juliet@x.org' as LaneKey, 'juliet@x.org'],
])('the user of %s', (_, key, user) => {
  expect(userOf(key)).toBe(user);
});
