/**
 * What every store keeps: what was delivered and is held. Run on Redis and on the memory store, so that what the layers above are tested with
 * behaves like what they run on.
 */
import type { LaneKey } from '../../src/core/model';
import type { Store } from '../../src/store/types';
import { entries, envelope } from '../support/envelopes';
import { pause, until } from '../support/wait';
import type { Subject } from './subject';
import { a, allLanes, b, back, ids, nothing } from './subject';

export function describeHeld(name: string, subject: Subject): void {
  describe(`${name}: what is held`, () => {
    /** Delivers so many from the head of a lane and holds them. */
    async function deliver(store: Store, where: LaneKey, count: number): Promise<void> {
      const stored = await store.lanes.head(where, count);
      const hold = stored.flatMap((item) => ('envelope' in item ? [item.envelope] : []));
      await store.lanes.settle({ lane: where, taken: count, ...nothing, hold });
    }
    const held = (store: Store): Promise<number> => store.lanes.dropHeld(600_000);

    test('comes back at the heads of its lanes, in order and as it was, and only once', async () => {
      const store = await subject.open();
      await store.lanes.append([...entries(back, 'n', 5), ...entries(a, 'm', 3)]);
      await deliver(store, back, 2);
      await deliver(store, a, 3);
      await deliver(store, back, 2);
      expect(await ids(store, back)).toEqual(['n4']);
      expect(await store.lanes.counts()).toEqual({ envelopes: 1, lanes: 1, dead: 0 });
      const { lanes, count } = await store.lanes.restoreHeld(0);
      expect([count, [...lanes].sort()]).toEqual([7, [a, back].sort()]);
      expect(await ids(store, back)).toEqual(['n0', 'n1', 'n2', 'n3', 'n4']);
      expect(await ids(store, a)).toEqual(['m0', 'm1', 'm2']);
      expect(await store.lanes.head(back, 1)).toEqual([{ envelope: envelope('n0') }]);
      expect(await store.lanes.counts()).toEqual({ envelopes: 8, lanes: 2, dead: 0 });
      expect(await allLanes(store)).toEqual([a, back].sort());
      expect(await store.lanes.restoreHeld(0)).toEqual({ lanes: [], count: 0 });
    });

    test('is only what the settlement names', async () => {
      const store = await subject.open();
      await store.lanes.append(entries(back, 'n', 4));
      const stored = await store.lanes.head(back, 4);
      const kept = stored[1] && 'envelope' in stored[1] ? [stored[1].envelope] : [];
      const hold = stored[2] && 'envelope' in stored[2] ? [stored[2].envelope] : [];
      await store.lanes.settle({ lane: back, taken: 4, keep: kept, append: [], dead: [envelope('n3')], hold });
      expect(await held(store)).toBe(1);
      await store.lanes.restoreHeld(0);
      expect(await ids(store, back)).toEqual(['n2', 'n1']);
    });

    test('more than a page comes back in order', async () => {
      const store = await subject.open();
      await store.lanes.append([...entries(back, 'n', 1_300), ...entries(b, 'm', 50)]);
      for (let i = 0; i < 130; i += 1) await deliver(store, back, 10);
      await deliver(store, b, 50);
      expect(await store.lanes.restoreHeld(0)).toMatchObject({ count: 1_350 });
      expect(await ids(store, back, 2_000)).toEqual(Array.from({ length: 1_300 }, (_, i) => `n${i}`));
      expect(await ids(store, b)).toEqual(Array.from({ length: 50 }, (_, i) => `m${i}`));
    });

    test('comes back only when it is old enough, and is let go when it is too old', async () => {
      const store = await subject.open();
      await store.lanes.append(entries(back, 'n', 4));
      await deliver(store, back, 2);
      await pause(500);
      const between = Date.now();
      await pause(500);
      await deliver(store, back, 2);
      expect(await store.lanes.restoreHeld(60_000)).toEqual({ lanes: [], count: 0 });
      expect(await store.lanes.restoreHeld(Date.now() - between)).toEqual({ lanes: [back], count: 2 });
      expect(await ids(store, back)).toEqual(['n0', 'n1']);
      expect(await held(store)).toBe(1);
      await deliver(store, back, 2);
      await until(async () => (await store.lanes.dropHeld(30)) === 0);
      expect(await store.lanes.restoreHeld(0)).toEqual({ lanes: [], count: 0 });
    });

    test('is bounded', async () => {
      const store = await subject.open({ totalMax: 1_000 });
      await store.lanes.append(entries(back, 'n', 1_000));
      for (let i = 0; i < 500; i += 1) await deliver(store, back, 2);
      const count = await held(store);
      expect(count).toBeLessThanOrEqual(200);
      expect(await store.lanes.restoreHeld(0)).toMatchObject({ count: 2 * count });
      expect((await ids(store, back)).at(-1)).toBe('n999');
    });

    test('a settlement made from the head before it came back changes nothing', async () => {
      const store = await subject.open();
      await store.lanes.append(entries(back, 'n', 4));
      await deliver(store, back, 2);
      await store.lanes.head(back, 2);
      await store.lanes.restoreHeld(0);
      const late = store.lanes.settle({ lane: back, taken: 2, ...nothing, hold: [envelope('n2'), envelope('n3')] });
      await expect(late).rejects.toMatchObject({ code: 'store-away' });
      expect(await ids(store, back)).toEqual(['n0', 'n1', 'n2', 'n3']);
      expect(await held(store)).toBe(0);
    });

    test('nothing is held by a settlement that does not ask for it', async () => {
      const store = await subject.open();
      await store.lanes.append(entries(back, 'n', 4));
      await ids(store, back);
      await store.lanes.settle({ lane: back, taken: 4, ...nothing });
      expect(await held(store)).toBe(0);
    });
  });
}
