/** The small shells between wire and port: pace, inbox, ticker, deadline, the server's URL. */
import { Fault } from '../../src/core/fault';
import type { Event } from '../../src/core/model';
import { withDeadline } from '../../src/ximss/wire/deadline';
import { parseTarget } from '../../src/ximss/context';
import { Inbox } from '../../src/ximss/session/inbox';
import { releaseAfterFirstReads, LoginLimiter, type Release } from '../../src/ximss/login/limiter';
import { Ticker } from '../../src/ximss/session/ticker';
import { until } from '../support/wait';
import { account, chat } from './support';

const romeo = account('romeo@x.dom');
const open = new AbortController().signal;

/** A clock whose sleeps end when the test says so. */
function manualClock() {
  const sleepers = new Set<{ ms: number; wake: () => void }>();
  return {
    sleepers,
    dice: () => 0.5,
    sleep: (ms: number, signal: AbortSignal): Promise<void> =>
      new Promise((resolve, reject) => {
        const sleeper = { ms, wake: () => void (sleepers.delete(sleeper), resolve()) };
        sleepers.add(sleeper);
        signal.addEventListener('abort', () => {
          sleepers.delete(sleeper);
          reject(new Error('aborted'));
        });
      }),
    wakeAll: () => {
      for (const sleeper of [...sleepers]) sleeper.wake();
    },
  };
}

describe('the pace of connecting', () => {
  test.each([
    ['quick, and the gate opens', 10, true],
    ['slow, and the gate closes a little', 30, false],
  ])('the first moments of a session are %s', async (_, turnsMs, expected) => {
    let now = 0;
    const left: boolean[] = [];
    const leaving = releaseAfterFirstReads(
      (isHealthy) => left.push(isHealthy),
      () => now,
    );
    expect(left).toEqual([]);
    now = turnsMs;
    await leaving;
    expect(left).toEqual([expected]);
  });

  const bounds = { leastCount: 1, firstCount: 2, mostCount: 4 };

  test('admits as many as the limit, then first come, first served', async () => {
    const pace = new LoginLimiter(bounds);
    const order: string[] = [];
    const enter = async (name: string): Promise<Release> => {
      const leave = await pace.acquire(open);
      order.push(name);
      return leave;
    };
    const [first] = await Promise.all([enter('a'), enter('b')]);
    const third = enter('c');
    const fourth = enter('d');
    expect(order).toEqual(['a', 'b']);
    first(true);
    await third;
    expect(order).toEqual(['a', 'b', 'c']);
    (await third)(true);
    await fourth;
    expect(order).toEqual(['a', 'b', 'c', 'd']);
  });

  test('opens with success up to its most, halves with failure down to its least', async () => {
    const pace = new LoginLimiter(bounds);
    for (let round = 0; round < 20; round += 1) (await pace.acquire(open))(true);
    expect(pace.limitCount).toBe(4);
    for (let round = 0; round < 20; round += 1) (await pace.acquire(open))(false);
    expect(pace.limitCount).toBe(1);
  });

  test('leaving twice counts once', async () => {
    const pace = new LoginLimiter({ leastCount: 1, firstCount: 1, mostCount: 1 });
    const leave = await pace.acquire(open);
    leave(true);
    leave(true);
    await pace.acquire(open);
    const late = pace.acquire(AbortSignal.abort(new Error('enough')));
    await expect(late).rejects.toThrow('enough');
  });

  test('who stops waiting gives the place to the next', async () => {
    const pace = new LoginLimiter({ leastCount: 1, firstCount: 1, mostCount: 1 });
    const leave = await pace.acquire(open);
    const impatient = new AbortController();
    const given = pace.acquire(impatient.signal);
    const next = pace.acquire(open);
    impatient.abort(new Error('enough'));
    await expect(given).rejects.toThrow('enough');
    leave(true);
    await next;
  });
});

