/**
 * One leader at a time: a key in Redis with a time to live, renewed three times within it. Each new leader gets a higher
 * token (fencing). A leader that could not renew in time counts itself out before Redis does, by its own clock. Leadership
 * is per prefix, so per bridge instance. It does not stop what a leader has begun: whoever holds it listens to `lost`.
 */
import { randomUUID } from 'node:crypto';
import type { Clock, Log } from '../bridge/ports';
import { Fault, toFault } from '../core/fault';
import type { Client } from './client';
import { makeScript } from './client';
import type { Keys } from './keys';
import { acquireScript, releaseScript, renewScript } from './lua';
import type { Leadership, Lease } from './types';

export interface LeaseOptions {
  readonly client: Client;
  readonly keys: Keys;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

const acquire = makeScript(acquireScript);
const renew = makeScript(renewScript);
const release = makeScript(releaseScript);
export const leaseScripts = [acquire, renew, release];

export function makeLease({ client, keys, leaseMs, clock, log }: LeaseOptions): Lease {
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

  async function acquireWhenFree(signal: AbortSignal): Promise<Leadership> {
    const holder = randomUUID();
    for (let tries = 0; ; tries += 1) {
      signal.throwIfAborted();
      const askedAt = clock.monotonic();
      const token = await tryAcquire(holder);
      if (token !== null) {
        log.info({ token }, 'this process leads');
        return lead(holder, token, askedAt);
      }
      if (tries === 0) log.info({}, 'another process leads, waiting');
      await clock.sleep(leaseMs * (0.1 + 0.1 * clock.dice()), signal);
    }
  }

  function lead(holder: string, token: number, askedAt: number): Leadership {
    const ended = new AbortController();
    const end = (fault: Fault): void => {
      if (!ended.signal.aborted) ended.abort(fault);
    };

    /** The lease is counted from before the request, so ours ends before the one in Redis. */
    async function keep(): Promise<void> {
      let renewedAt = askedAt;
      while (!ended.signal.aborted) {
        await clock.sleep(leaseMs / 4, ended.signal);
        const now = clock.monotonic();
        const answer = await Promise.race([
          client.run(renew, [keys.lease], [holder, leaseMs]),
          expiry(renewedAt),
        ]).catch(() => null);
        if (answer === 1) renewedAt = now;
        else if (answer === 0) return end(lost('another process took the lease, or it was removed'));
        if (clock.monotonic() - renewedAt >= leaseMs) return end(lost('the lease could not be renewed in time'));
      }
    }

    /** Null when the lease runs out by our clock. */
    const expiry = (renewedAt: number): Promise<null> =>
      clock.sleep(Math.max(0, renewedAt + leaseMs - clock.monotonic()), ended.signal).then(() => null);

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

  const lost = (why: string): Fault => {
    log.warn({ err: why }, 'leadership lost');
    return new Fault('store-away', { cause: why });
  };
  return { acquire: acquireWhenFree };
}
