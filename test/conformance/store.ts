/**
 * What every store keeps, as one suite: run on Redis and on the memory store, so that what the floors above are tested
 * with behaves like what they run on.
 */
import fc from 'fast-check';
import type { DrainResult, WaitedFor } from '../../src/bridge/ports';
import type { Account, BareJid } from '../../src/core/address';
import { Fault } from '../../src/core/fault';
import type { LaneKey, Link } from '../../src/core/model';
import type { Store } from '../../src/store/types';
import { entries, entry, envelope, lane } from '../support/envelopes';
import { pause, until } from '../support/wait';

export interface Bounds {
  readonly dedupeWindowMs?: number;
  readonly laneMax?: number;
  readonly totalMax?: number;
  readonly deadMax?: number;
  readonly deadAgeMs?: number;
}

export interface Subject {
  /** An empty store. */
  open(bounds?: Bounds): Promise<Store>;
  /** Another process on the same data as that store. */
  sibling(store: Store): Promise<Store>;
  /** Puts a text that is no envelope at the end of a lane. */
  poison(store: Store, where: LaneKey, raw: string): Promise<void>;
}

const nothing = { keep: [], append: [], dead: [] } as const;
const a = lane('juliet@x.org', 'romeo@y.net');
const b = lane('juliet@x.org', 'nurse@y.net');
const back = lane('juliet@x.org', 'romeo@y.net', 'toJabber');
const other = lane('juliet@x.organic', 'romeo@y.net');

async function ids(store: Store, where: LaneKey, count = 1_000): Promise<string[]> {
  const stored = await store.lanes.head(where, count);
  return stored.map((item) => ('envelope' in item ? item.envelope.id : `poisoned ${item.poisoned}`));
}

async function allLanes(store: Store): Promise<LaneKey[]> {
  const found: LaneKey[] = [];
  for await (const page of store.lanes.nonEmpty()) found.push(...page);
  return found.sort();
}

async function letters(store: Store, count = 2): Promise<string[]> {
  const found: string[] = [];
  let before: string | null = null;
  do {
    const page: Awaited<ReturnType<Store['lanes']['deadLetters']>> = await store.lanes.deadLetters({ before, count });
    found.push(
      ...page.entries.map(({ content }) =>
        'envelope' in content ? content.envelope.id : `poisoned ${content.poisoned}`,
      ),
    );
    before = page.next;
  } while (before !== null);
  return found;
}

