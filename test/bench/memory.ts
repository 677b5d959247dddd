/** What messages cost in Redis: those that wait in a lane, and what the dedupe window keeps of those that were delivered. */
import type { LaneKey } from '../../src/core/model';
import type { Store } from '../../src/store';
import { plainOptions, makeStores } from '../store/support';
import { envelope, lane } from '../support/envelopes';
import type { RedisServer } from '../support/servers';
import type { Cell } from './load/stats';

const body = 'x'.repeat(200);

/** So many appends, as the intake makes them, in turn over these lanes. */
export function batches(
  where: readonly LaneKey[],
  from: number,
  count: number,
): Parameters<Store['lanes']['append']>[0] {
  return Array.from({ length: count }, (_, i) => {
    const n = from + i;
    const key = where[n % where.length] ?? lane('', '');
    return {
      lane: key,
      envelope: envelope(`3f2a8c1e-77aa-4b6e-9d55-${n.toString(16).padStart(12, '0')}`, body),
      identity: `juliet@example.org/phone romeo@example.net ${n} 2jmj7l5rSw0yVb_vlWAYkK_YBwk`,
    };
  });
}

/** Rows of: how many per lane, bytes per message that waits, bytes per message that was delivered. */
export async function waitingBytes(server: RedisServer, count: number): Promise<Cell[][]> {
  const rows: Cell[][] = [];
  for (const perLane of [1, 20, count])
    rows.push([`${perLane} per lane`, ...(await bytesWith(server, count, perLane))]);
  return rows;
}

async function bytesWith(server: RedisServer, count: number, perLane: number): Promise<[number, number]> {
  const used = async (): Promise<number> => Number(/used_memory:(\d+)/.exec(await server.cli('INFO', 'memory'))?.[1]);
  const stores = makeStores(server);
  try {
    const store = await stores.open({ ...plainOptions, prefix: `memory${perLane}:`, laneMax: count });
    const where = Array.from({ length: count / perLane }, (_, i) => lane(`user${i}@example.org`, 'romeo@example.net'));
    const before = await used();
    await store.lanes.append(batches(where, 0, count));
    const full = await used();
    for (const key of where) {
      const taken = Math.min(perLane, 2_000);
      for (let left = perLane; left > 0; left -= taken)
        await store.lanes.settle({ lane: key, taken, keep: [], append: [], dead: [] });
    }
    return [(full - before) / count, ((await used()) - before) / count];
  } finally {
    await stores.closeAll();
  }
}
