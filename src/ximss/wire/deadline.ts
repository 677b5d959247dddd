/** A deadline around something that listens to an AbortSignal. The timer dies with what it guards. */
import type { Clock } from '../../bridge/ports';
import { Fault } from '../../core/fault';

/**
 * Runs with a signal that aborts when `signal` does, or with Fault `timeout` after `ms`. Rejects with what `run` rejects;
 * `run` must end soon after its signal aborts.
 */
export async function withDeadline<T>(
  clock: Pick<Clock, 'sleep'>,
  ms: number,
  signal: AbortSignal,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const inner = new AbortController();
  const timer = new AbortController();
  const onAbort = (): void => inner.abort(signal.reason);
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  clock.sleep(ms, timer.signal).then(
    () => inner.abort(new Fault('timeout')),
    () => undefined,
  );
  try {
    return await run(inner.signal);
  } finally {
    timer.abort();
    signal.removeEventListener('abort', onAbort);
  }
}

/** The Fault of an abort: its own when it has one, else `timeout`. */
export function abortFault(signal: AbortSignal): Fault {
  return signal.reason instanceof Fault ? signal.reason : new Fault('timeout', { cause: signal.reason });
}
