/**
 * Small durable states: a hash per (table, user), and in each shard an index per table of the users that have something in
 * it. Written under the term of the shard's holder.
 */
import type { StateStore } from '../../bridge/ports';
import type { BareJid } from '../../core/address';
import { makeBatcher } from '../../core/async';
import { Fault } from '../../core/fault';
import type { Terms } from '../leases/terms';
import type { Client } from '../redis/client';
import type { Keys, ShardKeys } from '../redis/keys';
import { runParts, type Part } from '../leases/parts';
import { loadScript } from '../redis/scripts';

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

function argsOf({ user, fields }: Write): readonly (string | number)[] {
  const set = [...fields].filter((field): field is [string, string] => field[1] !== null);
  const gone = [...fields].filter(([, value]) => value === null).map(([name]) => name);
  return [user, set.length, ...set.flat(), gone.length, ...gone];
}

interface UserStateOptions {
  readonly client: Client;
  readonly keys: Keys;
  readonly terms: Terms;
}

/** StateStore on Redis. Values are given back as they came; nothing is parsed here. Writes of one turn go out together. */
export function makeUserState({ client, keys, terms }: UserStateOptions): StateStore {
  const key = (shard: ShardKeys, table: string, user: BareJid): string => `${shard.state}${table}:${user}`;

  async function* users(table: string): AsyncIterable<readonly BareJid[]> {
    for (const shard of keys.shards) {
      for (let from = '-'; ;) {
        const index = shard.users + table;
        const page = await client.ask((redis) => redis.zrangebylex(index, from, '+', 'LIMIT', 0, pageCount));
        if (page.length > 0) yield page as BareJid[]; // written by `write`, which was given one
        if (page.length < pageCount) break;
        from = `(${page.at(-1)}`;
      }
    }
  }

  function partOf(shard: ShardKeys, writes: readonly Write[]): Part {
    const own = writes.flatMap(({ table, user }) => [key(shard, table, user), shard.users + table]);
    return { shard, under: shard.number, keys: own, args: [writes.length, ...writes.flatMap(argsOf)] };
  }

  const write = makeBatcher<Write, true | Fault>({
    async send(batch) {
      const shards = [...new Set(batch.map(({ user }) => keys.shardOfUser(user)))];
      const parts = shards.map((shard) =>
        partOf(
          shard,
          batch.filter(({ user }) => keys.shardOfUser(user) === shard),
        ),
      );
      const answers = await runParts({ client, terms }, writeState, [], parts);
      return batch.map(({ user }) => {
        const answer = answers[shards.indexOf(keys.shardOfUser(user))];
        return answer instanceof Fault ? answer : true;
      });
    },
    weigh: ({ fields }) => 1 + fields.size,
    batchWeight,
  });

  return {
    async read(table, user) {
      const hash = key(keys.shardOfUser(user), table, user);
      return new Map(Object.entries(await client.ask((redis) => redis.hgetall(hash))));
    },
    async write(table, user, fields) {
      const answer = fields.size > 0 ? await write({ table, user, fields }) : true;
      if (answer instanceof Fault) throw answer;
    },
    users,
  };
}
