/**
 * What every store keeps: settlements. Run on Redis and on the memory store, so that what the layers above are tested with
 * behaves like what they run on.
 */
import type { BareJid } from '../../src/core/address';
import { Fault } from '../../src/core/fault';
import type { LaneKey } from '../../src/core/model';
import { entries, entry, envelope } from '../support/envelopes';
import type { Subject } from './subject';
import { a, allLanes, b, back, ids, letters, nothing } from './subject';

export function describeSettlements(name: string, subject: Subject): void {
  describe(`${name}: settlements`, () => {
    test('settle: takes from the head, keeps in order with new attempts, appends elsewhere, sets aside, tells which lanes to schedule', async () => {
      const store = await subject.open();
      const { lanes } = store;
      await lanes.append([...entries(a, 'n', 5), entry(b, 'there')]);
      await ids(store, a);
      const fault = new Fault('unavailable').toData();
      const kept = { ...envelope('n1'), attempts: 2, lastFault: fault };
      const step = await lanes.settle({
        lane: a,
        taken: 4,
        keep: [kept, envelope('n2')],
        append: [entry(back, 'bounce'), entry(back, 'receipt'), entry(b, 'more')],
        dead: [envelope('n3')],
      });
      expect(step).toEqual({ left: 3, wake: [back] });
      expect(await ids(store, a)).toEqual(['n1', 'n2', 'n4']);
      expect((await lanes.head(a, 1))[0]).toEqual({ envelope: kept });
      expect(await ids(store, back)).toEqual(['bounce', 'receipt']);
      expect(await ids(store, b)).toEqual(['there', 'more']);
      expect(await letters(store)).toEqual(['n3']);
      expect(await allLanes(store)).toEqual([a, b, back].sort());
      expect(await lanes.counts()).toEqual({ envelopes: 7, lanes: 3, dead: 1 });
      await ids(store, a);
      expect(await lanes.settle({ lane: a, taken: 3, ...nothing })).toEqual({ left: 0, wake: [] });
      expect(await allLanes(store)).toEqual([b, back].sort());
    });

    test('settle may append to its own lane, which is then not empty', async () => {
      const store = await subject.open();
      await store.lanes.append([entry(a, '1')]);
      await ids(store, a);
      const step = { lane: a, taken: 1, keep: [], append: [entry(a, '2')], dead: [] };
      expect(await store.lanes.settle(step)).toEqual({ left: 1, wake: [] });
      expect(await ids(store, a)).toEqual(['2']);
      expect(await allLanes(store)).toEqual([a]);
    });

    test('what a settlement appends is not bounded, since it answers something that was taken', async () => {
      const store = await subject.open({ laneMax: 1, totalMax: 2 });
      await store.lanes.append([entry(a, '1'), entry(back, '2')]);
      await ids(store, a);
      await store.lanes.settle({ lane: a, taken: 1, keep: [], append: [entry(back, 'bounce')], dead: [] });
      expect(await ids(store, back)).toEqual(['2', 'bounce']);
    });

    test('a settlement in steps after one look at the head', async () => {
      const store = await subject.open();
      await store.lanes.append(entries(a, 'n', 6));
      await ids(store, a);
      await store.lanes.settle({ lane: a, taken: 2, ...nothing });
      await store.lanes.settle({ lane: a, taken: 2, keep: [envelope('n3')], append: [], dead: [] });
      await store.lanes.settle({ lane: a, taken: 2, ...nothing });
      expect(await ids(store, a)).toEqual(['n5']);
    });

    test.each<[string, number, string[]]>([
      ['all that it had read', 4, []],
      ['a part of it', 2, ['n0']],
    ])('a settlement from an outdated head changes nothing: another drain has settled %s', async (_, taken, kept) => {
      const store = await subject.open();
      const second = await subject.sibling(store);
      await store.lanes.append(entries(a, 'n', 8));
      await store.lanes.head(a, 4);
      await second.lanes.head(a, 4);
      await second.lanes.settle({ lane: a, taken, keep: kept.map((id) => envelope(id)), append: [], dead: [] });
      const before = await ids(second, a);
      const late = store.lanes.settle({ lane: a, taken: 4, keep: [], append: [entry(b, 'b')], dead: [envelope('n0')] });
      await expect(late).rejects.toMatchObject({ code: 'store-away' });
      expect(await ids(second, a)).toEqual(before);
      expect(await ids(store, b)).toEqual([]);
      expect(await letters(store)).toEqual([]);
      await store.lanes.head(a, 1); // a new look, and all is well
      await store.lanes.settle({ lane: a, taken: 1, ...nothing });
      expect(await ids(store, a)).toEqual(before.slice(1));
    });

    test('what was appended meanwhile does not disturb a settlement', async () => {
      const store = await subject.open();
      const second = await subject.sibling(store);
      await store.lanes.append(entries(a, 'n', 2));
      await store.lanes.head(a, 10);
      await second.lanes.append(entries(a, 'm', 2));
      await expect(store.lanes.settle({ lane: a, taken: 2, ...nothing })).resolves.toMatchObject({ left: 2 });
      expect(await ids(store, a)).toEqual(['m0', 'm1']);
    });

    test.each([
      ['no envelope at all', 'nonsense'],
      ['broken JSON', 'id\n{"v":1,'],
      ['another version', 'id\n{"v":99}'],
      ['an event of another kind', 'id\n{"v":1,"at":1,"n":0,"f":null,"e":{"kind":"dance"}}'],
      ['an empty text', ''],
    ])('%s is given as poisoned, can be set aside alone, and is kept', async (_, raw) => {
      const store = await subject.open();
      await store.lanes.append([entry(a, '1')]);
      await subject.poison(store, a, raw);
      await store.lanes.append([entry(a, '2')]);
      expect(await ids(store, a)).toEqual(['1', `poisoned ${raw}`, '2']);
      await store.lanes.settle({ lane: a, taken: 1, ...nothing });
      expect(await ids(store, a, 1)).toEqual([`poisoned ${raw}`]);
      await store.lanes.settle({ lane: a, taken: 1, ...nothing, poisoned: 1 });
      expect(await ids(store, a)).toEqual(['2']);
      expect(await letters(store)).toEqual([`poisoned ${raw}`]);
      expect((await store.lanes.counts()).envelopes).toBe(1);
    });

    test('a lane whose name is damaged can be emptied to the dead letters', async () => {
      const store = await subject.open();
      const damaged = 'no lane' as LaneKey; // what an older or damaged store may hold
      await store.lanes.append([entry(damaged, '1'), entry(damaged, '2')]);
      await ids(store, damaged);
      await store.lanes.settle({ lane: damaged, taken: 2, ...nothing, poisoned: 2 });
      expect(await letters(store)).toEqual(['2', '1']);
      const { entries: found } = await store.lanes.deadLetters({ before: null, count: 5 });
      expect(found[0]?.lane).toBeNull();
      expect(await store.lanes.resend(found[0]?.id ?? '')).toBeNull();
    });

    test('a settlement after forget changes nothing', async () => {
      const store = await subject.open();
      await store.lanes.append(entries(a, 'n', 3));
      await ids(store, a);
      await store.lanes.forget('juliet@x.org' as BareJid); // as parsed
      const late = store.lanes.settle({ lane: a, taken: 3, keep: [envelope('n0')], append: [], dead: [] });
      await expect(late).rejects.toMatchObject({ code: 'store-away' });
      expect(await store.lanes.counts()).toEqual({ envelopes: 0, lanes: 0, dead: 0 });
    });
  });
}