export function describeStore(name: string, subject: Subject): void {
  describe(`${name}: lanes`, () => {
    test('what is appended is at the head, oldest first, as it was', async () => {
      const store = await subject.open();
      const { lanes } = store;
      const event = { kind: 'bounce', of: null, what: 'verb', resource: null, excerpt: 'é🙂\u2028' } as const;
      const fault = { code: 'refused', text: 'no', number: 404 } as const;
      const odd = { id: 'odd', event: { ...event, fault }, acceptedAt: 5, attempts: 3, lastFault: fault };
      const answers = await lanes.append([entry(a, '1'), { lane: a, envelope: odd, identity: null }, entry(b, '2')]);
      expect(answers).toEqual([1, 2, 1].map((length) => ({ outcome: 'stored', length })));
      expect(await lanes.head(a, 10)).toEqual([{ envelope: envelope('1') }, { envelope: odd }]);
      expect(await lanes.head(a, 1)).toEqual([{ envelope: envelope('1') }]);
      expect(await lanes.head(a, 0)).toEqual([]);
      expect(await lanes.head(other, 10)).toEqual([]);
    });

    test('a look at many lanes shows what they hold, and lets no outdated settlement pass', async () => {
      const store = await subject.open();
      const { lanes } = store;
      await lanes.append([...entries(a, 'n', 3), entry(back, 'x')]);
      expect(await lanes.head(a, 1)).toEqual([{ envelope: envelope('n0') }]);
      const second = await subject.sibling(store);
      await second.lanes.head(a, 1);
      await second.lanes.settle({ lane: a, taken: 1, ...nothing });
      const seen = await lanes.peek([b, a, other, back], 1);
      expect(seen).toEqual(new Map([a, back].map((at) => [at, [{ envelope: envelope(at === a ? 'n1' : 'x') }]])));
      expect(await lanes.peek([a], 0)).toEqual(new Map());
      await expect(lanes.settle({ lane: a, taken: 1, ...nothing })).rejects.toMatchObject({ code: 'store-away' });
      expect(await ids(store, a)).toEqual(['n1', 'n2']);
    });

    test('an empty append and an unknown lane are nothing', async () => {
      const { lanes } = await subject.open();
      expect(await lanes.append([])).toEqual([]);
      expect(await lanes.settle({ lane: a, taken: 0, ...nothing })).toEqual({ left: 0, wake: [] });
      expect(await lanes.length(a)).toBe(0);
    });

    test('a big batch over many lanes keeps the order of each lane and of the answers', async () => {
      const store = await subject.open();
      const where = [a, b, back, other];
      const batch = Array.from({ length: 2_500 }, (_, i) => entry(where[i % 3] ?? a, `n${i}`, `n${i}`));
      const answers = await store.lanes.append(batch);
      expect(answers.every((answer) => answer.outcome === 'stored')).toBe(true);
      for (const one of where) {
        expect(await ids(store, one, 5_000)).toEqual(
          batch.filter((item) => item.lane === one).map((item) => item.envelope.id),
        );
      }
      expect(await store.lanes.counts()).toEqual({ envelopes: 2_500, lanes: 3, dead: 0 });
    });

    test.each<[string, string | null, string, string | null, string]>([
      ['the same identity with another envelope is a repeat', 'one', 'other', 'one', 'repeat'],
      ['the same envelope again is stored, but only once', 'one', 'first', 'one', 'stored'],
      ['the same envelope without identity again is stored, but only once', null, 'first', null, 'stored'],
      ['a long identity is told from another long one', 'x'.repeat(900), 'other', `${'x'.repeat(900)}y`, 'stored two'],
      ['a long identity is known again', 'é'.repeat(900), 'other', 'é'.repeat(900), 'repeat'],
      ['no identity is never a repeat', null, 'other', null, 'stored two'],
      ['an envelope id is no identity', null, 'other', 'first', 'stored two'],
      ['an identity is no envelope id', 'other', 'other', null, 'stored two'],
    ])('dedupe: %s', async (_, firstIdentity, secondId, secondIdentity, outcome) => {
      const store = await subject.open();
      const first = entry(a, 'first', firstIdentity);
      const second = entry(a, secondId, secondIdentity);
      const together = await subject.open();
      for (const answers of [
        [...(await store.lanes.append([first])), ...(await store.lanes.append([second]))],
        await together.lanes.append([first, second]),
      ]) {
        expect(answers.map((answer) => answer.outcome)).toEqual(['stored', outcome.split(' ')[0]]);
      }
      const wanted = outcome === 'stored two' ? ['first', secondId] : ['first'];
      expect(await ids(store, a)).toEqual(wanted);
      expect(await ids(together, a)).toEqual(wanted);
    });

    test('what was delivered is still known: own envelope stored, foreign one a repeat, nothing comes back', async () => {
      const store = await subject.open();
      await store.lanes.append([entry(a, '1', 'i'), entry(a, '2')]);
      await ids(store, a);
      await store.lanes.settle({ lane: a, taken: 2, ...nothing });
      const answers = await store.lanes.append([entry(a, '1', 'i'), entry(a, '3', 'i'), entry(a, '2')]);
      expect(answers.map((answer) => answer.outcome)).toEqual(['stored', 'repeat', 'stored']);
      expect(await ids(store, a)).toEqual([]);
    });

    test('an own envelope again answers length 1, so that its lane is scheduled', async () => {
      const store = await subject.open();
      const batch = entries(a, 'n', 5);
      await store.lanes.append(batch);
      const again = await store.lanes.append(batch);
      expect(again).toEqual(batch.map(() => ({ outcome: 'stored', length: 1 })));
      expect(await store.lanes.length(a)).toBe(5);
    });

    test('the same identity on another lane is another thing', async () => {
      const store = await subject.open();
      const answers = await store.lanes.append([entry(a, '1', 'i'), entry(b, '2', 'i')]);
      expect(answers.map((answer) => answer.outcome)).toEqual(['stored', 'stored']);
    });

    test('an identity is forgotten after its window', async () => {
      const store = await subject.open({ dedupeWindowMs: 150 });
      await store.lanes.append([entry(a, '1', 'i')]);
      let count = 1;
      await until(async () => {
        count += 1;
        const [answer] = await store.lanes.append([entry(a, `${count}`, 'i')]);
        return answer?.outcome === 'stored';
      });
      expect(await ids(store, a)).toEqual(['1', `${count}`]);
    });

    test('a lane is bounded, and so are all together; what was refused may be tried again', async () => {
      const store = await subject.open({ laneMax: 2, totalMax: 3 });
      const [c, d] = [lane('u@x', 'c@y'), lane('u@x', 'd@y')];
      const batch = [
        entry(c, '1', '1'),
        entry(c, '2', '2'),
        entry(c, '3', '3'),
        entry(d, '4', '4'),
        entry(d, '5', '5'),
      ];
      const outcomes = (answers: readonly { outcome: string }[]): string[] => answers.map((answer) => answer.outcome);
      expect(outcomes(await store.lanes.append(batch))).toEqual(['stored', 'stored', 'full', 'stored', 'full']);
      expect(outcomes(await store.lanes.append(batch))).toEqual(['stored', 'stored', 'full', 'stored', 'full']);
      await ids(store, c);
      await store.lanes.settle({ lane: c, taken: 1, ...nothing });
      expect(outcomes(await store.lanes.append(batch.slice(2)))).toEqual(['stored', 'stored', 'full']);
      expect(await ids(store, c)).toEqual(['2', '3']);
      expect(await store.lanes.counts()).toEqual({ envelopes: 3, lanes: 2, dead: 0 });
    });

    test('settle: takes from the head, keeps in order with new attempts, appends elsewhere, buries, tells whom to wake', async () => {
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
      expect(await store.lanes.revive(found[0]?.id ?? '')).toBeNull();
    });

    test('nonEmpty gives each lane once, in pages, however many there are', async () => {
      const store = await subject.open();
      const many = Array.from({ length: 1_234 }, (_, i) => lane(`u${i}@x`, 'c@y'));
      await store.lanes.append(many.map((one, i) => entry(one, `n${i}`)));
      expect(await allLanes(store)).toEqual([...many].sort());
    });

    test("forget empties a user's lanes both ways and nobody else's", async () => {
      const store = await subject.open();
      const cyrillic = lane('juliet@x.org', 'ромео@y.net');
      await store.lanes.append([...entries(a, 'a', 3), entry(b, 'b'), entry(back, 'c'), entry(cyrillic, 'd')]);
      await store.lanes.append([entry(other, 'e')]);
      expect(await store.lanes.forget('juliet@x.org' as BareJid)).toBe(6); // as parsed
      expect(await allLanes(store)).toEqual([other]);
      expect(await store.lanes.counts()).toEqual({ envelopes: 1, lanes: 1, dead: 0 });
      expect(await store.lanes.forget('juliet@x.org' as BareJid)).toBe(0); // as parsed
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

    test('any sequence of appends and settlements keeps order, loses nothing, and the counts are true', async () => {
      const step = fc.oneof(
        fc.record({ do: fc.constant('append' as const), count: fc.integer({ min: 1, max: 5 }), lane: fc.nat(1) }),
        fc.record({ do: fc.constant('settle' as const), take: fc.nat(4), keep: fc.nat(4), lane: fc.nat(1) }),
        fc.record({ do: fc.constant('repeat' as const), lane: fc.nat(1) }),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
          const store = await subject.open();
          const where = [a, b];
          const wanted: string[][] = [[], []];
          const known: string[] = [];
          for (const one of steps) {
            const [at, list] = [where[one.lane] ?? a, wanted[one.lane] ?? []];
            if (one.do === 'append') {
              const fresh = Array.from({ length: one.count }, (_, i) => `${one.lane} ${known.length + i}`);
              known.push(...fresh);
              list.push(...fresh);
              await store.lanes.append(fresh.map((id) => entry(at, id, id)));
            } else if (one.do === 'repeat') {
              const mine = known.filter((id) => id.startsWith(`${one.lane} `)).slice(-3);
              await store.lanes.append(mine.map((id) => entry(at, id, id)));
            } else {
              const taken = Math.min(one.take, (await store.lanes.head(at, one.take)).length);
              const keep = list.splice(0, taken).slice(-one.keep || taken);
              list.unshift(...keep);
              await store.lanes.settle({ lane: at, taken, keep: keep.map((id) => envelope(id)), append: [], dead: [] });
            }
          }
          expect(await ids(store, a)).toEqual(wanted[0]);
          expect(await ids(store, b)).toEqual(wanted[1]);
          const full = wanted.filter((list) => list.length > 0);
          expect(await store.lanes.counts()).toEqual({ envelopes: full.flat().length, lanes: full.length, dead: 0 });
        }),
        { numRuns: 25 },
      );
    });
  });

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

  describe(`${name}: dead letters and traces`, () => {
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

    test('can be revived once: at the end of the lane, as new, with the true time of writing', async () => {
      const store = await withDead({}, 2);
      await store.lanes.append([entry(a, 'waiting')]);
      const { entries: found } = await store.lanes.deadLetters({ before: null, count: 1 });
      const id = found[0]?.id ?? '';
      expect(await store.lanes.revive(id)).toEqual({ lane: a, result: { outcome: 'stored', length: 2 } });
      expect(await store.lanes.revive(id)).toBeNull();
      expect(await store.lanes.revive('nonsense')).toBeNull();
      expect(await ids(store, a)).toEqual(['waiting', 'n1']);
      const revived = (await store.lanes.head(a, 2))[1];
      expect(revived).toMatchObject({
        envelope: { attempts: 0, lastFault: null, event: { sentAt: 1_700_000_000_000 } },
      });
      expect(revived && 'envelope' in revived ? revived.envelope.acceptedAt : 0).toBeGreaterThan(1_700_000_000_000);
      expect(await letters(store)).toEqual(['n0']);
      expect(await store.lanes.counts()).toEqual({ envelopes: 2, lanes: 1, dead: 1 });
    });

    test('stay where they are when their lane is full', async () => {
      const store = await withDead({ laneMax: 3 }, 2);
      await store.lanes.append(entries(a, 'm', 3));
      const { entries: found } = await store.lanes.deadLetters({ before: null, count: 1 });
      expect(await store.lanes.revive(found[0]?.id ?? '')).toEqual({ lane: a, result: { outcome: 'full' } });
      expect(await letters(store)).toEqual(['n1', 'n0']);
    });

    test('can be thrown away', async () => {
      const store = await withDead({}, 3);
      const { entries: found } = await store.lanes.deadLetters({ before: null, count: 2 });
      expect(await store.lanes.discard([...found.map(({ id }) => id), 'nonsense'])).toBe(2);
      expect(await store.lanes.discard([])).toBe(0);
      expect(await letters(store)).toEqual(['n0']);
    });

    test('trace tells waiting, dead and gone, by envelope id and by identity', async () => {
      const store = await withDead({}, 1);
      await store.lanes.append([entry(a, 'w0', 'iw0'), entry(a, 'w1', 'i'.repeat(99)), entry(a, 'w2')]);
      const where = async (id: string): Promise<unknown> => {
        const found = await store.lanes.trace(a, id);
        return found && [found.envelopeId, found.place, found.ahead];
      };
      expect(await where('iw0')).toEqual(['w0', 'waiting', 0]);
      expect(await where('w1')).toEqual(['w1', 'waiting', 1]);
      expect(await where('i'.repeat(99))).toEqual(['w1', 'waiting', 1]);
      expect(await where('w2')).toEqual(['w2', 'waiting', 2]);
      expect(await where('n0')).toEqual(['n0', 'dead', null]);
      expect(await where('never')).toBeNull();
      expect(await store.lanes.trace(b, 'w0')).toBeNull();
      await ids(store, a);
      await store.lanes.settle({ lane: a, taken: 1, ...nothing });
      expect(await where('iw0')).toEqual(['w0', 'gone', null]);
      expect(await where('w0')).toEqual(['w0', 'gone', null]);
      expect(await store.lanes.trace(a, 'n0')).toMatchObject({ attempts: 4, lastFault: { code: 'refused' } });
    });
  });

  describe(`${name}: links and states`, () => {
    const link = (user: string, password: string): Link => ({
      ...{ user: user as BareJid, account: 'romeo@y.net' as Account }, // test names, well formed by inspection
      ...{ password, origin: 'registered' },
    });

    test('links are kept, replaced and removed', async () => {
      const { links } = await subject.open();
      expect(await links.load()).toEqual([]);
      await links.save(link('b@x', 'old'));
      await links.save(link('a@x', 'pass wörd'));
      await links.save(link('b@x', ''));
      const sorted = [...(await links.load())].sort((one, two) => one.user.localeCompare(two.user));
      expect(sorted).toEqual([link('a@x', 'pass wörd'), link('b@x', '')]);
      await links.remove('b@x' as BareJid); // as parsed
      await links.remove('nobody@x' as BareJid); // as parsed
      expect(await links.load()).toEqual([link('a@x', 'pass wörd')]);
    });

    test('states are written, deleted and read by table and user', async () => {
      const { state } = await subject.open();
      const [u, v] = ['u@x' as BareJid, 'v@x' as BareJid]; // as parsed
      const users = async (table: string): Promise<BareJid[]> => {
        const found: BareJid[] = [];
        for await (const page of state.users(table)) found.push(...page);
        return found.sort();
      };
      expect(await state.read('pairs', u)).toEqual(new Map());
      await state.write('pairs', u, new Map([['a@y', '{"x":1}'], ['b@y', ''], ['', 'empty name']])); // prettier-ignore
      await Promise.all([
        state.write('pairs', v, new Map([['a@y', '1']])),
        state.write('shown', u, new Map([['a@y', '3']])),
        state.write('pairs', v, new Map([['b@y', null], ['a@y', '2']])), // prettier-ignore
      ]);
      await state.write('pairs', u, new Map([['b@y', null], ['c@y', '4'], ['never', null]])); // prettier-ignore
      await state.write('pairs', u, new Map());
      expect(await state.read('pairs', u)).toEqual(new Map([['a@y', '{"x":1}'], ['', 'empty name'], ['c@y', '4']])); // prettier-ignore
      expect(await users('pairs')).toEqual([u, v]);
      await state.write('pairs', v, new Map([['a@y', null]]));
      expect(await users('pairs')).toEqual([u]);
      expect(await users('shown')).toEqual([u]);
      expect(await users('nothing')).toEqual([]);
    });

    test('users come in pages, each once', async () => {
      const { state } = await subject.open();
      const all = Array.from({ length: 1_100 }, (_, i) => `u${i}@x` as BareJid); // as parsed
      await Promise.all(all.map((user) => state.write('t', user, new Map([['f', '1']]))));
      const found: BareJid[] = [];
      for await (const page of state.users('t')) found.push(...page);
      expect(found.sort()).toEqual(all.sort());
    });
  });

  describe(`${name}: scheduler`, () => {
    const done: DrainResult = { again: false };

    test('what is scheduled is drained; asked for twice before that, once', async () => {
      const { scheduler } = await subject.open();
      const drained: LaneKey[] = [];
      await scheduler.schedule([a, b, a]);
      await scheduler.schedule([a]);
      scheduler.start((key) => (drained.push(key), Promise.resolve(done)));
      await until(() => drained.length >= 2);
      await scheduler.schedule([other]);
      await until(() => drained.includes(other));
      expect(drained.sort()).toEqual([a, b, other].sort());
      await until(async () => Object.values(await scheduler.counts()).every((count) => count === 0));
    });

    test('nothing scheduled, no drain', async () => {
      const { scheduler } = await subject.open();
      await scheduler.schedule([]);
      expect(await scheduler.counts()).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 0 });
    });

    test('scheduled during its drain, a lane is drained once more after it, never twice at once', async () => {
      const { scheduler } = await subject.open();
      let [running, most, count] = [0, 0, 0];
      let release: () => void = () => undefined;
      scheduler.start(async () => {
        count += 1;
        running += 1;
        most = Math.max(most, running);
        if (count === 1) await new Promise<void>((resolve) => (release = resolve));
        running -= 1;
        return done;
      });
      await scheduler.schedule([a]);
      await until(() => count === 1);
      await Promise.all([
        scheduler.schedule([a]),
        scheduler.schedule([a], { immediately: true }),
        scheduler.schedule([a]),
      ]);
      expect(count).toBe(1);
      release();
      await until(() => count === 2);
      await until(async () => Object.values(await scheduler.counts()).every((left) => left === 0));
      expect([count, most]).toEqual([2, 1]);
    });

    test.each<[string, () => Promise<DrainResult>]>([
      ['says again', () => Promise.resolve({ again: true, inMs: 20 })],
      ['says again at once', () => Promise.resolve({ again: true, inMs: 0 })],
      ['throws a Fault', () => Promise.reject(new Fault('store-away'))],
      ['throws anything', () => Promise.reject(new TypeError('mistake'))],
    ])('a drain that %s is repeated until it is done', async (_, verdict) => {
      const { scheduler } = await subject.open();
      let count = 0;
      scheduler.start(() => (++count < 4 ? verdict() : Promise.resolve(done)));
      await scheduler.schedule([a]);
      await until(() => count === 4, { deadlineMs: 15_000 });
      await until(async () => Object.values(await scheduler.counts()).every((left) => left === 0));
    });

    test('`immediately` ends a pause, scheduling alone does not', async () => {
      const { scheduler } = await subject.open();
      let count = 0;
      scheduler.start(() => Promise.resolve(++count === 1 ? { again: true, inMs: 600_000 } : done));
      await scheduler.schedule([a]);
      await until(async () => (await scheduler.counts()).delayed === 1);
      await scheduler.schedule([a]);
      await pause(50);
      expect([count, (await scheduler.counts()).delayed]).toEqual([1, 1]);
      await scheduler.schedule([a, b], { immediately: true });
      await until(() => count === 3);
    });

    test.each<[string, WaitedFor, LaneKey, LaneKey]>([
      ['a user', { user: 'juliet@x.org' as BareJid }, a, back], // as parsed
      ['the Jabber side', 'jabber', back, a],
    ])('wake ends the pauses of lanes that wait for %s, and leaves the others alone', async (_, who, mine, others) => {
      const { scheduler } = await subject.open();
      const drained: LaneKey[] = [];
      scheduler.start((key) => {
        drained.push(key);
        return Promise.resolve(drained.length <= 2 ? { again: true, inMs: 600_000 } : done);
      });
      await scheduler.schedule([mine, others]);
      await until(async () => (await scheduler.counts()).delayed === 2);
      scheduler.wake(who);
      await until(() => drained.length === 3);
      expect(drained[2]).toBe(mine);
      expect((await scheduler.counts()).delayed).toBeGreaterThan(0);
      await scheduler.schedule([others], { immediately: true }); // it waited still
      await until(() => drained.length === 4);
      expect(drained[3]).toBe(others);
    });

    test('`immediately` during a drain ends the pause that this drain asks for', async () => {
      const { scheduler } = await subject.open();
      let count = 0;
      scheduler.start(async () => {
        count += 1;
        if (count > 1) return done;
        await scheduler.schedule([a], { immediately: true });
        return { again: true, inMs: 600_000 };
      });
      await scheduler.schedule([a]);
      await until(() => count >= 2);
    });

    test('what is appended and scheduled is drained whatever the race, in order, one drain at a time', async () => {
      const store = await subject.open();
      const where = Array.from({ length: 12 }, (_, i) => lane(`u${i}@x`, 'c@y'));
      const taken = new Map<LaneKey, string[]>(where.map((one) => [one, []]));
      const active = new Set<LaneKey>();
      let overlaps = 0;
      store.scheduler.start(async (key) => {
        if (active.has(key)) overlaps += 1;
        active.add(key);
        try {
          for (;;) {
            const got = await ids(store, key, 3);
            if (got.length === 0) return done;
            if (Math.random() < 0.05) return { again: true, inMs: 1 };
            await store.lanes.settle({ lane: key, taken: got.length, ...nothing });
            taken.get(key)?.push(...got);
          }
        } finally {
          active.delete(key);
        }
      });
      const count = 150;
      for (let i = 0; i < count; i += 1) {
        const answers = await store.lanes.append(where.map((one) => entry(one, `n${i}`)));
        const empty = where.filter((_, at) => answers[at]?.outcome === 'stored' && answers[at].length === 1);
        await store.scheduler.schedule(empty); // as the intake does: only when the append made the lane one long
      }
      await until(() => [...taken.values()].every((list) => list.length >= count), { deadlineMs: 20_000 });
      const wanted = Array.from({ length: count }, (_, i) => `n${i}`);
      for (const list of taken.values()) expect(list).toEqual(wanted);
      expect(overlaps).toBe(0);
    });

    test('stop begins nothing more, tells running drains, and waits for them', async () => {
      const { scheduler } = await subject.open();
      const began: LaneKey[] = [];
      let ended = false;
      scheduler.start(async (key, signal) => {
        began.push(key);
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        await pause(20);
        ended = true;
        return { again: true, inMs: 0 };
      });
      await scheduler.schedule([a]);
      await until(() => began.length === 1);
      await scheduler.stop(AbortSignal.timeout(5_000));
      expect(ended).toBe(true);
      await scheduler.stop(AbortSignal.timeout(5_000));
      await pause(50);
      expect(began).toEqual([a]);
    });

    test('stop waits no longer than its signal', async () => {
      const { scheduler } = await subject.open();
      let isBegun = false;
      scheduler.start(() => ((isBegun = true), new Promise(() => undefined)));
      await scheduler.schedule([a]);
      await until(() => isBegun);
      await scheduler.stop(AbortSignal.timeout(50));
    });
  });

  describe(`${name}: lease`, () => {
    test('one leads, the next waits, the token grows', async () => {
      const store = await subject.open();
      const second = await subject.sibling(store);
      const first = await store.lease.acquire(AbortSignal.timeout(5_000));
      await expect(second.lease.acquire(AbortSignal.timeout(60))).rejects.toBeDefined();
      const waiting = second.lease.acquire(AbortSignal.timeout(10_000));
      expect(first.lost.aborted).toBe(false);
      await first.release();
      await first.release();
      expect(first.lost.aborted).toBe(true);
      const next = await waiting;
      expect(next.token).toBeGreaterThan(first.token);
      await next.release();
    });
  });
}
