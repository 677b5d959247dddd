/**
 * Links on a Redis hash in each shard, one field per Jabber user. Passwords are sealed here on the way in and opened on the way out;
 * Redis never has one in clear. A link that cannot be read is reported and left where it is, not dropped.
 */
import { z } from 'zod';
import type { LinkStore, Log } from '../../bridge/ports';
import type { Account, BareJid } from '../../core/address';
import { Fault, toFault } from '../../core/fault';
import type { Link } from '../../core/model';
import type { Sealer } from './sealer';
import type { UserFields } from './user-fields';

const record = z.looseObject({
  v: z.literal(1),
  account: z.string().min(1),
  password: z.string(),
  origin: z.enum(['configured', 'registered', 'provisioned']),
  suspended: z.boolean().optional(),
});

export interface LinkStoreOptions {
  readonly fields: UserFields;
  readonly sealer: Sealer;
  readonly log: Log;
}

/** LinkStore on Redis. `load` rejects `store-away`, naming the key, when passwords are sealed with a key that is missing. */
export function makeLinkStore({ fields, sealer, log }: LinkStoreOptions): LinkStore {
  async function load(): Promise<readonly Link[]> {
    const all = await fields.all();
    return all.map(([user, text]) => read(user, text)).filter((link) => link !== null);
  }

  function read(user: string, text: string): Link | null {
    const parsed = record.safeParse(parseJson(text));
    if (!parsed.success) {
      log.error({ peer: user }, 'a stored link cannot be read, left alone');
      return null;
    }
    const { account, password, origin, suspended = false } = parsed.data;
    try {
      const opened = sealer.open(user, password);
      const link = { user: user as BareJid, account: account as Account, password: opened, origin }; // as `save` was given them
      return suspended ? { ...link, isSuspended: true } : link;
    } catch (thrown) {
      if (!sealer.knowsKey(password)) throw wrongKey(toFault(thrown));
      log.error(
        { peer: user, fault: toFault(thrown).text },
        'a stored password cannot be opened, the link is left alone',
      );
      return null;
    }
  }

  return {
    load,
    async save({ user, account, password, origin, isSuspended = false }) {
      const sealed = { v: 1, account, password: sealer.seal(user, password), origin };
      await fields.write(user, JSON.stringify(isSuspended ? { ...sealed, suspended: true } : sealed));
    },
    remove: (user) => fields.write(user, null),
  };
}

function wrongKey(fault: Fault): Fault {
  return new Fault('store-away', {
    text: `${fault.text} Put the right key back (secretKeyFile), or delete the links in Redis and let users register again.`,
    cause: fault,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
