/**
 * Counters of tries at secrets, so that guessing is slow whoever asks and however often the bridge is restarted. A name
 * (of a user, of an account) is kept as a digest, for an hour and the longest pause after its last try; beyond a bound the
 * names that were tried longest ago are forgotten. It knows no secrets, and it decides nothing about logins.
 */
import { createHash } from 'node:crypto';
import type { AttemptStore } from '../../bridge/ports';
import { Fault } from '../../core/fault';
import type { Client } from '../redis/client';
import type { Keys } from '../redis/keys';
import { loadScript } from '../redis/scripts';

const begin = loadScript(__dirname, 'begin-attempt');
const end = loadScript(__dirname, 'end-attempt');
export const attemptScripts = [begin, end];

export interface AttemptStoreOptions {
  readonly client: Client;
  readonly keys: Keys;
  /** names that are remembered at once; default 100000 */
  readonly attemptNamesMax?: number;
}

/** AttemptStore on Redis, on its own clock. */
export function makeAttempts({ client, keys, attemptNamesMax = 100_000 }: AttemptStoreOptions): AttemptStore {
  const keysOf = (names: readonly string[]): readonly string[] => [
    keys.attempts,
    ...[...new Set(names)].map((name) => `${keys.attempt}${digest(name)}`),
  ];

  return {
    async begin(names, { freeCount, baseMs, capMs, hourlyMax }) {
      const args = [freeCount, baseMs, capMs, hourlyMax, attemptNamesMax];
      const [waitMs, ...forgotten]: unknown[] = listOf(await client.run(begin, keysOf(names), args));
      if (typeof waitMs !== 'number') throw new Fault('internal', { cause: 'begin-attempt script' });
      // else they end by themselves
      if (forgotten.length > 0) await client.ask((redis) => redis.unlink(...forgotten.map(String)));
      return waitMs;
    },
    async end(names, outcome) {
      if (outcome !== 'wrong') await client.run(end, keysOf(names), [outcome]);
    },
  };
}

const digest = (name: string): string => createHash('sha256').update(name).digest('base64url').slice(0, 22);
const listOf = (answer: unknown): unknown[] => (Array.isArray(answer) ? answer : []);