describe('the inbox', () => {
  const presence: Event = { kind: 'presence', show: 'online', status: null, avatarHash: null };
  const setUp = (store: (body: string) => Promise<void>) => {
    const clock = manualClock();
    const stored: string[] = [];
    const pressure: boolean[] = [];
    const held: string[] = [];
    const inbox = new Inbox({
      store: async (_, event) => {
        const name = event.kind === 'message' ? event.body : event.kind;
        await store(name);
        stored.push(name);
      },
      clock,
      onStoreFailure: (fault) => held.push(fault.code),
      onPressure: (isFull) => pressure.push(isFull),
    });
    const take = (body: string) => inbox.take(romeo, chat(body).event, null);
    return { clock, stored, pressure, held, inbox, take };
  };

  test('hands on at once; the promise settles when it is stored', async () => {
    const { take, stored, inbox } = setUp(() => Promise.resolve());
    expect(inbox.take(romeo, presence, null)).toBeUndefined();
    await take('a');
    expect(stored).toEqual(['presence', 'a']);
  });

  test('what cannot be stored is held, and everything behind it too, in order', async () => {
    let isAway = true;
    const { take, stored, clock, held } = setUp(() =>
      isAway ? Promise.reject(new Fault('store-away')) : Promise.resolve(),
    );
    const done: string[] = [];
    const all = ['a', 'b', 'c'].map((body) => take(body)?.then(() => void done.push(body)));
    await until(() => clock.sleepers.size === 1);
    const late = take('d')?.then(() => void done.push('d'));
    clock.wakeAll();
    await until(() => clock.sleepers.size === 1);
    expect([stored, done, held]).toEqual([[], [], ['store-away', 'store-away', 'store-away']]);
    isAway = false;
    clock.wakeAll();
    await Promise.all([...all, late]);
    expect(stored).toEqual(['a', 'b', 'c', 'd']);
    expect(done).toEqual(['a', 'b', 'c', 'd']);
    await take('e');
    expect(clock.sleepers.size).toBe(0);
  });

  test('too much that waits asks for a rest, and little for more', async () => {
    const gates: (() => void)[] = [];
    const { take, pressure, inbox } = setUp(() => new Promise((resolve) => gates.push(resolve)));
    for (let index = 0; index < 256; index += 1) void take(`${index}`);
    expect([pressure, inbox.isFull]).toEqual([[true], true]);
    gates.splice(0, 192).forEach((open_) => open_());
    await new Promise(setImmediate);
    expect(inbox.isFull).toBe(true);
    gates.splice(0, 1).forEach((open_) => open_());
    await until(() => !inbox.isFull);
    expect(pressure).toEqual([true, false]);
  });

  test('disposed, it forgets and lets its timer go', async () => {
    const { take, clock, inbox, stored } = setUp(() => Promise.reject(new Fault('store-away')));
    void take('a');
    await until(() => clock.sleepers.size === 1);
    inbox.dispose();
    await until(() => clock.sleepers.size === 0);
    void take('b');
    expect(stored).toEqual([]);
  });
});

describe('the ticker', () => {
  test('has one timer for all, and none when nobody is there', async () => {
    const clock = manualClock();
    const ticker = new Ticker(clock, 1000);
    const seen: string[] = [];
    const [a, b] = ['a', 'b'].map((name) => ({ tick: () => void seen.push(name) }));
    if (a === undefined || b === undefined) throw new Error('two members');
    ticker.add(a);
    ticker.add(b);
    expect([...clock.sleepers].map(({ ms }) => ms)).toEqual([1000]);
    clock.wakeAll();
    await until(() => clock.sleepers.size === 1);
    expect(seen).toEqual(['a', 'b']);
    ticker.remove(a);
    ticker.remove(b);
    await until(() => clock.sleepers.size === 0);
    ticker.add(a);
    await until(() => clock.sleepers.size === 1);
    clock.wakeAll();
    await until(() => seen.length === 3);
    ticker.remove(a);
  });
});

describe('a deadline', () => {
  const listening = (signal: AbortSignal): Promise<never> =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))); // a Fault or the test's own

  test('gives what was done in time, and leaves no timer', async () => {
    const clock = manualClock();
    await expect(withDeadline(clock, 5, open, () => Promise.resolve('x'))).resolves.toBe('x');
    expect(clock.sleepers.size).toBe(0);
  });
  test('is a timeout when it passes', async () => {
    const clock = manualClock();
    const outcome = withDeadline(clock, 5, open, listening);
    clock.wakeAll();
    await expect(outcome).rejects.toMatchObject({ code: 'timeout' });
  });
  test('passes the abort on, also one that has been', async () => {
    const clock = manualClock();
    const stopper = new AbortController();
    const outcome = withDeadline(clock, 5, stopper.signal, listening);
    stopper.abort(new Error('enough'));
    await expect(outcome).rejects.toThrow('enough');
    const isAborted = (signal: AbortSignal): Promise<boolean> => Promise.resolve(signal.aborted);
    await expect(withDeadline(clock, 5, stopper.signal, isAborted)).resolves.toBe(true);
  });
});

test.each([
  ['ximss://cgp.example.net', { kind: 'tcp', isTls: false, host: 'cgp.example.net', port: 11024, basePath: '' }],
  ['ximss://cgp.example.net:5', { kind: 'tcp', isTls: false, host: 'cgp.example.net', port: 5, basePath: '' }],
  ['ximss+tls://cgp.example.net:443', { kind: 'tcp', isTls: true, host: 'cgp.example.net', port: 443, basePath: '' }],
  ['ximss://[::1]:5', { kind: 'tcp', isTls: false, host: '::1', port: 5, basePath: '' }],
  ['http://cgp.example.net', { kind: 'http', isTls: false, host: 'cgp.example.net', port: 80, basePath: '' }],
  [
    'https://proxy.example.net/cgp/',
    { kind: 'http', isTls: true, host: 'proxy.example.net', port: 443, basePath: '/cgp' },
  ],
  ['https://cgp.example.net:9100', { kind: 'http', isTls: true, host: 'cgp.example.net', port: 9100, basePath: '' }],
])('the server %s', (url, expected) => {
  expect(parseTarget(url)).toEqual(expected);
});

test.each(['', 'cgp.example.net', 'xmpp://a', 'ximss://', 'ximss:///x'])('"%s" is no server', (url) => {
  expect(() => parseTarget(url)).toThrow(Fault);
});
