/**
 * What every store keeps: what is appended to lanes. Run on Redis and on the memory store, so that what the layers above are tested with
 * behaves like what they run on.
 */
import fc from 'fast-check';
import type { BareJid } from '../../src/core/address';
import { liveIdentity } from '../../src/core/identity';
import { entries, entry, envelope, lane } from '../support/envelopes';
import { until } from '../support/wait';
import type { Subject } from './subject';
import { a, allLanes, b, back, ids, nothing, other } from './subject';

export function describeLanes(name: string, subject: Subject): void {
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
      const seen = await lanes.heads([b, a, other, back], 1);
      expect(seen).toEqual(new Map([a, back].map((at) => [at, [{ envelope: envelope(at === a ? 'n1' : 'x') }]])));
      expect(await lanes.heads([a], 0)).toEqual(new Map());
      await expect(lanes.settle({ lane: a, taken: 1, ...nothing })).rejects.toMatchObject({ code: 'store-away' });
      expect(await ids(store, a)).toEqual(['n1', 'n2']);
    });

    test('an empty append and an unknown lane are nothing', async () => {
      const { lanes } = await subject.open();
      expect(await lanes.append([])).toEqual([]);
      expect(await lanes.settle({ lane: a, taken: 0, ...nothing })).toEqual({ left: 0, wake: [] });
      expect(await lanes.head(a, 9)).toEqual([]);
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
      expect(await ids(store, a)).toHaveLength(5);
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

    test('a message was dropped as a repeat when a client counted its ids anew: its own id counts for a while only', async () => {
      const store = await subject.open({ liveWindowMs: 2_000 });
      const hi = liveIdentity('juliet@x.org', 'phone', 'id 1', 'hi');
      const answers = await store.lanes.append([entry(a, '1', hi), entry(a, '2', hi), entry(a, '3', 'document 7')]);
      expect(answers.map(({ outcome }) => outcome)).toEqual(['stored', 'repeat', 'stored']);
      let count = 10;
      await until(
        async () => {
          count += 1;
          const [answer] = await store.lanes.append([entry(a, `${count}`, hi)]);
          return answer?.outcome === 'stored';
        },
        { deadlineMs: 15_000, everyMs: 100 },
      );
      const later = await store.lanes.append([
        entry(a, '1', hi),
        entry(a, `${count}`, hi),
        entry(a, '4', 'document 7'),
      ]);
      expect(later.map(({ outcome }) => outcome)).toEqual(['repeat', 'stored', 'repeat']);
      expect(await ids(store, a)).toEqual(['1', '3', `${count}`]);
    });

    test('an own envelope again is stored, but only once, also when its identity counts no more', async () => {
      const store = await subject.open({ liveWindowMs: 1 });
      const hi = liveIdentity('hi');
      for (let i = 0; i < 3; i += 1) await store.lanes.append([{ ...entry(a, '1', hi), name: 'n' }]);
      expect(await ids(store, a)).toEqual(['1']);
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
}
