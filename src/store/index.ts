/**
 * The store: everything durable, on one Redis. Opens the key file, starts (or finds) Redis, checks its settings, and
 * builds the pieces of this layer; closes them in the opposite order, the private redis-server last.
 */
import { randomUUID } from 'node:crypto';
import { Fault, toFault } from '../core/fault';
import { claimDataDir } from './data-dir';
import type { OwnedDir } from './data-dir';
import { attemptScripts, makeAttempts } from './records/attempts';
import { checkRedis } from './redis/check';
import { makeClient } from './redis/client';
import { targetOf } from './redis/target';
import type { Target } from './redis/target';
import { heldScripts, makeHeld } from './lanes/held';
import { makeQueue } from './queue/queue';
import { makeKeys, type Keys } from './redis/keys';
import { laneScripts, makeLanes } from './lanes/lanes';
import type { LaneOptions } from './lanes/options';
import { acquireEverything } from './leases/everything';
import { makeHolder } from './leases/holder';
import { leaseScripts, makeLeases } from './leases/leases';
import { makeTerms } from './leases/terms';
import { makeTotals } from './lanes/totals';
import { openLayout } from './layout/layout';
import { makeAuditStore } from './records/audit';
import { makeUserFields, userFieldScripts } from './records/user-fields';
import { makeLinkStore } from './records/links';
import { makeLaneCache } from './lanes/cache';
import { makeProcesses } from './processes/processes';
import { makeSessionNotes } from './records/session-notes';
import { deadLetterScripts, makeDeadLetters, type DeadLetterOptions } from './inspect/dead-letters';
import { makeSearch, searchScripts } from './inspect/search';
import { makeSealing, openSealer } from './records/sealer';
import { startServer, type Server } from './redis/private/server';
import { makeUserState, userStateScripts } from './records/user-state';
import type { DrainScheduler, Lease, Leases, Store, StoreOptions } from './types';
import type { Log } from '../bridge/ports';
import { laneInspectionScripts, makeLaneInspection } from './inspect/lanes';

export type * from './types';

const scripts = [
  ...laneScripts,
  ...laneInspectionScripts,
  ...heldScripts,
  ...deadLetterScripts,
  ...searchScripts,
  ...userStateScripts,
  ...userFieldScripts,
  ...attemptScripts,
  ...leaseScripts,
];
const dayMs = 86_400_000;
const defaults = {
  commandTimeoutMs: 5_000,
  startTimeoutMs: 15_000,
  leaseMs: 3_000,
  /** of each shard; dead letters are kept for an operator who looks once a month, and never fill the store */
  deadMax: 2_500,
  deadAgeMs: 30 * dayMs,
  waitReplicas: 0,
};

