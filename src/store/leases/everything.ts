/**
 * One process that serves everything: it holds every shard and the stream, or waits for the process that does. Shards are
 * taken in order, so that of two processes that wait one takes all; the stream follows by itself, since who hands
 * over keeps it longest. What of it is lost ends all, since there is nobody to share with.
 */
import type { Log } from '../../bridge/ports';
import type { HeldLease, Leadership, Leases } from '../types';

/** Waits until this process holds all shards; rejects with the signal's reason, holding none. */
export async function acquireEverything(leases: Leases, signal: AbortSignal, log: Log): Promise<Leadership> {
  const shards: HeldLease[] = [];
  let stream: HeldLease | null = null;
  const lost = new AbortController();
  const watch = (lease: HeldLease): HeldLease => {
    lease.lost.addEventListener('abort', () => lost.abort(lease.lost.reason), { once: true });
    return lease;
  };
  /** The first shard last: who waits for it finds the others free. */
  const releaseShards = async (): Promise<void> => {
    const [first, ...others] = shards;
    await Promise.all(others.map((lease) => lease.release()));
    await first?.release();
  };
  try {
    for (let shard = 0; shard < leases.shardCount; shard += 1) shards.push(watch(await leases.acquire(shard, signal)));
  } catch (thrown) {
    await releaseShards();
    throw thrown;
  }
  log.info({ shards: leases.shardCount, term: shards[0]?.term }, 'this process leads');
  return {
    token: shards[0]?.term ?? 0,
    lost: lost.signal,
    async takeStream() {
      stream ??= watch(await leases.acquire('stream', AbortSignal.any([signal, lost.signal])));
    },
    releaseShards,
    async release() {
      await stream?.release();
      await releaseShards();
    },
  };
}
