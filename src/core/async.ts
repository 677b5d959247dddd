/**
 * Small tools for work that overlaps: a deadline around what listens to an AbortSignal, a promise given up when a signal
 * aborts, a batcher. A timer dies with what it guards. They know no network and refuse nothing by size: whoever asks
 * waits for the answer.
 */
import { Fault } from './fault';
import type { Clock } from './runtime';

export interface BatcherOptions<Step, Answer> {
  /** Resolves with an answer for each, in order. A rejection is everybody's. */
  readonly send: (batch: readonly Step[]) => Promise<readonly Answer[]>;
  /** what a step costs, at least 1; a batch ends when it costs so much. Default 1 */
  readonly weigh?: (step: Step) => number;
  readonly batchWeight: number;
}

interface Asked<Step, Answer> {
  readonly step: Step;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Puts single steps together into batches, one batch under way at a time: what is asked for in one turn of the event
 * loop, or while a batch is under way, goes out as the next. Resolves or rejects as `send` does.
 */
export function makeBatcher<Step, Answer>(
  options: BatcherOptions<Step, Answer>,
): (step: Step) => Promise<NonNullable<Answer>> {
  const { send, weigh = () => 1, batchWeight } = options;
  const waiting: Asked<Step, NonNullable<Answer>>[] = [];
  let isUnderWay = false;

  function nextBatch(): readonly Asked<Step, NonNullable<Answer>>[] {
    let weight = 0;
    const end = waiting.findIndex(({ step }) => (weight += weigh(step)) >= batchWeight);
    if (end < 0) return waiting.splice(0);
    return waiting.splice(0, end + 1);
  }

  async function flush(): Promise<void> {
    while (waiting.length > 0) {
      const batch = nextBatch();
      try {
        const answers = await send(batch.map(({ step }) => step));
        batch.forEach(({ resolve, reject }, i) => {
          const answer = answers[i];
          if (answer === undefined || answer === null) reject(new Fault('internal', { cause: 'an answer is missing' }));
          else resolve(answer);
        });
      } catch (thrown) {
        for (const { reject } of batch) reject(thrown);
      }
    }
    isUnderWay = false;
  }

  return (step) =>
    new Promise((resolve, reject) => {
      waiting.push({ step, resolve, reject });
      if (isUnderWay) return;
      isUnderWay = true;
      setImmediate(() => void flush());
    });
}

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

/** The promise's outcome, or the signal's Fault when that is first; the promise itself goes on. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortFault(signal));
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** The Fault of an abort: its own when it has one, else `timeout`. */
export function abortFault(signal: AbortSignal): Fault {
  return signal.reason instanceof Fault ? signal.reason : new Fault('timeout', { cause: signal.reason });
}
