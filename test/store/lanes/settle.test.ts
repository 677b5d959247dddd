/** What this process knows of a lane follows the order in which Redis did things. */
import type { Settlement } from '../../../src/bridge/ports';
import { makeTerms } from '../../../src/store/leases/terms';
import { makeAppend, makeSpans } from '../../../src/store/lanes/append';
import { makeLaneCache } from '../../../src/store/lanes/cache';
import { makeFence } from '../../../src/store/lanes/fence';
import { makeSettle } from '../../../src/store/lanes/settle';
import { makeTotals } from '../../../src/store/lanes/totals';
import type { Client } from '../../../src/store/redis/client';
import { makeKeys } from '../../../src/store/redis/keys';
import { envelope, lane } from '../../support/envelopes';
import { until } from '../../support/wait';

const key = lane('juliet@example.org', 'romeo@example.net');

test('what is appended right behind a settlement is known without reading it', async () => {
  const calls: ((answer: unknown) => void)[] = [];
  const client = {
    isCluster: false,
    run: () => new Promise<unknown>((resolve) => calls.push(resolve)),
  } as Partial<Client> as Client; // no more of it is used
  const cache = makeLaneCache();
  const keys = makeKeys();
  const options = {
    client,
    keys,
    cache,
    terms: makeTerms(),
    totals: makeTotals({ client, keys }),
    fence: makeFence(),
    spans: makeSpans(60_000, 0),
    windows: [60_000, 60_000] as const,
    laneMax: 100,
    totalMax: 1_000,
    deadMax: 10,
    deadAgeMs: 1_000,
  };
  const append = makeAppend(options);
  const settle = makeSettle(options);
  const first = append([{ lane: key, envelope: envelope('1'), identity: null }]);
  calls.shift()?.([[[1], 1]]);
  await first;
  const settlement: Settlement = { lane: key, taken: 1, keep: [], append: [], dead: [] };
  const settled = settle(settlement);
  await until(() => calls.length === 1); // the batch of settlements is sent
  const second = append([{ lane: key, envelope: envelope('2'), identity: null }]);
  expect(calls).toHaveLength(2);
  // Redis has done both, in this order, and both answers are read in one turn
  calls[0]?.([[[0], 0]]);
  calls[1]?.([[[1], 1]]);
  await Promise.all([settled, second]);
  expect(cache.head(key, 10)).toEqual([{ envelope: envelope('2') }]);
});