/**
 * Starts (or connects to) Redis, checks its settings and opens the store.
 * Rejects `store-away`, with a text that names what to change, when Redis or the key file cannot be used.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { clock, log, meter, dataDir } = options;
  const { commandTimeoutMs, startTimeoutMs, leaseMs, waitReplicas } = { ...defaults, ...options };
  const keys = makeKeys(options.prefix, options.shards);
  const sealer = openSealer({ path: options.secretKeyFile, dataDir, log });
  const { owned, server, target } = await openRedis(options);
  const holder = makeHolder(owned.instance);
  const starting = new AbortController();
  const startSignal = options.signal ? AbortSignal.any([options.signal, starting.signal]) : starting.signal;
  const changes = makeChanges();
  const onChange = (fault: Fault | null): void => {
    meter.gauge('store_up', fault === null ? 1 : 0);
    cache.clear(); // Redis may have forgotten what it had answered
    if (fault === null) jobs.onUp();
    else jobs.onDown();
    changes.tell(fault);
  };
  const client = makeClient({
    target,
    commandTimeoutMs,
    startTimeoutMs,
    waitReplicas,
    scripts,
    check: async (redis) => {
      await checkRedis(redis, { target, waitReplicas, log });
      await openLayout(redis, { keys, holder, clock, log, signal: startSignal });
    },
    clock,
    log,
    onChange,
  });
  const cache = makeLaneCache(options.cacheMax);
  const terms = makeTerms();
  const common = { ...defaults, ...options, client, keys, terms, cache, totals: makeTotals({ client, keys }) };
  const lanes = makeLaneParts(common);
  const { jobs, scheduler } = makeQueue({ ...common, target, lanes, terms });
  const leases = makeLeases({ client, keys, terms, holder, leaseMs, clock, log });
  const processes = makeProcesses({
    target,
    client,
    keys,
    leases,
    name: options.processName ?? null,
    keyIds: sealer.keyIds,
    clock,
    log,
    meter,
  });

  let closing: Promise<void> | null = null;
  async function closeAll(signal: AbortSignal): Promise<void> {
    starting.abort(new Fault('stopping'));
    await scheduler.stop(signal);
    await jobs.end();
    leases.close();
    await processes.close();
    await client.close();
    await server?.stop(signal);
    owned.release();
  }
  const close = (signal: AbortSignal): Promise<void> => (closing ??= closeAll(signal));

  try {
    await client.start(options.signal);
    await jobs.connect();
    await processes.start();
  } catch (thrown) {
    await close(AbortSignal.abort(new Fault('stopping')));
    throw thrown;
  }

  return {
    lanes,
    links: makeLinkStore({ fields: makeUserFields(common, 'links'), sealer, log }),
    provisioned: makeLinkStore({ fields: makeUserFields(common, 'provisioned'), sealer, log }),
    state: makeUserState(common),
    notes: makeSessionNotes({ fields: makeUserFields(common, 'notes'), sealer, log }),
    attempts: makeAttempts(common),
    audit: makeAuditStore(common),
    sealing: makeSealing(sealer),
    scheduler,
    leases,
    lease: makeLease({ leases, keys, scheduler, log }),
    processes,
    isUp: () => client.isUp(),
    onUp: changes.onUp,
    onDown: changes.onDown,
    async ping() {
      const begun = clock.monotonic();
      await client.ask((redis) => redis.ping());
      return clock.monotonic() - begun;
    },
    close,
  };
}

interface WholeLeaseOptions {
  readonly leases: Leases;
  readonly keys: Pick<Keys, 'shards'>;
  readonly scheduler: Pick<DrainScheduler, 'open'>;
  readonly log: Log;
}

/** For a process that serves everything: what it holds it also drains. */
const makeLease = ({ leases, keys, scheduler, log }: WholeLeaseOptions): Lease => ({
  async acquire(signal) {
    const leadership = await acquireEverything(leases, signal, log);
    for (const name of keys.shards.keys()) scheduler.open(name);
    return {
      ...leadership,
      async takeStream() {
        await leadership.takeStream();
        scheduler.open('stream');
      },
    };
  },
});

/** The Redis that is configured, or a private one in the data directory, which then is ours alone. Rejects `store-away`. */
async function openRedis(options: StoreOptions): Promise<{
  readonly owned: OwnedDir;
  readonly server: Server | null;
  readonly target: Target;
}> {
  const isPrivate = options.url === null && !options.sentinel && !options.cluster;
  const target = isPrivate ? null : targetOf(options);
  const owned = await claim(options, isPrivate);
  if (target !== null) return { owned, server: null, target };
  try {
    const server = await startServer(options);
    return { owned, server, target: server.target };
  } catch (thrown) {
    owned.release();
    throw thrown;
  }
}

/** Everything that is done with lanes and dead letters, as one. */
function makeLaneParts(common: LaneOptions & DeadLetterOptions) {
  const inspection = makeLaneInspection(common);
  const dead = makeDeadLetters(common);
  return {
    ...makeLanes(common),
    ...makeHeld(common),
    ...inspection,
    ...dead,
    ...makeSearch({ ...common, inspection, dead }),
  };
}

/** Who is told when Redis comes and goes. */
function makeChanges(): Pick<Store, 'onUp' | 'onDown'> & { tell(fault: Fault | null): void } {
  const ups = new Set<() => void>();
  const downs = new Set<(fault: Fault) => void>();
  return {
    onUp: (listener) => listen(ups, listener),
    onDown: (listener) => listen(downs, listener),
    tell(fault) {
      if (fault === null) for (const listener of [...ups]) listener();
      else for (const listener of [...downs]) listener(fault);
    },
  };
}

/**
 * The data directory belongs to one process where the private Redis lies in it; elsewhere several may share it, and one
 * that does not own it goes by a name of its own.
 */
async function claim({ dataDir, clock, log }: StoreOptions, isPrivate: boolean): Promise<OwnedDir> {
  try {
    const claimed = await claimDataDir(dataDir, clock);
    if ('instance' in claimed) return claimed;
    if (!isPrivate) return nameless();
    throw new Fault('store-away', {
      text: `Another bridge runs on the data directory ${dataDir} (${claimed.ownedBy}). Stop that one first. A stand-by, or a second bridge, needs a Redis that both can reach (redis.url) or a dataDir of its own.`,
    });
  } catch (thrown) {
    if (isPrivate) throw thrown;
    log.debug({ fault: toFault(thrown).text }, 'the data directory cannot be claimed');
    return nameless();
  }
}

const nameless = (): OwnedDir => ({ instance: randomUUID(), release: () => undefined });

function listen<T>(listeners: Set<T>, listener: T): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}
