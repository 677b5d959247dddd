/**
 * The table of processes on one store: each says every second that it lives, on Redis' own clock, so that a wrong clock
 * of a machine does no harm. A process whose configuration does not agree with that of one that lives is refused, with
 * words that name the first difference; one that has said nothing for some seconds counts as ended. Versions may differ:
 * that is an upgrade. It does not say who does what: that is what leases are for.
 */
import type { Clock, Log } from '../../bridge/ports';
import { Fault, toFault } from '../../core/fault';
import type { Client } from '../redis/client';
import type { Keys } from '../redis/keys';

/** What a process says of itself. */
export interface ProcessEntry {
  /** as an operator finds it */
  readonly name: string;
  readonly version: string;
  /** what must be the same in all processes: setting and value, no secrets */
  readonly agreement: Readonly<Record<string, string>>;
  /** names of the keys that open sealed passwords, the one that seals first */
  readonly keyIds: readonly string[];
}

export interface ProcessTableOptions {
  readonly client: Pick<Client, 'ask'>;
  readonly keys: Pick<Keys, 'processes'>;
  readonly self: string;
  readonly clock: Clock;
  readonly log: Log;
  /** between two signs of life */
  readonly everyMs?: number;
}

export interface ProcessTable {
  /** Rejects `store-away` when another process lives that does not agree; its text says in what. Resolves within seconds. */
  join(entry: ProcessEntry): Promise<void>;
  /** The other processes that live. Rejects `store-away`. */
  others(): Promise<readonly Row[]>;
  /** All that live, this one too when it has joined. Rejects `store-away`. */
  all(): Promise<readonly Row[]>;
  /** Says that this one ends. Never rejects. */
  leave(): Promise<void>;
}

/** What one has said of itself, and when, ms since the epoch of Redis' clock. */
export interface Row extends ProcessEntry {
  readonly self: string;
  readonly seenAt: number;
}

const everyMs = 1_000;
/** so many signs of life that did not come */
const missedCount = 5;

export function makeProcessTable(options: ProcessTableOptions): ProcessTable {
  const { client, keys, self, clock, log } = options;
  const pauseMs = options.everyMs ?? everyMs;
  const over = new AbortController();
  let living: Promise<void> | null = null;

  /** ms since the epoch, as Redis counts them */
  async function now(): Promise<number> {
    const [seconds, micros] = await client.ask((redis) => redis.time());
    return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
  }

  async function sayAlive(entry: ProcessEntry): Promise<void> {
    const seenAt = await now();
    await client.ask((redis) => redis.hset(keys.processes, self, JSON.stringify({ ...entry, seenAt })));
  }

  /** This one, and the others that have said something lately; what is left of those that ended is removed. */
  async function read(nowMs: number): Promise<readonly Row[]> {
    const fields = await client.ask((redis) => redis.hgetall(keys.processes));
    const rows = Object.entries(fields).map(([field, text]) => readRow(field, text));
    const living = rows.filter((row) => row.self === self || nowMs - row.seenAt < missedCount * pauseMs);
    const ended = rows.filter((row) => !living.includes(row)).map((row) => row.self);
    if (ended.length > 0) await client.ask((redis) => redis.hdel(keys.processes, ...ended));
    return living;
  }

  const readOthers = async (): Promise<readonly Row[]> => (await read(await now())).filter((row) => row.self !== self);

  async function keepAlive(entry: ProcessEntry): Promise<void> {
    while (!over.signal.aborted) {
      await clock.sleep(pauseMs, over.signal);
      await sayAlive(entry).catch((thrown: unknown) => log.debug({ fault: toFault(thrown).code }, 'not said to live'));
    }
  }

  return {
    async join(entry) {
      const joinedAt = await now();
      for (;;) {
        const rows = await readOthers();
        const different = rows.find((row) => differenceOf(entry, row) !== null);
        if (different === undefined) break;
        // it may have ended without a word just now: only one that says so after us lives
        if (different.seenAt > joinedAt) throw new Fault('store-away', { text: refusal(entry, different) });
        await clock.sleep(pauseMs / 4, over.signal);
      }
      await sayAlive(entry);
      living = keepAlive(entry).catch(() => undefined); // only an ended sleep rejects
    },
    others: readOthers,
    all: async () => read(await now()),
    async leave() {
      over.abort();
      await living;
      await client.ask((redis) => redis.hdel(keys.processes, self)).catch(() => undefined); // else it runs out by itself
    },
  };
}

/** The first thing in which two processes do not agree; null: they do. */
function differenceOf(own: ProcessEntry, other: ProcessEntry): string | null {
  const setting = Object.keys(own.agreement).find(
    (name) => other.agreement[name] !== undefined && other.agreement[name] !== own.agreement[name],
  );
  if (setting !== undefined)
    return `${setting} is ${own.agreement[setting] ?? ''} here and ${other.agreement[setting] ?? ''} there`;
  const opens = (ids: readonly string[], id: string | undefined): boolean => id === undefined || ids.includes(id);
  if (other.keyIds.length === 0) return null; // its row is damaged
  if (opens(own.keyIds, other.keyIds[0]) && opens(other.keyIds, own.keyIds[0])) return null;
  return 'secretKeyFile holds other keys here than there, so neither could open the passwords that the other seals';
}

const refusal = (own: ProcessEntry, other: ProcessEntry): string =>
  `Another bridge (${other.name}) works on this Redis with a configuration that does not agree with this one: ${differenceOf(own, other) ?? ''}. Processes on one Redis are one bridge: give them the same settings and the same key file, or this one a Redis of its own.`;

function readRow(self: string, text: string): Row {
  const blank: Row = { self, name: self, version: '', agreement: {}, keyIds: [], seenAt: 0 };
  try {
    const said: unknown = JSON.parse(text);
    if (typeof said !== 'object' || said === null) return blank;
    const { name, version, agreement, keyIds, seenAt } = said as Partial<Record<keyof Row, unknown>>; // each is looked at below
    return {
      self,
      name: typeof name === 'string' ? name : self,
      version: typeof version === 'string' ? version : '',
      agreement: typeof agreement === 'object' && agreement !== null ? textsOf(agreement) : {},
      keyIds: Array.isArray(keyIds) ? keyIds.filter((id) => typeof id === 'string') : [],
      seenAt: typeof seenAt === 'number' ? seenAt : 0,
    };
  } catch {
    return blank;
  }
}

function textsOf(value: object): Readonly<Record<string, string>> {
  const entries: [string, unknown][] = Object.entries(value);
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
