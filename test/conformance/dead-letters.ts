/**
 * What every store keeps: dead letters. Run on Redis and on the memory store, so that what the layers above are tested with
 * behaves like what they run on.
 */
import { Fault } from '../../src/core/fault';
import type { Store } from '../../src/store/types';
import { entries, entry, envelope } from '../support/envelopes';
import { until } from '../support/wait';
import type { Bounds } from './subject';
import type { Subject } from './subject';
import { a, ids, letters } from './subject';

export function describeDeadLetters(name: string, subject: Subject): void {
  describe(`${name}: dead letters`, () => {
    async function withDead(bounds: Bounds, count: number): Promise<Store> {
      const store = await subject.open(bounds);
      await store.lanes.append(entries(a, 'n', count));
      await ids(store, a);
      const fault = new Fault('refused', { text: 'no', number: 5 }).toData();
      const dead = Array.from({ length: count }, (_, i) => ({ ...envelope(`n${i}`), attempts: 4, lastFault: fault }));
      await store.lanes.settle({ lane: a, taken: count, keep: [], append: [], dead });
      return store;
    }

    test('are listed newest first, in pages, with their history', async () => {
      const store = await withDead({}, 5);
      expect(await letters(store, 2)).toEqual(['n4', 'n3', 'n2', 'n1', 'n0']);
      const { entries: found } = await store.lanes.deadLetters({ before: null, count: 1 });
      expect(found[0]).toMatchObject({
        lane: a,
        content: { envelope: { id: 'n4', attempts: 4, lastFault: { code: 'refused', text: 'no', number: 5 } } },
      });
      expect(await store.lanes.deadLetters({ before: 'nonsense', count: 9 })).toEqual({ entries: [], next: null });
    });

    test('are bounded by count: the oldest go', async () => {
      expect(await letters(await withDead({ deadMax: 3 }, 5))).toEqual(['n4', 'n3', 'n2']);
    });

    test('are bounded by age', async () => {
      const store = await withDead({ deadAgeMs: 100 }, 3);
      let count = 0;
      await until(async () => {
        count += 1;
        await store.lanes.append([entry(a, `late${count}`)]);
        await store.lanes.head(a, 1);
        await store.lanes.settle({ lane: a, taken: 1, keep: [], append: [], dead: [envelope(`late${count}`)] });
        return !(await letters(store)).includes('n2');
      });
      expect(await letters(store)).toContain(`late${count}`);
    });

    test('can be sent again once: at the end of the lane, as new, with the true time of writing', async () => {
      const store = await withDead({}, 2);
      await store.lanes.append([entry(a, 'waiting')]);
      const { entries: found } = await store.lanes.deadLetters({ before: null, count: 1 });
      const id = found[0]?.id ?? '';
      expect(await store.lanes.resend(id)).toEqual({ lane: a, result: { outcome: 'stored', length: 2 } });
      expect(await store.lanes.resend(id)).toBeNull();
      expect(await store.lanes.resend('nonsense')).toBeNull();
      expect(await ids(store, a)).toEqual(['waiting', 'n1']);
      const again = (await store.lanes.head(a, 2))[1];
      expect(again).toMatchObject({
        envelope: { attempts: 0, lastFault: null, event: { sentAt: 1_700_000_000_000 } },
      });
      expect(again && 'envelope' in again ? again.envelope.acceptedAt : 0).toBeGreaterThan(1_700_000_000_000);
      expect(await letters(store)).toEqual(['n0']);
      expect(await store.lanes.counts()).toEqual({ envelopes: 2, lanes: 1, dead: 1 });
    });

    test('stay where they are when their lane is full', async () => {
      const store = await withDead({ laneMax: 3 }, 2);
      await store.lanes.append(entries(a, 'm', 3));
      const { entries: found } = await store.lanes.deadLetters({ before: null, count: 1 });
      expect(await store.lanes.resend(found[0]?.id ?? '')).toEqual({ lane: a, result: { outcome: 'full' } });
      expect(await letters(store)).toEqual(['n1', 'n0']);
    });

    test('can be thrown away', async () => {
      const store = await withDead({}, 3);
      const { entries: found } = await store.lanes.deadLetters({ before: null, count: 2 });
      expect(await store.lanes.dropDeadLetters([...found.map(({ id }) => id), 'nonsense'])).toBe(2);
      expect(await store.lanes.dropDeadLetters([])).toBe(0);
      expect(await letters(store)).toEqual(['n0']);
    });
  });
}
