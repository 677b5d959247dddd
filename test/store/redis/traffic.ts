/**
 * Writes through a client while something happens to Redis: each has an id of its own, and it is kept which were told of
 * as done. In the end every one of those must be there.
 */
import { createHash } from 'node:crypto';
import { makeClient } from '../../../src/store/redis/client';
import type { Client } from '../../../src/store/redis/client';
import { checkRedis } from '../../../src/store/redis/check';
import { targetOf } from '../../../src/store/redis/target';
import type { RedisSettings } from '../../../src/store/redis/target';
import { systemClock } from '../../../src/ops/clock';
import { silentLog } from '../../support/silence';
import { pause, until } from '../../support/wait';

const lua = "return redis.call('SADD', KEYS[1], ARGV[1])";
const addScript = { lua, sha: createHash('sha1').update(lua).digest('hex') };

/** A client as the store makes it, checks included. */
export function openClient(settings: RedisSettings, waitReplicas = 0): Client {
  const target = targetOf(settings);
  return makeClient({
    target,
    commandTimeoutMs: 5_000,
    startTimeoutMs: 10_000,
    waitReplicas,
    scripts: [addScript],
    check: (redis) => checkRedis(redis, { target, waitReplicas, log: silentLog }),
    clock: systemClock,
    log: silentLog,
    onChange: () => undefined,
  });
}

export interface Traffic {
  doneCount(): number;
  failedCount(): number;
  /** Waits until writes succeed that were begun from now on. */
  flows(): Promise<void>;
  /** Ends it and says which acknowledged writes are not there. */
  lost(): Promise<readonly string[]>;
}

const everyMs = 4;

/** Writes to sets named by the keys, in turn. */
export function startTraffic(client: Client, keys: readonly string[]): Traffic {
  const done = new Map(keys.map((key) => [key, new Set<string>()]));
  let failedCount = 0;
  let begunCount = 0;
  let lastDone = 0;
  let isOver = false;
  const pending = new Set<Promise<void>>();
  const write = async (key: string, number: number): Promise<void> => {
    try {
      await client.run(addScript, [key], [String(number)], { isReplicated: true });
      done.get(key)?.add(String(number));
      lastDone = Math.max(lastDone, number);
    } catch {
      failedCount += 1;
    }
  };
  const ended = (async () => {
    while (!isOver) {
      const key = keys[begunCount % keys.length] ?? '';
      const written = write(key, (begunCount += 1)).finally(() => pending.delete(written));
      pending.add(written);
      await pause(everyMs);
    }
    await Promise.all(pending);
  })();
  const doneCount = (): number => [...done.values()].reduce((sum, { size }) => sum + size, 0);
  return {
    doneCount,
    failedCount: () => failedCount,
    async flows() {
      const from = begunCount;
      await until(() => lastDone > from + 20 * keys.length, {
        what: () => `writes to succeed again (${failedCount} failed)`,
      });
    },
    async lost() {
      isOver = true;
      await ended;
      await until(() => client.isUp());
      const missing = await Promise.all(
        keys.map(async (key) => {
          const there = new Set(await client.ask((redis) => redis.smembers(key)));
          return [...(done.get(key) ?? [])].filter((id) => !there.has(id));
        }),
      );
      return missing.flat();
    },
  };
}
