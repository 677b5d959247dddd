/**
 * Looks over the bridge's shoulder for the ledger: Redis' MONITOR tells what was really stored (the effects of the
 * scripts, not what was asked for), the bridge's own log tells what has left its lane. What it misses while it connects
 * anew is only not known; it never says more than it saw.
 */
import { Redis } from 'ioredis';
import { pause } from '../support/wait';
import type { Ledger } from './ledger';

export interface Witness {
  onLog(line: Readonly<Record<string, unknown>>): void;
  close(): Promise<void>;
}

/** a stored message, in MONITOR's way of quoting: envelope id first, our text somewhere in it */
const envelope = /^([0-9a-f-]{36})\b.*?\bkind\W+message\b.*?((?:toFar|toJabber) u\d+-p\d+ \d+)/;

/** Begins to watch. `url` is the Redis that the bridge uses. */
export function startWitness(url: string, ledger: Ledger): Witness {
  const texts = new Map<string, string>(); // by envelope id
  let isOver = false;
  let connection: Redis | null = null;

  function onStored(raw: string): void {
    const [, id, text] = envelope.exec(raw) ?? [];
    if (id === undefined || text === undefined) return;
    texts.set(id, text);
    ledger.stored(text);
  }

  /** One connection from its beginning to its end. Never rejects. */
  async function watchOnce(): Promise<void> {
    const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 });
    connection = redis;
    redis.on('error', () => undefined);
    try {
      await redis.connect();
      const monitor = await redis.monitor();
      monitor.on('error', () => undefined);
      connection = monitor;
      monitor.on('monitor', (_time: string, [name, ...args]: string[], source: string) => {
        if (source === 'lua' && name?.toUpperCase() === 'RPUSH') for (const raw of args.slice(1)) onStored(raw);
      });
      redis.disconnect();
      await new Promise<void>((resolve) => monitor.once('end', resolve));
    } catch {
      // it is down: tried again
    } finally {
      redis.disconnect();
    }
  }

  async function watch(): Promise<void> {
    while (!isOver) {
      await watchOnce();
      await pause(20);
    }
  }

  const watching = watch();
  return {
    onLog(line) {
      if (line['msg'] !== 'delivered' || typeof line['env'] !== 'string') return;
      const text = texts.get(line['env']);
      if (text !== undefined) ledger.settled(text);
    },
    async close() {
      isOver = true;
      connection?.disconnect();
      await watching;
    },
  };
}
