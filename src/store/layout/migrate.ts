/**
 * From layout 2 to layout 3: every key of the first edition into its shard. Each step moves a little, at once or not at all
 * (the .lua files beside this one), and takes away what it has moved; so a migration that was broken off anywhere goes on
 * where it was, and nothing is there twice. The lease of layout 2 is held meanwhile: a first-edition bridge that runs is
 * waited for, one that waits goes on waiting for ever. Jobs of BullMQ are dropped, since the sweep makes them again.
 * Layout 2 knew a single Redis only, so nothing here needs to care about slots.
 */
import type { Clock, Log } from '../../bridge/ports';
import { Fault } from '../../core/fault';
import { isDead, nameOf } from '../leases/holder';
import type { Connection } from '../redis/connect';
import type { Keys } from '../redis/keys';
import { loadScript } from '../redis/scripts';
import { migrationSteps, type Move } from './steps';

export interface Migration {
  readonly keys: Keys;
  /** this process, as in the leases */
  readonly holder: string;
  readonly clock: Clock;
  readonly log: Log;
  /** ends the wait for a first-edition bridge that runs */
  readonly signal: AbortSignal;
  /** how long the old lease is held without a step; default 10000 */
  readonly leaseMs?: number;
}

const complete = loadScript(__dirname, 'complete');

/** Who holds the old lease when all is done: a text that no process goes by. */
const movedAway = 'layout-3 0 moved-to-a-newer-layout';
const progressCount = 10_000;
/** steps on their way at once */
const atOnceCount = 50;

/** Resolves when the store has the new layout. Rejects when it is broken off; it may be repeated. */
export async function migrate(redis: Connection, migration: Migration, version: number): Promise<void> {
  const { keys, holder, log, leaseMs = 10_000 } = migration;
  const lease = `${keys.prefix}lease`;
  if (!(await takeLease(redis, lease, migration))) return; // another process has done it
  log.info({ from: 2, to: version, shards: keys.shards.length }, 'the store is migrated to a newer layout');

  const move: Move = async ({ lua }, moved, args) => {
    const answer = await redis.eval(lua, moved.length + 1, lease, ...moved, holder, leaseMs, ...args);
    if (answer !== 1) throw new Fault('store-away', { text: 'Another process migrates the store.' });
  };
  for (const { name, run } of migrationSteps(redis, keys, move)) {
    let count = 0;
    let batch: Promise<void>[] = [];
    for await (const work of run()) {
      batch.push(work());
      count += 1;
      if (batch.length < atOnceCount) continue;
      await Promise.all(batch);
      batch = [];
      if (count % progressCount === 0) log.info({ step: name, count }, 'migrating');
    }
    await Promise.all(batch);
    log.info({ step: name, count }, 'migrated');
  }
  const untagged = (name: string): string => `${keys.prefix}${name}`;
  const left = ['total', 'lease-token', 'dead', 'held'].map(untagged);
  await move(
    complete,
    [keys.version, keys.shardCount, untagged('version'), ...left],
    [version, keys.shards.length, movedAway],
  );
  log.info({ to: version }, 'the store has the newer layout');
}

/** Waits until the lease of layout 2 is ours; false: the store has been migrated meanwhile. */
async function takeLease(redis: Connection, lease: string, migration: Migration): Promise<boolean> {
  const { keys, holder, clock, log, signal, leaseMs = 10_000 } = migration;
  let waitsFor: string | null = null;
  for (;;) {
    signal.throwIfAborted();
    if ((await redis.get(keys.version)) !== null) return false;
    if ((await redis.set(lease, holder, 'PX', leaseMs, 'NX')) !== null) return true;
    const before = await redis.get(lease);
    if (before !== null && isDead(before, holder)) await redis.del(lease);
    else {
      if (before !== null && before !== waitsFor)
        log.info(
          { leader: nameOf(before) },
          'a bridge of the first edition runs on this store, waiting until it stops',
        );
      waitsFor = before ?? waitsFor;
      await clock.sleep(leaseMs * (0.02 + 0.02 * clock.dice()), signal);
    }
  }
}
