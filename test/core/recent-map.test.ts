import fc from 'fast-check';
import { makeRecentMap } from '../../src/core/recent-map';

describe('a map of what was set lately', () => {
  test('knows the last `max` keys that were set, and never more than twice as many', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 30 })), fc.integer({ min: 1, max: 8 }), (keys, max) => {
        const map = makeRecentMap<number, number>(max);
        keys.forEach((key, at) => map.set(key, at));
        const inOrder = [...new Set([...keys].reverse())];
        for (const key of inOrder.slice(0, max)) expect(map.get(key)).toBe(keys.lastIndexOf(key));
        expect(inOrder.filter((key) => map.get(key) !== undefined).length).toBeLessThanOrEqual(2 * max);
      }),
    );
  });

  test('what was deleted is gone, also from the older generation', () => {
    const map = makeRecentMap<string, number>(1);
    map.set('a', 1);
    map.set('b', 2);
    map.delete('a');
    map.delete('b');
    expect([map.get('a'), map.get('b')]).toEqual([undefined, undefined]);
  });
});
