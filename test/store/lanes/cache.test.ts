/** What is known of a lane without reading it: never anything but a beginning of what lies there. */
import fc from 'fast-check';
import type { Stored } from '../../../src/bridge/ports';
import { makeLaneCache } from '../../../src/store/lanes/cache';
import { envelope, lane } from '../../support/envelopes';

const [a, b] = [lane('u', 'a'), lane('u', 'b')];
const item = (id: string): Stored => ({ envelope: envelope(id) });
const idsOf = (items: readonly Stored[] | null): readonly string[] | null =>
  items?.map((one) => ('envelope' in one ? one.envelope.id : '?')) ?? null;

test('a lane is known from its first envelope on, and no more when it is empty', () => {
  const cache = makeLaneCache();
  cache.stored(a, item('1'), 100, 1);
  cache.stored(a, item('2'), 100, 2);
  expect(idsOf(cache.head(a, 5))).toEqual(['1', '2']);
  expect(idsOf(cache.head(a, 1))).toEqual(['1']);
  cache.taken(a, 1, 1);
  expect(idsOf(cache.head(a, 5))).toEqual(['2']);
  cache.taken(a, 1, 0);
  expect(cache.head(a, 5)).toBeNull();
});

test.each<[string, (cache: ReturnType<typeof makeLaneCache>) => void]>([
  ['something was there before', (cache) => cache.stored(a, item('2'), 100, 3)],
  ['it is shorter than known', (cache) => cache.stored(a, item('2'), 100, 1)],
  ['more is left than known', (cache) => cache.taken(a, 1, 1)],
  ['its text is long', (cache) => cache.stored(a, item('2'), 5_000, 2)],
  ['it is forgotten', (cache) => cache.forget(a)],
  ['all are forgotten', (cache) => cache.clear()],
])('a lane is not known when %s', (_, happen) => {
  const cache = makeLaneCache();
  cache.stored(a, item('1'), 100, 1);
  cache.stored(b, item('1'), 100, 1);
  happen(cache);
  expect(['1', null]).toContainEqual(idsOf(cache.head(a, 5))?.join() ?? null);
  expect(idsOf(cache.head(a, 5))?.includes('2') ?? false).toBe(false);
});

test('it is bounded: the longest known lane goes first, and none is kept when none may be', () => {
  const cache = makeLaneCache(3);
  for (const id of ['1', '2', '3']) cache.stored(a, item(id), 100, Number(id));
  cache.stored(b, item('4'), 100, 1);
  expect(cache.head(a, 1)).toBeNull();
  expect(idsOf(cache.head(b, 1))).toEqual(['4']);
  const none = makeLaneCache(0);
  none.stored(a, item('1'), 100, 1);
  expect(none.head(a, 1)).toBeNull();
});

test('whatever others do to the lane, and in whatever order answers come, what is known was stored in that order', () => {
  const step = fc.oneof(
    fc.constant('append' as const),
    fc.constant('take' as const),
    fc.constant('append, unheard' as const),
    fc.constant('take, unheard' as const),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const cache = makeLaneCache();
      let truth: string[] = [];
      let next = 0;
      for (const one of steps) {
        if (one.startsWith('append')) {
          truth.push(`${(next += 1)}`);
          if (one === 'append') cache.stored(a, item(`${next}`), 10, truth.length);
        } else {
          truth = truth.slice(1);
          if (one === 'take') cache.taken(a, 1, truth.length);
        }
        const known = idsOf(cache.head(a, 100)) ?? [];
        const numbers = known.map(Number);
        expect(numbers).toEqual([...numbers].sort((x, y) => x - y)); // never out of order
      }
    }),
  );
});
