/**
 * The lanes beside plain BullMQ (one job per message) and plain pipelined streams, on one Redis of its own:
 * `npx tsx test/bench/store.ts [--quick] [--always]` (`always`: the append-only file is
 * written through). Ratios travel from machine to machine, absolutes do not.
 */
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import type { LaneKey } from '../../src/core/model';
import type { Store } from '../../src/store';
import { plainOptions, makeStores } from '../store/support';
import { envelope, lane } from '../support/envelopes';
import { startRedis } from '../support/servers/redis';
import type { RedisServer } from '../support/servers/redis';
import { until } from '../support/wait';
import { table } from './stats';

const isQuick = process.argv.includes('--quick');
const isAlways = process.argv.includes('--always');
const messages = isQuick ? 10_000 : 100_000;
const body = 'x'.repeat(200);
const batchCount = 500;
const patience = { deadlineMs: 600_000, everyMs: 2 };

const perSecond = (count: number, begun: number): number => (1_000 * count) / (performance.now() - begun);

function batches(where: readonly LaneKey[], from: number, count: number): Parameters<Store['lanes']['append']>[0] {
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

/** As the door and deliver do: append in batches, ring what was empty, read heads of 100 and settle. */
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
  store.doorbell.start(async (key, signal) => {
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
    store.doorbell.ring(wake.map((one) => one.lane)).catch((thrown: unknown) => console.error(thrown));
  }
  await until(() => drained >= messages, patience);
  const through = perSecond(messages, begun);
  await stores.closeAll();
  return { append, through };
}

async function plainBullmq({ url }: RedisServer): Promise<number> {
  const producer = new Redis(url, { maxRetriesPerRequest: null });
  const queue = new Queue('plain', { connection: producer });
  const connection = new Redis(url, { maxRetriesPerRequest: null });
  let done = 0;
  const worker = new Worker('plain', () => ((done += 1), Promise.resolve()), {
    connection,
    concurrency: 50,
    removeOnComplete: { count: 0 },
  });
  const begun = performance.now();
  for (let from = 0; from < messages; from += batchCount) {
    await queue.addBulk(
      Array.from({ length: batchCount }, (_, i) => ({ name: 'm', data: envelope(`${from + i}`, body) })),
    );
  }
  await until(() => done >= messages, patience);
  const rate = perSecond(messages, begun);
  await worker.close();
  await queue.close();
  producer.disconnect();
  connection.disconnect();
  return rate;
}

async function plainStream({ url }: RedisServer): Promise<number> {
  const [writer, reader] = [new Redis(url), new Redis(url)];
  await writer.xgroup('CREATE', 's', 'g', '$', 'MKSTREAM');
  let done = 0;
  const read = async (): Promise<void> => {
    while (done < messages) {
      const got = await reader.xreadgroup('GROUP', 'g', 'c', 'COUNT', 100, 'BLOCK', 1000, 'STREAMS', 's', '>');
      const ids = ((got as [string, [string, string[]][]][] | null)?.[0]?.[1] ?? []).map(([id]) => id); // XREADGROUP's reply
      if (ids.length > 0) await reader.xack('s', 'g', ...ids);
      done += ids.length;
    }
  };
  const begun = performance.now();
  const reading = read();
  for (let from = 0; from < messages; from += 100) {
    const pipeline = writer.pipeline();
    for (let i = 0; i < 100; i += 1) pipeline.xadd('s', '*', 'm', JSON.stringify(envelope(`${from + i}`, body)));
    await pipeline.exec();
  }
  await reading;
  const rate = perSecond(messages, begun);
  writer.disconnect();
  reader.disconnect();
  return rate;
}

/** Bytes of Redis per message that waits in a lane, and per message that was delivered (what the dedupe window keeps). */
async function memory(
  stores: ReturnType<typeof makeStores>,
  server: RedisServer,
  perLane: number,
): Promise<[number, number]> {
  const used = async (): Promise<number> => Number(/used_memory:(\d+)/.exec(await server.cli('INFO', 'memory'))?.[1]);
  const count = 20_000;
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
  const after = await used();
  await stores.closeAll();
  return [(full - before) / count, (after - before) / count];
}

async function main(): Promise<void> {
  const server = await startRedis({ unixsocket: true, appendfsync: isAlways ? 'always' : 'everysec' });
  const fresh = (): ReturnType<typeof makeStores> => makeStores(server);
  try {
    const bullmq = await plainBullmq(server);
    await server.cli('FLUSHALL');
    const stream = await plainStream(server);
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
      `${messages} messages of ${body.length} bytes, batches of ${batchCount}`,
      ['', 'messages/s', 'to BullMQ', 'to stream'],
      rows,
    );
    const sizes: (string | number)[][] = [];
    for (const perLane of [1, 20, 20_000]) {
      const [waiting, delivered] = await memory(fresh(), server, perLane);
      sizes.push([`${perLane} per lane`, waiting, delivered]);
      await server.cli('FLUSHALL');
    }
    table('bytes of Redis per message', ['', 'waiting', 'delivered (dedupe window)'], sizes);
  } finally {
    await server.dispose();
  }
}

void main();
