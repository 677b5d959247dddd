/**
 * What /readyz says: 200 when Redis answers and the component stream is up, or this process stands by for the one that has it and
 * could have it at once; the far side only changes a word.
 */
import { setTimeout as delay } from 'node:timers/promises';

export interface Readiness {
  readonly stream: boolean;
  /** another process does the work, and this one has a stream ready */
  readonly standsBy: boolean;
  readonly redis: boolean;
  /** sessions with the far side: their being down is degraded, not unready */
  readonly ximss: {
    readonly links: number;
    readonly online: number;
    /** why the server cannot be used; null: it can, as far as is known */
    readonly reason: string | null;
  };
}

const readyMs = 2_000;

/** Status and body of the answer. A question that fails or takes longer than 2 s is an answer too: not ready. */
export async function readinessOf(
  ready: () => Readiness | Promise<Readiness>,
): Promise<{ readonly status: 200 | 503; readonly body: object }> {
  const state = await answerOf(ready);
  if (state === null) return { status: 503, body: { ready: false, reason: 'no answer' } };
  const { stream, standsBy, redis, ximss } = state;
  const isReady = (stream || standsBy) && redis;
  return {
    status: isReady ? 200 : 503,
    body: {
      ready: isReady,
      holds: standsBy ? 'nothing, stands by' : 'everything',
      stream: word(stream),
      redis: word(redis),
      ximss: { ...ximss, state: farWord(ximss) },
    },
  };
}

const word = (isUp: boolean): string => (isUp ? 'up' : 'down');

function farWord({ links, online, reason }: Readiness['ximss']): string {
  if (reason !== null) return 'down';
  if (online >= links) return 'up';
  return online === 0 ? 'down' : 'degraded';
}

async function answerOf<T>(ask: () => T | Promise<T>): Promise<T | null> {
  const answered = new AbortController();
  try {
    return await Promise.race([
      Promise.resolve(ask()),
      delay(readyMs, null, { signal: answered.signal }).catch(() => null),
    ]);
  } catch {
    return null;
  } finally {
    answered.abort();
  }
}
