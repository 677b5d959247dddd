import fc from 'fast-check';
import { makeAccess, parseRule, takeTokens, type Bucket } from '../../src/core/access';
import { faultCodeOf, mustJid } from './arbitraries';

describe('rules', () => {
  test.each<[string, string[], string[], string, boolean]>([
    ['everybody', ['*'], [], 'a@b.c', true],
    ['an empty list allows nobody', [], [], 'a@b.c', false],
    ['a JID', ['a@b.c'], [], 'a@b.c', true],
    ['a JID in capitals', ['A@B.c'], [], 'a@b.c', true],
    ['another JID', ['x@b.c'], [], 'a@b.c', false],
    ['a domain', ['b.c'], [], 'a@b.c', true],
    ['a domain itself', ['b.c'], [], 'b.c', true],
    ['a domain does not name its subdomains', ['b.c'], [], 'a@x.b.c', false],
    ['subdomains', ['*.b.c'], [], 'a@x.y.b.c', true],
    ['subdomains do not name the domain', ['*.b.c'], [], 'a@b.c', false],
    ['subdomains are not suffixes', ['*.b.c'], [], 'a@xb.c', false],
    ['deny wins over the same JID', ['a@b.c'], ['a@b.c'], 'a@b.c', false],
    ['deny of a domain wins over a JID', ['a@b.c'], ['b.c'], 'a@b.c', false],
    ['deny of all', ['a@b.c'], ['*'], 'a@b.c', false],
    ['deny of another', ['*'], ['x@b.c'], 'a@b.c', true],
  ])('%s', (_, allow, deny, user, expected) => {
    expect(makeAccess({ allow, deny, admins: [] }).isAllowed(mustJid(user))).toBe(expected);
  });

  test('admins are their own list', () => {
    const access = makeAccess({ allow: [], deny: [], admins: ['root@b.c'] });
    const root = mustJid('root@b.c');
    expect([access.isAdmin(root), access.isAllowed(root), access.isAdmin(mustJid('a@b.c'))]).toEqual([
      true,
      false,
      false,
    ]);
  });

  test.each([
    ['a resource', 'a@b.c/x'],
    ['nothing', ''],
    ['a pattern in the middle', 'a.*.c'],
    ['a pattern for names', '*@b.c '],
    ['a pattern of nothing', '*.'],
  ])('%s is no rule', (_, text) => {
    expect(parseRule(text)).toBeNull();
    expect(faultCodeOf(() => makeAccess({ allow: ['*'], deny: [text], admins: [] }))).toBe('bad-request');
  });
});

describe('the token bucket', () => {
  const drain = (times: readonly number[], rate: number, burst: number): boolean[] => {
    let bucket: Bucket | null = null;
    return times.map((at) => {
      const taken = takeTokens(bucket, at, rate, burst);
      bucket = taken.bucket;
      return taken.takenCount === 1;
    });
  };

  test.each<[string, number[], boolean[]]>([
    ['a burst, then none', [0, 0, 0], [true, true, false]],
    ['refilled evenly', [0, 0, 999, 1_000], [true, true, false, true]],
    ['a try that fails costs nothing', [0, 0, 500, 999, 1_000, 1_001], [true, true, false, false, true, false]],
    ['no more than the burst gathers', [0, 0, 60_000, 60_000, 60_000], [true, true, true, true, false]],
    ['a clock that went back refills nothing', [10_000, 10_000, 0, 10_000], [true, true, false, false]],
  ])('%s', (_, times, expected) => {
    expect(drain(times, 60, 2)).toEqual(expected);
  });

  test('no window of time ever passes more than the burst and what it refills', () => {
    const steps = fc.array(fc.nat(3_000), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 600 }), fc.integer({ min: 1, max: 20 }), (gaps, rate, burst) => {
        let at = 0;
        const times = gaps.map((gap) => (at += gap));
        const outcomes = drain(times, rate, burst);
        const passed = times.filter((_, i) => outcomes[i]);
        for (const [i, from] of passed.entries()) {
          const last = passed.at(-1) ?? from;
          expect(passed.length - i).toBeLessThanOrEqual(burst + ((last - from) * rate) / 60_000 + 1e-6);
        }
      }),
      { numRuns: 50 },
    );
  });
});
