/**
 * What the bridge is measured beside, on the same machine in the same run: two bare components through the same server,
 * plain BullMQ with one job per message, and pipelined streams, both on the same Redis.
 */
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { envelope } from '../support/envelopes';
import { connectComponent } from '../support/xmpp/raw-component';
import type { XmppServer } from '../support/servers';
import { until } from '../support/wait';
import { makeSink, pace, saturate, type Latency, type Stream } from './load/load';

const bodyOf = (bytes: number): string => 'x'.repeat(bytes);
const patience = { deadlineMs: 600_000, everyMs: 2 };
const perSecond = (count: number, begun: number): number => (1_000 * count) / (performance.now() - begun);

export interface BareFigures {
  readonly perSecond: number;
  readonly slow: Latency;
  readonly fast: Latency;
}

/** One component to another through the server, no bridge. */
export async function bareComponents(server: XmppServer, messages: number, seconds: number): Promise<BareFigures> {
  const sink = makeSink();
  const from = await connectComponent({ server, domain: server.secondComponentDomain, onText: () => undefined });
  const to = await connectComponent({ server, domain: server.componentDomain, onText: sink.onText });
  const stream: Stream = {
    send: (n, text) => from.send(message(`u${n % 100}@${from.domain}/r`, `p${n % 100}@${to.domain}`, n, text)),
    ...sink.reading,
    drained: () => from.drained(),
  };
  try {
    await saturate(stream, Math.min(2_000, messages), 500); // warm
    const rate = await saturate(stream, messages, 2_000);
    return { perSecond: rate, slow: await pace(stream, 100, seconds), fast: await pace(stream, 1_000, seconds) };
  } finally {
    await from.close();
    await to.close();
  }
}

/** A chat message as a Jabber user's server hands it to the component. */
export const message = (from: string, to: string, n: number, text: string): string =>
  `<message from="${from}" to="${to}" type="chat" id="b${n}"><body>${text}</body></message>`;

/** Messages per second: one job per message, added in batches of 500, worked off meanwhile. */
export async function plainBullmq(url: string, messages: number, bodyBytes = 200): Promise<number> {
  const body = bodyOf(bodyBytes);
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
  for (let from = 0; from < messages; from += 500) {
    await queue.addBulk(Array.from({ length: 500 }, (_, i) => ({ name: 'm', data: envelope(`${from + i}`, body) })));
  }
  await until(() => done >= messages, patience);
  const rate = perSecond(messages, begun);
  await worker.close();
  await queue.obliterate({ force: true });
  await queue.close();
  producer.disconnect();
  connection.disconnect();
  return rate;
}

/** Messages per second: XADD in pipelines of 100, XREADGROUP and XACK of 100 meanwhile. */
export async function plainStream(url: string, messages: number, bodyBytes = 200): Promise<number> {
  const body = bodyOf(bodyBytes);
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
  await writer.del('s');
  writer.disconnect();
  reader.disconnect();
  return rate;
}
