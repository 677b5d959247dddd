/** How many log in at once: the limit, the order, what is given back. */
import { releaseAfterFirstReads, LoginLimiter, type Release } from '../../../src/ximss/login/limiter';

const open = new AbortController().signal;

describe('the limit of logins at once', () => {
  test.each([
    ['quick, and the gate opens', 10, true],
    ['slow, and the gate closes a little', 30, false],
  ])('the first moments of a session are %s', async (_, turnsMs, expected) => {
    let now = 0;
    const left: boolean[] = [];
    const releasing = releaseAfterFirstReads(
      (isHealthy) => left.push(isHealthy),
      () => now,
    );
    expect(left).toEqual([]);
    now = turnsMs;
    await releasing;
    expect(left).toEqual([expected]);
  });

  const bounds = { leastCount: 1, firstCount: 2, mostCount: 4 };

  test('admits as many as the limit, then first come, first served', async () => {
    const limiter = new LoginLimiter(bounds);
    const order: string[] = [];
    const acquire = async (name: string): Promise<Release> => {
      const release = await limiter.acquire(open);
      order.push(name);
      return release;
    };
    const [first] = await Promise.all([acquire('a'), acquire('b')]);
    const third = acquire('c');
    const fourth = acquire('d');
    expect(order).toEqual(['a', 'b']);
    first(true);
    await third;
    expect(order).toEqual(['a', 'b', 'c']);
    (await third)(true);
    await fourth;
    expect(order).toEqual(['a', 'b', 'c', 'd']);
  });

  test('opens with success up to its most, halves with failure down to its least', async () => {
    const limiter = new LoginLimiter(bounds);
    for (let round = 0; round < 20; round += 1) (await limiter.acquire(open))(true);
    expect(limiter.limitCount).toBe(4);
    for (let round = 0; round < 20; round += 1) (await limiter.acquire(open))(false);
    expect(limiter.limitCount).toBe(1);
  });

  test('releasing twice counts once', async () => {
    const limiter = new LoginLimiter({ leastCount: 1, firstCount: 1, mostCount: 1 });
    const release = await limiter.acquire(open);
    release(true);
    release(true);
    await limiter.acquire(open);
    const late = limiter.acquire(AbortSignal.abort(new Error('enough')));
    await expect(late).rejects.toThrow('enough');
  });

  test('who stops waiting gives the place to the next', async () => {
    const limiter = new LoginLimiter({ leastCount: 1, firstCount: 1, mostCount: 1 });
    const release = await limiter.acquire(open);
    const impatient = new AbortController();
    const given = limiter.acquire(impatient.signal);
    const next = limiter.acquire(open);
    impatient.abort(new Error('enough'));
    await expect(given).rejects.toThrow('enough');
    release(true);
    await next;
  });

  test('who is more urgent goes first, among equals who came first', async () => {
    const limiter = new LoginLimiter({ leastCount: 1, firstCount: 1, mostCount: 1 });
    const order: string[] = [];
    const release = await limiter.acquire(open);
    const waiting = (['a 0', 'b 2', 'c 1', 'd 2'] as const).map(async (name) => {
      const done = await limiter.acquire(open, Number(name.at(-1)));
      order.push(name);
      done(true);
    });
    release(true);
    await Promise.all(waiting);
    expect(order).toEqual(['b 2', 'd 2', 'c 1', 'a 0']);
  });

  test('when the server has come back the limit is what it was at first', async () => {
    const limiter = new LoginLimiter({ leastCount: 1, firstCount: 4, mostCount: 8 });
    for (let round = 0; round < 5; round += 1) (await limiter.acquire(open))(false);
    expect(limiter.limitCount).toBe(1);
    limiter.reset();
    expect(limiter.limitCount).toBe(4);
  });
});
