/** Small durable states: a hash per (table, user), and per table an index of the users that have something in it. */
import type { StateStore } from '../../bridge/ports';
import type { BareJid } from '../../core/address';
import type { Client } from '../redis/client';
import { loadScript } from '../redis/scripts';
import { makeBatcher } from '../../core/async';
import type { Keys } from '../redis/keys';

const writeState = loadScript(__dirname, 'write-state');
export const userStateScripts = [writeState];

const pageCount = 500;
/** fields that one script call writes: it runs alone, others wait that long */
const batchWeight = 1_000;

interface Write {
  readonly table: string;
  readonly user: BareJid;
  readonly fields: ReadonlyMap<string, string | null>;
}

function argsOf({ table, user, fields }: Write): readonly (string | number)[] {
  const set = [...fields].filter((field): field is [string, string] => field[1] !== null);
  const gone = [...fields].filter(([, value]) => value === null).map(([name]) => name);
  return [table, user, set.length, ...set.flat(), gone.length, ...gone];
}

/** StateStore on Redis. Values are given back as they came; nothing is parsed here. Writes of one turn go out together. */
export function makeUserState({ client, keys }: { readonly client: Client; readonly keys: Keys }): StateStore {
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

  const write = makeBatcher<Write, true>({
    async send(batch) {
      await client.run(writeState, [], [keys.state, keys.users, batch.length, ...batch.flatMap(argsOf)]);
      return batch.map(() => true);
    },
    weigh: ({ fields }) => 1 + fields.size,
    batchWeight,
  });

  return {
    read: async (table, user) => new Map(Object.entries(await client.ask((redis) => redis.hgetall(key(table, user))))),
    async write(table, user, fields) {
      if (fields.size > 0) await write({ table, user, fields });
    },
    users,
  };
}
