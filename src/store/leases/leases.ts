/**
 * The leases: a key in Redis with a time to live for each shard and one for the component stream, renewed four times within
 * it, all together. Each new holder gets a higher term, which every write carries (terms.ts). While Redis is away a holder
 * goes on: without Redis nobody can take the lease, and what is done without Redis is holding connections; when Redis is
 * back the lease is renewed or, if another process was faster, lost. A holder that is known to have ended (holder.ts) is
 * not waited for. It does not stop what a holder has begun: whoever holds a lease listens to `lost`.
 */
import type { Clock, Log } from '../../bridge/ports';
import { Fault, toFault } from '../../core/fault';
import type { Client } from '../redis/client';
import type { Keys } from '../redis/keys';
import { loadScript } from '../redis/scripts';
import type { HeldLease, LeaseName, Leases } from '../types';
import { isDead, nameOf } from './holder';
import { LostLease, type Terms } from './terms';

export interface LeaseOptions {
  readonly client: Client;
  readonly keys: Keys;
  readonly terms: Terms;
  /** this process, as others find it (holder.ts) */
  readonly holder: string;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** The leases, and an end of their renewals. */
export interface OwnLeases extends Leases {
  /** Renews nothing more; what is held runs out by itself. */
  close(): void;
}

const acquire = loadScript(__dirname, 'acquire-lease');
const renew = loadScript(__dirname, 'renew-leases');
const release = loadScript(__dirname, 'release-lease');
const copy = loadScript(__dirname, 'copy-term');
export const leaseScripts = [acquire, renew, release, copy];

interface Held {
  readonly lease: HeldLease;
  readonly keys: readonly [lease: string, term: string];
  readonly end: (fault: Fault) => void;
}

export function makeLeases({ client, keys, terms, holder, leaseMs, clock, log }: LeaseOptions): OwnLeases {
  const held = new Map<LeaseName, Held>();
  const closing = new AbortController();
  let renewing: Promise<void> | null = null;
  let isRenewed = true;

  function keysOf(name: LeaseName): readonly [lease: string, term: string] {
    if (name === 'stream') return [keys.streamLease, keys.streamTerm];
    const shard = keys.shards[name];
    if (shard === undefined) throw new Fault('internal', { cause: `there is no shard ${name}` });
    return [shard.lease, shard.term];
  }

  /** The term, or who holds it. A holder that is known to have ended is put aside. */
  async function tryTerm(name: LeaseName): Promise<number | string> {
    const [lease, term] = keysOf(name);
    const answer = await client.run(acquire, [lease, term], [holder, leaseMs]);
    if (typeof answer === 'string' && isDead(answer, holder)) {
      await client.run(release, [lease], [answer]);
      return asTerm(await client.run(acquire, [lease, term], [holder, leaseMs]));
    }
    return asTerm(answer);
  }

  async function tryAcquire(name: LeaseName): Promise<HeldLease | string> {
    terms.demand();
    const known = held.get(name);
    if (known !== undefined) return known.lease;
    const term = await tryTerm(name);
    if (typeof term === 'string') return term;
    if (name === 'stream') {
      await Promise.all(keys.shards.map((shard) => client.run(copy, [shard.streamTerm], [term])));
    }
    return hold(name, term);
  }

  function hold(name: LeaseName, term: number): HeldLease {
    const ended = new AbortController();
    const end = (fault: Fault): void => {
      if (ended.signal.aborted) return;
      held.delete(name);
      terms.left(name);
      if (fault.cause instanceof LostLease)
        log.warn({ lease: name, term }, 'a lease was lost, another process holds it');
      ended.abort(fault);
    };
    const lease: HeldLease = {
      name,
      term,
      lost: ended.signal,
      async release() {
        if (ended.signal.aborted) return;
        end(new Fault('stopping'));
        await client.run(release, [keysOf(name)[0]], [holder]).catch(() => undefined); // else it runs out by itself
      },
    };
    held.set(name, { lease, keys: keysOf(name), end });
    terms.taken(name, term, end);
    renewing ??= keepRenewing();
    return lease;
  }

  async function keepRenewing(): Promise<void> {
    while (held.size > 0 && !closing.signal.aborted) {
      await clock.sleep(leaseMs / 4, closing.signal).catch(() => undefined); // closed: the loop ends
      const all = [...held.values()];
      const bundles = client.isCluster ? all.map((one) => [one]) : [all];
      const results = await Promise.all(bundles.map(renewThese));
      const isDone = results.every((one) => one);
      if (isRenewed && !isDone && !closing.signal.aborted)
        log.warn({}, 'the leases are not renewed while redis is away');
      isRenewed = isDone;
    }
    renewing = null;
  }

  /** False: Redis did not answer. */
  async function renewThese(some: readonly Held[]): Promise<boolean> {
    if (some.length === 0 || closing.signal.aborted) return true;
    try {
      const answer = await client.run(
        renew,
        some.flatMap((one) => one.keys),
        [holder, leaseMs, ...some.map(({ lease }) => lease.term)],
      );
      const answers: readonly unknown[] = Array.isArray(answer) ? answer : [];
      some.forEach(({ lease, end }, i) => {
        if (answers[i] === 0) end(terms.lost(lease.name, String(lease.term)));
      });
      return true;
    } catch {
      return false;
    }
  }

  async function waitFor(name: LeaseName, signal: AbortSignal): Promise<HeldLease> {
    let waitsFor: string | null = null;
    for (;;) {
      signal.throwIfAborted();
      const answer = await tryAcquire(name).catch((thrown: unknown) => {
        log.debug({ lease: name, fault: toFault(thrown).code }, 'lease not asked for');
        return null;
      });
      if (answer !== null && typeof answer !== 'string') return answer;
      if (answer !== null && answer !== waitsFor)
        log.info({ lease: name, holder: nameOf(answer) }, 'another process holds the lease, waiting');
      waitsFor = answer ?? waitsFor;
      await clock.sleep(leaseMs * (0.1 + 0.1 * clock.dice()), signal);
    }
  }

  async function holders(): Promise<ReadonlyMap<LeaseName, string>> {
    const names: readonly LeaseName[] = ['stream', ...keys.shards.keys()];
    const found = await client.ask((redis) => Promise.all(names.map((name) => redis.get(keysOf(name)[0]))));
    return new Map(names.flatMap((name, i) => (found[i] == null ? [] : [[name, found[i]] as const])));
  }

  return {
    shardCount: keys.shards.length,
    self: holder,
    tryAcquire: async (name) => {
      const answer = await tryAcquire(name);
      return typeof answer === 'string' ? null : answer;
    },
    acquire: waitFor,
    holders,
    close: () => closing.abort(new Fault('stopping')),
  };
}

function asTerm(answer: unknown): number | string {
  if (typeof answer === 'number' || typeof answer === 'string') return answer;
  throw new Fault('internal', { cause: 'acquire-lease script' });
}
