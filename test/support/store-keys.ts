/** Keys of the default store, for a look into Redis past the bridge. */
import type { BareJid } from '../../src/core/address';
import { makeKeys } from '../../src/store/redis/keys';

/** The hash of a user's small states in a table; the name is not parsed. */
export function stateKey(table: string, user: string): string {
  return `${makeKeys().shardOfUser(user as BareJid).state}${table}:${user}`; // any text has a shard
}
