/**
 * What every store keeps: what is scheduled. Run on Redis and on the memory store, so that what the layers above are tested with
 * behaves like what they run on.
 */
import type { DrainResult, WaitedFor } from '../../src/bridge/ports';
import type { BareJid } from '../../src/core/address';
import { Fault } from '../../src/core/fault';
import type { LaneKey } from '../../src/core/model';
import { entry, lane } from '../support/envelopes';
import { pause, until } from '../support/wait';
import type { Subject } from './subject';
import { a, b, back, ids, nothing, other } from './subject';

export function describeScheduler(name: string, subject: Subject): void {
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
    ])('a drain that %s is repeated until it is done', async (_, verdict) => {
      const { scheduler } = await subject.open();
      let count = 0;
      scheduler.start(() => (++count < 4 ? verdict() : Promise.resolve(done)));
      await scheduler.schedule([a]);
      await until(() => count === 4, { deadlineMs: 15_000 });
      await until(async () => Object.values(await scheduler.counts()).every((left) => left === 0));
    });

    test('a drain that throws is repeated until it is done, whatever it throws', async () => {
      const { scheduler } = await subject.open();
      const counts = new Map<LaneKey, number>();
      scheduler.start((lane) => {
        const count = (counts.get(lane) ?? 0) + 1;
        counts.set(lane, count);
        if (count >= 3) return Promise.resolve(done);
        return Promise.reject(lane === a ? new Fault('store-away') : new TypeError('mistake'));
      });
      await scheduler.schedule([a, b]); // both at once: each pause lasts seconds
      await until(() => counts.get(a) === 3 && counts.get(b) === 3);
      await until(async () => Object.values(await scheduler.counts()).every((left) => left === 0));
    });

    test('`immediately` ends a pause, scheduling alone does not', async () => {
      const { scheduler } = await subject.open();
      let count = 0;
      scheduler.start(() => Promise.resolve(++count === 1 ? { again: true, inMs: 600_000 } : done));
      await scheduler.schedule([a]);
      await until(async () => (await scheduler.counts()).delayed === 1);
      await scheduler.schedule([a]);
      await scheduler.schedule([b]);
      await until(() => count === 2); // b went by
      expect((await scheduler.counts()).delayed).toBe(1);
      await scheduler.schedule([a], { immediately: true });
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
      const order: string[] = [];
      scheduler.start(async (key, signal) => {
        order.push(`began ${key}`);
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        await pause(500); // longer than all else that a stop ends
        order.push('ended');
        return { again: true, inMs: 0 };
      });
      await scheduler.schedule([a]);
      await until(() => order.length === 1);
      await scheduler.stop(AbortSignal.timeout(5_000));
      order.push('stopped');
      await scheduler.stop(AbortSignal.timeout(5_000));
      await scheduler.schedule([b]); // stored for the next process
      expect(order).toEqual([`began ${a}`, 'ended', 'stopped']);
    });

    test('stop waits no longer than its signal', async () => {
      const { scheduler } = await subject.open();
      let [isBegun, isEnded] = [false, false];
      let release: () => void = () => undefined;
      scheduler.start(async () => {
        isBegun = true;
        await new Promise<void>((resolve) => (release = resolve));
        isEnded = true;
        return done;
      });
      await scheduler.schedule([a]);
      await until(() => isBegun);
      await scheduler.stop(AbortSignal.timeout(50));
      expect(isEnded).toBe(false);
      release();
      await until(() => isEnded);
    });
  });
}
