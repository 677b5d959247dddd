/** What a process leaves for whoever comes next: one text, taken once, forgotten after some minutes. */
import type { Leftover } from '../../bridge/ports';
import type { Client } from '../redis/client';
import type { Keys } from '../redis/keys';

/** Nobody came: what was left is too old to be of use. */
const keptMs = 300_000;

export interface LeftoverOptions {
  readonly client: Pick<Client, 'ask'>;
  readonly keys: Pick<Keys, 'leftover'>;
}

export function makeLeftover({ client, keys }: LeftoverOptions): Leftover {
  return {
    async put(text) {
      await client.ask((redis) => redis.set(keys.leftover, text, 'PX', keptMs));
    },
    take: () => client.ask((redis) => redis.getdel(keys.leftover)),
  };
}
