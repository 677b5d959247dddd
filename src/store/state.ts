/** Small durable states: a hash per (table, user), and per table an index of the users that have something in it. */
import type { StateStore } from '../bridge/ports';
import type { BareJid } from '../core/address';
import type { Client } from './client';
import { makeScript } from './client';
import type { Keys } from './keys';
import { stateScript } from './lua';

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
