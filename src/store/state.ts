/** Small durable states: a hash per (table, user), and per table an index of the users that have something in it. */
import type { StateStore } from '../bridge/ports';
import type { BareJid } from '../core/address';
import type { Client } from './client';
import { makeScript } from './client';
import type { Keys } from './keys';

/**
 * KEYS a state hash, the table's users. ARGV user, count of writes, writes (field, value), fields to delete.
 * The user is in the table's index while the hash has fields.
 */
const stateScript = `
local count = tonumber(ARGV[2])
for i = 1, count do redis.call('HSET', KEYS[1], ARGV[1 + i * 2], ARGV[2 + i * 2]) end
for i = 3 + count * 2, #ARGV do redis.call('HDEL', KEYS[1], ARGV[i]) end
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('ZADD', KEYS[2], 0, ARGV[1]) else redis.call('ZREM', KEYS[2], ARGV[1]) end
return 1
`;

const write = makeScript(stateScript);
export const stateScripts = [write];

const pageCount = 500;

/** StateStore on Redis. Values are given back as they came; nothing is parsed here. */
export function makeState({ client, keys }: { readonly client: Client; readonly keys: Keys }): StateStore {
  const key = (table: string, user: BareJid): string => `${keys.state}${table}:${user}`;

  async function* users(table: string): AsyncIterable<readonly BareJid[]> {
    let from = '-';
    for (;;) {
      const page = await client.ask((redis) => redis.zrangebylex(keys.users + table, from, '+', 'LIMIT', 0, pageCount));
      if (page.length > 0) yield page as BareJid[]; // written by `write`, which was given one
      if (page.length < pageCount) return;
      from = `(${page.at(-1)}`;
    }
  }

  return {
    read: async (table, user) => new Map(Object.entries(await client.ask((redis) => redis.hgetall(key(table, user))))),
    async write(table, user, fields) {
      if (fields.size === 0) return;
      const set = [...fields].filter((field): field is [string, string] => field[1] !== null);
      const gone = [...fields].filter(([, value]) => value === null).map(([name]) => name);
      await client.run(write, [key(table, user), keys.users + table], [user, set.length, ...set.flat(), ...gone]);
    },
    users,
  };
}
