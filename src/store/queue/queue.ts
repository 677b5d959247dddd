/**
 * The queue of lanes as one piece: the scheduler of this process (scheduler.ts) over the jobs that outlive it (jobs.ts).
 * Without leases, in a tool or a test, everything is drained here.
 */
import type { LaneKey } from '../../core/model';
import type { Terms } from '../leases/terms';
import { drainedUnder } from '../leases/parts';
import type { DrainScheduler, LeaseName, StoreOptions } from '../types';
import { makeJobs, type Jobs, type JobsOptions } from './jobs';
import { makeScheduler } from './scheduler';

type Given = 'target' | 'keys' | 'lanes' | 'commandTimeoutMs' | 'clock' | 'log' | 'meter';
export interface QueueOptions extends Pick<JobsOptions, Given>, Pick<StoreOptions, 'drainConcurrency' | 'sweepMs'> {
  readonly terms: Pick<Terms, 'isDemanded'>;
}

const defaults = { drainConcurrency: 64, sweepMs: 15_000 };
/** Drains that may run at once without BullMQ: each holds one batch in memory. */
const localDrains = 256;

/** Nothing runs before `scheduler.start`. */
export function makeQueue(options: QueueOptions): { readonly jobs: Jobs; readonly scheduler: DrainScheduler } {
  const { keys, terms } = options;
  const { drainConcurrency, sweepMs } = { ...defaults, ...options };
  const leaseOf = (lane: LaneKey): LeaseName => drainedUnder(lane, keys.shardOfLane(lane));
  const jobs = makeJobs({
    ...options,
    leaseOf,
    concurrency: drainConcurrency,
    sweepMs,
    scheduleFound: (found, isImmediate) => local.scheduleFound(found, isImmediate),
  });
  const local = makeScheduler({ ...options, jobs, leaseOf, concurrency: localDrains });
  const everything: readonly LeaseName[] = ['stream', ...keys.shards.keys()];
  const scheduler: DrainScheduler = {
    ...local,
    counts: () => jobs.counts(),
    start(drain) {
      if (!terms.isDemanded()) for (const name of everything) local.open(name);
      local.start(drain);
    },
  };
  const onUp = (): void => {
    jobs.onUp();
    local.onStoreUp();
  };
  return { jobs: { ...jobs, onUp }, scheduler };
}
