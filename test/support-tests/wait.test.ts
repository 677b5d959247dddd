import { Hopeless, until, within } from '../support/wait';

describe('until', () => {
  test.each<[string, () => unknown, unknown]>([
    ['a value that is there at once', () => 'here', 'here'],
    ['a promise of a value', () => Promise.resolve(7), 7],
  ])('%s is returned', async (_what, condition, expected) => {
    expect(await until(condition)).toBe(expected);
  });

  test('a condition that comes true later, after throwing and rejecting', async () => {
    let looks = 0;
    const condition = (): boolean | Promise<boolean> => {
      looks += 1;
      if (looks === 1) throw new Error('not yet');
      if (looks === 2) return Promise.reject(new Error('still not'));
      return looks > 3;
    };
    expect(await until(condition, { everyMs: 1 })).toBe(true);
    expect(looks).toBe(4);
  });

  test.each<[string, () => unknown, RegExp]>([
    ['what was seen last', () => 0, /^waited 30 ms for the moon: saw 0$/],
    ['the last error', () => Promise.reject(new Error('no rocket')), /^waited 30 ms for the moon: no rocket$/],
    [
      'that a look never ended',
      () => new Promise(() => undefined),
      /^waited 30 ms for the moon: an answer did not come/,
    ],
  ])('at the deadline the text tells %s', async (_what, condition, text) => {
    await expect(until(condition, { deadlineMs: 30, what: 'the moon', everyMs: 1 })).rejects.toThrow(text);
  });

  test('the text may be made at the end', async () => {
    let looks = 0;
    const failure = until(() => void (looks += 1), { deadlineMs: 20, everyMs: 1, what: () => `look ${looks > 0}` });
    await expect(failure).rejects.toThrow('for look true');
  });

  test('the stack begins at the line that waited', async () => {
    const error = await until(() => false, { deadlineMs: 1 }).catch((failure: unknown) => failure);
    expect((error instanceof Error ? error.stack : '')?.split('\n')[1]).toMatch(/wait\.test\.ts/);
  });

  test('a hopeless condition ends the wait at once', async () => {
    const hopeless = (): never => {
      throw new Hopeless('the peer is gone');
    };
    await expect(until(hopeless, { deadlineMs: 60_000 })).rejects.toThrow('the peer is gone');
  });
});

describe('within', () => {
  test('an outcome in time passes through, good or bad', async () => {
    expect(await within(Promise.resolve(1), 1000)).toBe(1);
    await expect(within(Promise.reject(new Error('bad')), 1000)).rejects.toThrow('bad');
  });

  test('a late one is named', async () => {
    await expect(within(new Promise(() => undefined), 5, 'the pong')).rejects.toThrow(
      'the pong did not come within 5 ms',
    );
  });
});
