/**
 * One process that serves everything: it holds the stream and every shard, or waits for the process that does. What of it
 * is lost ends all, since there is nobody to share with.
 */
import type { Log } from '../../bridge/ports';
import { toFault } from '../../core/fault';
import type { HeldLease, Leadership, Leases } from '../types';

/** Waits until this process holds all leases; rejects with the signal's reason, holding none. */
export async function acquireEverything(leases: Leases, signal: AbortSignal, log: Log): Promise<Leadership> {
  const all: HeldLease[] = [];
  const release = async (): Promise<void> => void (await Promise.all(all.map((lease) => lease.release())));
  try {
    all.push(await leases.acquire('stream', signal)); // whoever has it takes the rest, so two never have a part each
    const shards = Array.from({ length: leases.shardCount }, (_, shard) => leases.acquire(shard, signal));
    const answers = await Promise.allSettled(shards);
    for (const answer of answers) if (answer.status === 'fulfilled') all.push(answer.value);
    for (const answer of answers) if (answer.status === 'rejected') throw toFault(answer.reason);
  } catch (thrown) {
    await release();
    throw thrown;
  }
  log.info({ shards: leases.shardCount, term: all[0]?.term }, 'this process leads');
  return { token: all[0]?.term ?? 0, lost: AbortSignal.any(all.map(({ lost }) => lost)), release };
}
