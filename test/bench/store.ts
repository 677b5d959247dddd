/**
 * The lanes beside plain BullMQ (one job per message) and plain pipelined streams, on one Redis of its own:
 * `npx tsx test/bench/store.ts [--quick] [--always]` (`always`: the append-only file is
 * written through). Ratios travel from machine to machine, absolutes do not.
 */
import { plainOptions, makeStores } from '../store/support';
import { lane } from '../support/envelopes';
import { startRedis } from '../support/servers/redis';
import { until } from '../support/wait';
import { batches, waitingBytes } from './memory';
import { plainBullmq, plainStream } from './plain';
import { table } from './load/stats';

const isQuick = process.argv.includes('--quick');
const isAlways = process.argv.includes('--always');
const messages = isQuick ? 10_000 : 100_000;
const batchCount = 500;
const patience = { deadlineMs: 600_000, everyMs: 2 };

const perSecond = (count: number, begun: number): number => (1_000 * count) / (performance.now() - begun);

/** As the intake and deliver do: append in batches, schedule what was empty, read heads of 100 and settle. */
async function engine(
  stores: ReturnType<typeof makeStores>,
  laneCount: number,
): Promise<{ append: number; through: number }> {
  const store = await stores.open({
    ...plainOptions,
    prefix: `lanes${laneCount}:`,
    laneMax: messages,
    drainConcurrency: 64,
  });
  const where = Array.from({ length: laneCount }, (_, i) => lane(`user${i}@example.org`, 'romeo@example.net'));
  const inputs = Array.from({ length: messages / batchCount }, (_, i) => batches(where, i * batchCount, batchCount));
  const only = lane('append@example.org', 'only@example.net');
  const alone = inputs.map((batch) => batch.map((one) => ({ ...one, lane: laneCount === 1 ? only : one.lane })));
  let begun = performance.now();
  if (laneCount === 1) for (const batch of alone) await store.lanes.append(batch);
  const append = laneCount === 1 ? perSecond(messages, begun) : 0;
  if (laneCount === 1) await store.lanes.forget('append@example.org' as never); // a test name
  let drained = 0;
  store.scheduler.start(async (key, signal) => {
    while (!signal.aborted) {
      const head = await store.lanes.head(key, 100);
      if (head.length === 0) return { again: false };
      const { left } = await store.lanes.settle({ lane: key, taken: head.length, keep: [], append: [], dead: [] });
      drained += head.length;
      if (left === 0) return { again: false };
    }
    return { again: true, inMs: 0 };
  });
  begun = performance.now();
  for (const batch of inputs) {
    const answers = await store.lanes.append(batch);
    const wake = batch.filter((_, i) => {
      const answer = answers[i];
      return answer?.outcome === 'stored' && answer.length === 1;
    });
    store.scheduler.schedule(wake.map((one) => one.lane)).catch((thrown: unknown) => console.error(thrown));
  }
  await until(() => drained >= messages, patience);
  const through = perSecond(messages, begun);
  await stores.closeAll();
  return { append, through };
}

async function main(): Promise<void> {
  const server = await startRedis({ unixsocket: true, appendfsync: isAlways ? 'always' : 'everysec' });
  const fresh = (): ReturnType<typeof makeStores> => makeStores(server);
  try {
    const bullmq = await plainBullmq(server.url, messages);
    await server.cli('FLUSHALL');
    const stream = await plainStream(server.url, messages);
    await server.cli('FLUSHALL');
    const rows: (string | number)[][] = [
      ['plain BullMQ, one job per message', bullmq, 1, bullmq / stream],
      ['plain pipelined stream', stream, stream / bullmq, 1],
    ];
    for (const laneCount of [1, 100, 10_000]) {
      const { append, through } = await engine(fresh(), laneCount);
      if (append > 0) rows.push(['append alone', append, append / bullmq, append / stream]);
      rows.push([`${laneCount} lanes`, through, through / bullmq, through / stream]);
      await server.cli('FLUSHALL');
    }
    table(
      `${messages} messages of 200 bytes, batches of ${batchCount}`,
      ['', 'messages/s', 'to BullMQ', 'to stream'],
      rows,
    );
    const sizes = await waitingBytes(server, 20_000);
    table('bytes of Redis per message', ['', 'waiting', 'delivered (dedupe window)'], sizes);
  } finally {
    await server.dispose();
  }
}

void main();
