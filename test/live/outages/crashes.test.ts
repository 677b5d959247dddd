/**
 * How much a `kill -9` of the bridge costs under load: what was in a socket, or read and not yet stored. Figures of a long
 * run: `npm run chaos -- --crashes 20 --rate 2000 --messages 100000`. Here only that it is that and nothing else, and
 * nothing at all where the wire has acknowledgements.
 */
import { runChaos } from '../../chaos/run';
import { startProsody } from '../../support/servers';

const crashes = 2;
/** in each direction, together; far more than is in sockets and heads in one moment */
const perCrashMax = 2_000;

test.each(['tcp', 'http'] as const)(
  'XIMSS over %s',
  async (binding) => {
    const { examples, windows, sent, delivered, bounced, lostInWindow, ...bad } = await runChaos({
      start: startProsody,
      appendfsync: 'always',
      binding,
      seed: 21,
      messages: 3_000,
      faults: crashes,
      perSecond: 400,
      links: 5,
      peers: 3,
      only: ['kill -9 of the bridge'],
      isObserved: false,
      say: () => undefined,
    });
    expect(bad.lost > 0 ? examples : []).toEqual([]);
    expect(bad).toMatchObject({ lost: 0, reordered: 0, both: 0 });
    expect(delivered + bounced + lostInWindow).toBe(sent);
    expect(windows).toMatchObject([{ injected: crashes }]);
    expect(lostInWindow / crashes).toBeLessThan(perCrashMax);
    if (binding === 'http') expect(windows).toMatchObject([{ lostToJabber: 0 }]);
  },
  120_000,
);
