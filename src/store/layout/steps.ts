/**
 * What is moved from layout 2, step by step: each gives small pieces of work, in the order in which they may be begun, and
 * finds only what is still there. Pieces of one step may overlap; a step begins when the one before it has ended.
 */
import type { BareJid } from '../../core/address';
import type { LaneKey } from '../../core/model';
import type { Connection } from '../redis/connect';
import type { Keys, ShardKeys } from '../redis/keys';
import { loadScript, type Script } from '../redis/scripts';

/** Runs one of the scripts under the lease: its keys and arguments behind the lease's. */
export type Move = (script: Script, keys: readonly string[], args: readonly (string | number)[]) => Promise<void>;

export interface Step {
  readonly name: string;
  readonly run: () => AsyncIterable<() => Promise<void>>;
}

const moveLane = loadScript(__dirname, 'move-lane');
const moveHash = loadScript(__dirname, 'move-hash');
const moveFields = loadScript(__dirname, 'move-fields');
const moveEntries = loadScript(__dirname, 'move-entries');

const pageCount = 500;

export function migrationSteps(redis: Connection, keys: Keys, move: Move): readonly Step[] {
  const old = (name: string): string => `${keys.prefix}${name}`;

  const lane = (name: LaneKey) => async (): Promise<void> => {
    const shard = keys.shardOfLane(name);
    const olds = [old(`l:${name}`), old('lanes'), old('total')];
    await move(moveLane, [...olds, shard.lane + name, shard.lanes, shard.total], [name]);
  };

  async function* lanes(): AsyncIterable<() => Promise<void>> {
    for (let from = '-'; ;) {
      const page = await redis.zrangebylex(old('lanes'), from, '+', 'LIMIT', 0, pageCount);
      yield* page.map((name) => lane(name as LaneKey)); // whatever is in the index
      if (page.length < pageCount) return;
      from = `(${page.at(-1)}`;
    }
  }

  /** Pages wait for each other, so that ids only grow. */
  async function* stream(name: 'dead' | 'held'): AsyncIterable<() => Promise<void>> {
    for (;;) {
      const page = await redis.xrange(old(name), '-', '+', 'COUNT', pageCount);
      const ids = new Map<ShardKeys, string[]>();
      for (const [id, fields] of page) {
        const shard = keys.shardOfLane((fields[1] ?? '') as LaneKey); // `lane`, its key, …
        ids.set(shard, [...(ids.get(shard) ?? []), id]);
      }
      for (const [shard, some] of ids) await move(moveEntries, [old(name), shard[name]], some);
      yield* page.map(() => () => Promise.resolve()); // counted only
      if (page.length < pageCount) return;
    }
  }

  async function* fields(name: 'links' | 'provisioned' | 'notes'): AsyncIterable<() => Promise<void>> {
    let cursor = '0';
    do {
      const [next, flat] = await redis.hscan(old(name), cursor, 'COUNT', pageCount);
      cursor = next;
      const users = flat.filter((_, i) => i % 2 === 0);
      yield* users.map(
        (user) => () => move(moveFields, [old(name), keys.shardOfUser(user as BareJid)[name]], [user]), // any text has a shard
      );
    } while (cursor !== '0');
  }

  async function* attempts(): AsyncIterable<() => Promise<void>> {
    const flat = await redis.zrange(old('attempts'), 0, -1, 'WITHSCORES');
    for (let i = 0; i < flat.length; i += 2) {
      const [key = '', score = '0'] = flat.slice(i, i + 2);
      const fresh = keys.attempt + key.slice(old('attempt:').length);
      yield () => move(moveHash, [key, fresh, old('attempts'), keys.attempts], [key, fresh, score]);
    }
  }

  function state(key: string): () => Promise<void> {
    const [, table = '', user = ''] = /^([^:]*):(.*)$/s.exec(key.slice(old('state:').length)) ?? [];
    const shard = keys.shardOfUser(user as BareJid); // any text has a shard
    const names = [key, `${shard.state}${table}:${user}`, old(`users:${table}`), `${shard.users}${table}`];
    return () => move(moveHash, names, [user, user, 0]);
  }

  function seen(key: string): () => Promise<void> {
    const [, span = '', name = ''] = /^([^:]*):(.*)$/s.exec(key.slice(old('s:').length)) ?? [];
    const shard = keys.shardOfLane(name as LaneKey); // any text has a shard
    return () => move(moveHash, [key, `${shard.seen}${span}:${name}`], []);
  }

  /** Whatever begins so. */
  async function* each(name: string, work: (key: string) => () => Promise<void>): AsyncIterable<() => Promise<void>> {
    const pattern = `${old(name).replace(/[\\*?[\]]/g, '\\$&')}*`;
    let cursor = '0';
    do {
      const [next, page] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', 1_000);
      cursor = next;
      yield* page.map(work);
    } while (cursor !== '0');
  }

  return [
    { name: 'lanes', run: lanes },
    {
      name: 'lanes that the index does not name',
      run: () => each('l:', (key) => lane(key.slice(old('l:').length) as LaneKey)),
    },
    { name: 'held', run: () => stream('held') },
    { name: 'dead letters', run: () => stream('dead') },
    { name: 'links', run: () => fields('links') },
    { name: 'provisioned accounts', run: () => fields('provisioned') },
    { name: 'notes of sessions', run: () => fields('notes') },
    { name: 'states of users', run: () => each('state:', state) },
    { name: 'tries at secrets', run: attempts },
    { name: 'dedupe window', run: () => each('s:', seen) },
    { name: 'jobs', run: () => each('bull:', (key) => async () => void (await redis.unlink(key))) },
  ];
}
