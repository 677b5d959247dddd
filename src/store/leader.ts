/**
 * One leader at a time: a key in Redis with a time to live, renewed four times within it. Each new leader gets a higher
 * token. While Redis is away the leader goes on: without Redis nobody can take the lease, and what it does without Redis
 * is holding its connections; when Redis is back the lease is renewed or, if another process was faster, lost. A holder
 * that is known to have ended (a process of this machine, or whoever had our data directory before us: a container keeps
 * that over its restarts) is not waited for. It does not stop what a leader has
 * begun: whoever holds it listens to `lost`.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Clock, Log } from '../bridge/ports';
import { Fault, toFault } from '../core/fault';
import type { Client } from './redis/client';
import { loadScript } from './redis/scripts';
import type { Keys } from './redis/keys';
import type { Leadership, Lease } from './types';

export interface LeaseOptions {
  readonly client: Client;
  readonly keys: Keys;
  /** names this installation over its restarts; nobody else who runs now has it (data-dir.ts) */
  readonly instance: string;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

const acquire = loadScript(__dirname, 'acquire-lease');
const renew = loadScript(__dirname, 'renew-lease');
const release = loadScript(__dirname, 'release-lease');
export const leaseScripts = [acquire, renew, release];

export function makeLease({ client, keys, instance, leaseMs, clock, log }: LeaseOptions): Lease {
  /** The token, null when another process leads or Redis is away. */
  async function tryAcquire(holder: string): Promise<number | null> {
    try {
      const answer = await client.run(acquire, [keys.lease, keys.leaseToken], [holder, leaseMs]);
      return typeof answer === 'number' ? answer : null;
    } catch (thrown) {
      log.debug({ fault: toFault(thrown).code }, 'lease not asked for');
      return null;
    }
  }

  /** Takes over from a process that is known to have ended; null when the holder may be alive. */
  async function succeedTheDead(holder: string, before: string): Promise<number | null> {
    if (!isDead(before, instance)) return null;
    try {
      await client.run(release, [keys.lease], [before]);
      return await tryAcquire(holder);
    } catch (thrown) {
      log.debug({ fault: toFault(thrown).code }, 'lease not asked for');
      return null;
    }
  }

  /** Who leads; null: nobody, or Redis is away. */
  const leader = (): Promise<string | null> => client.ask((redis) => redis.get(keys.lease)).catch(() => null);

  async function acquireWhenFree(signal: AbortSignal): Promise<Leadership> {
    const holder = [machine, process.pid, hostname(), instance, randomUUID()].join(' ');
    let waitsFor: string | null = null;
    for (;;) {
      signal.throwIfAborted();
      let token = await tryAcquire(holder);
      const before = token === null ? await leader() : null;
      if (before !== null) token = await succeedTheDead(holder, before);
      if (token !== null) {
        log.info({ term: token, leader: nameOf(holder) }, 'this process leads');
        return lead(holder, token);
      }
      if (before !== null && before !== waitsFor)
        log.info({ leader: nameOf(before) }, 'another process leads, waiting');
      waitsFor = before ?? waitsFor;
      await clock.sleep(leaseMs * (0.1 + 0.1 * clock.dice()), signal);
    }
  }

  function lead(holder: string, token: number): Leadership {
    const ended = new AbortController();
    const end = (fault: Fault): void => {
      if (!ended.signal.aborted) ended.abort(fault);
    };

    async function keep(): Promise<void> {
      let isRenewed = true;
      while (!ended.signal.aborted) {
        await clock.sleep(leaseMs / 4, ended.signal);
        const answer = await client
          .run(renew, [keys.lease, keys.leaseToken], [holder, leaseMs, token])
          .catch(() => null);
        if (answer === 0) return end(lost());
        if (isRenewed && answer === null) log.warn({}, 'the lease is not renewed while redis is away');
        isRenewed = answer !== null;
      }
    }

    const keeping = keep().catch(() => undefined); // only an ended sleep rejects
    return {
      token,
      lost: ended.signal,
      async release() {
        end(new Fault('stopping'));
        await keeping;
        await client.run(release, [keys.lease], [holder]).catch(() => undefined); // else it runs out by itself
      },
    };
  }

  const lost = (): Fault => {
    log.warn({}, 'leadership lost, another process leads');
    return new Fault('store-away', { cause: 'another process took the lease' });
  };
  return { acquire: acquireWhenFree };
}

/** This boot of this machine, as seen from this pid namespace: only there a pid says something. */
const machine = ((): string => {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}/${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return randomUUID(); // no /proc: no holder is ever known to be dead
  }
})();

/** As an operator finds it. */
function nameOf(holder: string): string {
  const [, pid, host] = holder.split(' ');
  return host === undefined ? holder : `process ${pid} on ${host}`;
}

/** A holder of this installation before its restart, or of this machine and gone. */
function isDead(holder: string, own: string): boolean {
  const [where, pid, , instance] = holder.split(' ');
  if (instance === own) return true;
  if (where !== machine || pid === undefined || !/^\d+$/.test(pid)) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ESRCH';
  }
}
