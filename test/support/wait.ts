/**
 * Waiting for a condition with a deadline: the only way a test waits for anything.
 * A condition may be asynchronous and may throw (an assertion, for instance): both mean "not yet", and the
 * last of them is told when the deadline passes. It refuses to wait without a deadline.
 */
export interface UntilOptions {
  /** Milliseconds after which the wait is a failure; 20,000 when left out. */
  readonly deadlineMs?: number;
  /** What is waited for, for the failure text; may be a function so that it can show the state at the end. */
  readonly what?: string | (() => string);
  /** Pause between two looks, in milliseconds; 10 when left out. */
  readonly everyMs?: number;
}

/** A failed look of the caller's own: a condition that can never become true any more throws this to end the wait. */
export class Hopeless extends Error {}

/**
 * Looks at the condition until it is truthy and returns that value.
 * Rejects with one sentence (what, how long, what was seen last) at the deadline, at once on `Hopeless`.
 */
export async function until<T>(condition: () => T | Promise<T>, options: UntilOptions = {}): Promise<NonNullable<T>> {
  const deadlineMs = options.deadlineMs ?? 20_000;
  const endsAt = Date.now() + deadlineMs;
  const caller = { stack: '' };
  Error.captureStackTrace(caller, until);
  for (;;) {
    let last: string;
    try {
      const value = await within(Promise.resolve(condition()), endsAt - Date.now());
      if (value) return value;
      last = `saw ${String(value)}`;
    } catch (error) {
      if (error instanceof Hopeless) throw error;
      last = error instanceof Error ? error.message : String(error);
    }
    if (Date.now() >= endsAt) {
      const what = typeof options.what === 'function' ? options.what() : (options.what ?? 'the condition');
      throw blame(caller.stack, `waited ${deadlineMs} ms for ${what}: ${last}`);
    }
    await pause(options.everyMs ?? 10);
  }
}

/** An error whose stack begins at the caller's line, so that a test report shows the test and not this file. */
function blame(stack: string, message: string): Error {
  const error = new Error(message);
  error.stack = `Error: ${message}\n${stack.slice(stack.indexOf('\n') + 1)}`;
  return error;
}

/** Resolves after that many milliseconds. For harness loops and load shapes, not for tests that hope. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The promise's outcome, or a rejection naming `what` when it takes longer than that many milliseconds. */
export async function within<T>(promise: Promise<T>, deadlineMs: number, what = 'an answer'): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${what} did not come within ${deadlineMs} ms`)),
      Math.max(1, deadlineMs),
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
