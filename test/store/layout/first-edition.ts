/**
 * A small store of layout 2, as the first edition wrote it: first-edition.json holds the commands that make it again. Its
 * passwords and notes are sealed with the key below. The spans of its dedupe window are moved to now.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { z } from 'zod';

const sealKey = `${Buffer.alloc(32, 7).toString('base64')}\n`;
export const users = ['juliet@example.org', 'nurse@example.org', 'mercutio@example.org', 'тибальт@пример.рф'] as const;

const writtenIn = ':s:20778:';
const dayMs = 86_400_000;
const commands = z
  .array(z.array(z.string()))
  .parse(JSON.parse(readFileSync(join(__dirname, 'first-edition.json'), 'utf8')));

/** Empties this Redis and writes the store. */
export async function writeFirstEdition(redis: Redis): Promise<void> {
  const [seconds] = await redis.time();
  const span = Math.floor((Number(seconds) * 1_000) / dayMs);
  await redis.flushall();
  await Promise.all(
    commands.map(([command = '', ...args]) =>
      redis.call(command, ...args.map((arg) => arg.replace(writtenIn, `:s:${span}:`))),
    ),
  );
}

/** A file with the key; returns its path. */
export function writeSealKey(dir: string): string {
  const file = join(dir, 'old.key');
  writeFileSync(file, sealKey, { mode: 0o600 });
  return file;
}

/** Everything in Redis, in an order of its own. */
export async function everything(redis: Redis): Promise<readonly unknown[]> {
  const keys = (await redis.keys('*')).sort();
  return Promise.all(keys.map(async (key) => [key, await valueOf(redis, key)]));
}

async function valueOf(redis: Redis, key: string): Promise<unknown> {
  switch (await redis.type(key)) {
    case 'list':
      return redis.lrange(key, 0, -1);
    case 'hash':
      return Object.entries(await redis.hgetall(key)).sort();
    case 'zset':
      return redis.zrange(key, 0, -1, 'WITHSCORES');
    case 'stream':
      return redis.xrange(key, '-', '+');
    default:
      return redis.get(key);
  }
}
