/**
 * What operators did, as a stream: an entry is JSON, named and dated by its id (Redis' clock). Entries older than 90 days go
 * as new ones come, and beyond a bound the oldest. It holds no password and no text of anybody: the middle leaves them out.
 */
import { z } from 'zod';
import { adminNames, faces, type AdminName } from '../../core/admin/table';
import { faultTable, type FaultCode } from '../../core/fault';
import type { AuditEntry, AuditStore, Clock } from '../../bridge/ports';
import type { Client } from '../redis/client';
import type { Keys } from '../redis/keys';

export interface AuditStoreOptions {
  readonly client: Client;
  readonly keys: Pick<Keys, 'audit'>;
  readonly clock: Clock;
  /** entries kept; default 50000 */
  readonly auditMax?: number;
}

const keptMs = 90 * 86_400_000;
const pageMax = 500;
const streamId = /^\d+-\d+$/;

const record = z.object({
  face: z.enum(faces),
  name: z.string(),
  command: z.enum(adminNames as readonly [AdminName, ...AdminName[]]), // the table is not empty
  input: z.record(z.string(), z.unknown()),
  fault: z.enum(Object.keys(faultTable) as [FaultCode, ...FaultCode[]]).nullable(), // its keys
});

/** AuditStore on Redis. */
export function makeAuditStore({ client, keys, clock, auditMax = 50_000 }: AuditStoreOptions): AuditStore {
  return {
    async add(entry) {
      const text = JSON.stringify(entry);
      const since = clock.now() - keptMs;
      await client.ask(async (redis) => {
        await redis.xadd(keys.audit, 'MINID', '~', since, '*', 'entry', text);
        await redis.xtrim(keys.audit, 'MAXLEN', '~', auditMax);
      });
    },
    async page({ before, count }) {
      if (before !== null && !streamId.test(before)) return { entries: [], next: null };
      const wanted = Math.max(1, Math.min(count, pageMax));
      const from = before === null ? '+' : `(${before}`;
      const found = await client.ask((redis) => redis.xrevrange(keys.audit, from, '-', 'COUNT', wanted));
      const entries = found.map(([id, fields]) => entryOf(id, fields[1] ?? '')).filter((entry) => entry !== null);
      return { entries, next: found.length < wanted ? null : (found.at(-1)?.[0] ?? null) };
    },
  };
}

/** Null: of another version, or damaged. */
function entryOf(id: string, text: string): AuditEntry | null {
  try {
    return { ...record.parse(JSON.parse(text)), id, at: Number(id.split('-')[0]) };
  } catch {
    return null;
  }
}
