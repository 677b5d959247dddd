/** What the far server sent, while it is stored, and while it cannot be. */
import { manualClock } from '../../support/clock';
import { Fault } from '../../../src/core/fault';
import type { Event } from '../../../src/core/model';
import { Inbox } from '../../../src/ximss/session/inbox';
import { until } from '../../support/wait';
import { account, chat } from '../support';

const romeo = account('romeo@x.dom');

describe('the inbox', () => {
  const presence: Event = { kind: 'presence', show: 'online', status: null, avatarHash: null };
  const setUp = (store: (body: string) => Promise<void>) => {
    const clock = manualClock();
    const stored: string[] = [];
    const pressure: boolean[] = [];
    const failures: string[] = [];
    const inbox = new Inbox({
      store: async (_, event) => {
        const name = event.kind === 'message' ? event.body : event.kind;
        await store(name);
        stored.push(name);
      },
      clock,
      onStoreFailure: (fault) => failures.push(fault.code),
      onPressure: (isFull) => pressure.push(isFull),
    });
    const take = (body: string) => inbox.take(romeo, chat(body).event, null);
    return { clock, stored, pressure, failures, inbox, take };
  };

  test('hands on at once; the promise settles when it is stored', async () => {
    const { take, stored, inbox } = setUp(() => Promise.resolve());
    expect(inbox.take(romeo, presence, null)).toBeUndefined();
    await take('a');
    expect(stored).toEqual(['presence', 'a']);
  });

  test('what cannot be stored waits, and everything behind it too, in order', async () => {
    let isAway = true;
    const { take, stored, clock, failures } = setUp(() =>
      isAway ? Promise.reject(new Fault('store-away')) : Promise.resolve(),
    );
    const done: string[] = [];
    const all = ['a', 'b', 'c'].map((body) => take(body)?.then(() => void done.push(body)));
    await until(() => clock.sleeping() === 1);
    const late = take('d')?.then(() => void done.push('d'));
    clock.advance(10_000);
    await until(() => clock.sleeping() === 1);
    expect([stored, done, failures]).toEqual([[], [], ['store-away', 'store-away', 'store-away']]);
    isAway = false;
    clock.advance(10_000);
    await Promise.all([...all, late]);
    expect(stored).toEqual(['a', 'b', 'c', 'd']);
    expect(done).toEqual(['a', 'b', 'c', 'd']);
    await take('e');
    expect(clock.sleeping()).toBe(0);
  });

  test('whoever wants to leave waits until all is stored, or until the signal', async () => {
    let store = (): void => undefined;
    const { take, inbox } = setUp(() => new Promise((resolve) => (store = resolve)));
    await inbox.whenStored(AbortSignal.abort()); // nothing waits
    void take('a');
    await expect(inbox.whenStored(AbortSignal.abort(new Fault('stopping')))).rejects.toMatchObject({
      code: 'stopping',
    });
    const isStored = inbox.whenStored(new AbortController().signal);
    store();
    await isStored;
  });

  test('too much that waits asks for a rest, and little for more', async () => {
    const gates: (() => void)[] = [];
    const { take, pressure, inbox } = setUp(() => new Promise((resolve) => gates.push(resolve)));
    for (let index = 0; index < 256; index += 1) void take(`${index}`);
    expect([pressure, inbox.isFull]).toEqual([[true], true]);
    gates.splice(0, 192).forEach((openGate) => openGate());
    await new Promise(setImmediate);
    expect(inbox.isFull).toBe(true);
    gates.splice(0, 1).forEach((openGate) => openGate());
    await until(() => !inbox.isFull);
    expect(pressure).toEqual([true, false]);
  });

  test('disposed, it forgets and lets its timer go', async () => {
    const { take, clock, inbox, stored } = setUp(() => Promise.reject(new Fault('store-away')));
    void take('a');
    await until(() => clock.sleeping() === 1);
    inbox.dispose();
    await until(() => clock.sleeping() === 0);
    void take('b');
    expect(stored).toEqual([]);
  });
});
