/** One timer for all sessions. */
import { manualClock } from '../../support/clock';
import { Ticker } from '../../../src/ximss/session/ticker';
import { until } from '../../support/wait';

describe('the ticker', () => {
  test('has one timer for all, and none when nobody is there', async () => {
    const clock = manualClock();
    const ticker = new Ticker(clock, 1000);
    const seen: string[] = [];
    const [a, b] = ['a', 'b'].map((name) => ({ tick: () => void seen.push(name) }));
    if (a === undefined || b === undefined) throw new Error('two members');
    ticker.add(a);
    ticker.add(b);
    clock.advance(999);
    expect(seen).toEqual([]);
    clock.advance(1);
    await until(() => clock.sleeping() === 1);
    expect(seen).toEqual(['a', 'b']);
    ticker.remove(a);
    ticker.remove(b);
    await until(() => clock.sleeping() === 0);
    ticker.add(a);
    await until(() => clock.sleeping() === 1);
    clock.advance(10_000);
    await until(() => seen.length === 3);
    ticker.remove(a);
  });
});
