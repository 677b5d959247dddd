/**
 * One text per Jabber user, in a hash of the user's shard; written under the term of the shard's holder. It knows nothing
 * of what the texts say.
 */
import type { BareJid } from '../../core/address';
import type { Terms } from '../leases/terms';
import type { Client } from '../redis/client';
import type { Keys, ShardKeys } from '../redis/keys';
import { fenceOf, numberOf } from '../leases/parts';
import { loadScript } from '../redis/scripts';

const script = loadScript(__dirname, 'write-field');
export const userFieldScripts = [script];

export interface UserFields {
  /** Of every shard. Rejects `store-away`, as the others. */
  all(): Promise<readonly (readonly [user: string, text: string])[]>;
  read(user: BareJid): Promise<string | null>;
  /** null: there is none any more */
  write(user: BareJid, text: string | null): Promise<void>;
}

interface UserFieldOptions {
  readonly client: Client;
  readonly keys: Keys;
  readonly terms: Terms;
}

/** The hashes of this name. */
export function makeUserFields(
  { client, keys, terms }: UserFieldOptions,
  name: 'links' | 'provisioned' | 'notes',
): UserFields {
  const hashOf = (shard: ShardKeys): string => shard[name];
  return {
    async all() {
      const hashes = await client.ask((redis) => Promise.all(keys.shards.map((shard) => redis.hgetall(hashOf(shard)))));
      return hashes.flatMap((hash) => Object.entries(hash));
    },
    read: (user) => client.ask((redis) => redis.hget(hashOf(keys.shardOfUser(user)), user)),
    async write(user, text) {
      const shard = keys.shardOfUser(user);
      const [fenceKey, term] = fenceOf(terms, shard, shard.number);
      const args = text === null ? [term, user] : [term, user, text];
      numberOf(terms, shard.number, term, await client.run(script, [fenceKey, hashOf(shard)], args));
    },
  };
}
