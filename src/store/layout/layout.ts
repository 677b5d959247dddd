/**
 * Which layout the data in Redis has, and that it is ours. A store keeps the version of its layout and its number of
 * shards; an empty Redis gets ours. Layout 2 (the first edition: no shards) is migrated, a newer one and an older one are
 * refused, so is another number of shards. A program of the first edition looks at `version` without a tag, and is kept
 * away by ours.
 */
import { Fault } from '../../core/fault';
import type { Connection } from '../redis/connect';
import type { Keys } from '../redis/keys';
import { migrate, type Migration } from './migrate';

/** Version of the layout in keys.ts and of the stored forms. Raise it with each change of them, and write a migration. */
const layoutVersion = 3;
/** The oldest that is migrated. */
const oldestVersion = 2;

/** Makes the layout ours. Rejects `store-away` with a text for the operator when it cannot be. */
export async function openLayout(redis: Connection, migration: Migration): Promise<void> {
  const { keys } = migration;
  const problem = await layoutProblem(redis, keys);
  if (problem !== null) throw new Fault('store-away', { text: problem });
  if ((await foundVersion(redis, keys)) === String(oldestVersion)) return migrate(redis, migration, layoutVersion);
  await redis.set(keys.shardCount, keys.shards.length, 'NX');
  await redis.set(keys.version, layoutVersion);
  await redis.set(`${keys.prefix}version`, layoutVersion);
}

/** What is wrong with the layout that is stored; null: it is ours, or may become ours. Connection errors pass through. */
export async function layoutProblem(redis: Connection, keys: Keys): Promise<string | null> {
  const found = await foundVersion(redis, keys);
  if (found === null) return null;
  const number = /^\d+$/.test(found) ? Number(found) : Infinity;
  if (number > layoutVersion || number < oldestVersion) {
    const [age, same] = number < oldestVersion ? ['an older', 'that'] : ['a newer', 'the newer'];
    return `The data in Redis (${keys.version} = ${found}) was written by ${age} version of the bridge; this one knows layouts ${oldestVersion} to ${layoutVersion}. Use ${same} version, or another database.`;
  }
  const count = await redis.get(keys.shardCount);
  if (count === null || count === String(keys.shards.length)) return null;
  return `The data in Redis lies in ${count} shards (${keys.shardCount}), scale.shards says ${keys.shards.length}. The number is fixed when a store is made: set scale.shards to ${count}, or use another database.`;
}

/** Of this layout, or of the one before it, which had no tags. */
async function foundVersion(redis: Connection, keys: Keys): Promise<string | null> {
  return (await redis.get(keys.version)) ?? (await redis.get(`${keys.prefix}version`));
}
