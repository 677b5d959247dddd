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
});
