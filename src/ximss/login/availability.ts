/**
 * Whether the XIMSS server is there, known once for all links. While it is away one watch tries it every one to two
 * seconds, however long that lasts; nobody else does. When it answers, everybody who waits is told at once. It logs the
 * way there and back in one line each, with the server's words. It logs nobody in; that is account-session.ts.
 */
import { withDeadline } from '../../core/async';
import { Fault, toFault } from '../../core/fault';
import type { Clock, Log } from '../../bridge/ports';
import { causeWord } from '../protocol/cause';

export interface Availability {
  /** Why the server is away; null: it answers, as far as is known. */
  fault(): Fault | null;
  /** The server did not answer, or not so that anybody could log in (no TLS, for instance). */
  lost(fault: Fault): void;
  /** Something broke off that may be the server's: it is looked at once. */
  check(): void;
  /** The server has answered somebody. */
  seen(): void;
  /** Resolves when the server is there, at once when it is. Rejects with the signal's reason. */
  whenThere(signal: AbortSignal): Promise<void>;
  /** Resolves after `ms` and when the server is there, or earlier when it has come back. Rejects with the signal's reason. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
  /** Stops trying. */
  stop(): void;
}

export interface AvailabilityOptions {
  /** One try: resolves when the server answers so that people can log in. */
  readonly probe: (signal: AbortSignal) => Promise<void>;
  readonly probeTimeoutMs: number;
  /** the server as the log names it */
  readonly server: string;
  /** the server was away and is there again */
  readonly onBack: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Tries at once: a server that takes the connection and says nothing must not hide that another try would succeed. */
const probesMaxCount = 8;
const firstTryMs = { leastMs: 100, spreadMs: 900 };
const nextTryMs = { leastMs: 1_000, spreadMs: 1_000 };
/** which key to look at, and who finds out more */
const hintOf = ({ code }: Fault): string =>
  `see ${code === 'no-tls' ? 'ximss.starttls' : 'ximss.server'}; run: xmpp-ximss-bridge doctor`;

export function makeAvailability(options: AvailabilityOptions): Availability {
  const { probe, probeTimeoutMs, server, onBack, clock, log } = options;
  const waiting = new Set<() => void>();
  const stopper = new AbortController();
  let away: { readonly fault: Fault; readonly sinceMs: number } | null = null;
  let probeCount = 0;
  let isChecking = false;

  const jitter = ({ leastMs, spreadMs }: typeof firstTryMs): number => leastMs + Math.round(clock.dice() * spreadMs);

  function lost(fault: Fault): void {
    if (stopper.signal.aborted) return;
    const isFirst = away === null;
    const isOther = away !== null && away.fault.code !== fault.code;
    away = { fault, sinceMs: away?.sinceMs ?? clock.monotonic() };
    if (isFirst || isOther) {
      const fields = { server, fault: fault.code, why: causeWord(fault), text: fault.text, hint: hintOf(fault) };
      log.warn(fields, 'the XIMSS server cannot be used; it is tried every 1 to 2 seconds');
    }
    if (isFirst) void watch();
  }

  function seen(): void {
    if (away === null) return;
    const awayMs = clock.monotonic() - away.sinceMs;
    away = null;
    log.info({ server, ms: Math.round(awayMs) }, 'the XIMSS server answers again');
    const told = [...waiting];
    waiting.clear();
    for (const resolve of told) resolve();
    onBack();
  }

  async function watch(): Promise<void> {
    for (let pauseMs = jitter(firstTryMs); away !== null; pauseMs = jitter(nextTryMs)) {
      try {
        await clock.sleep(pauseMs, stopper.signal);
      } catch {
        return;
      }
      if (away !== null && probeCount < probesMaxCount) void tryOnce();
    }
  }

  /** Never rejects. */
  async function tryOnce(): Promise<void> {
    probeCount += 1;
    try {
      await withDeadline(clock, probeTimeoutMs, stopper.signal, probe);
      seen();
    } catch (thrown) {
      lost(toFault(thrown));
    } finally {
      probeCount -= 1;
    }
  }

  function check(): void {
    if (away !== null || isChecking || stopper.signal.aborted) return;
    isChecking = true;
    void tryOnce().finally(() => (isChecking = false));
  }

  /** Resolves at the next return, or with the signal: never rejects. */
  function nextReturn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      waiting.add(done);
      signal.addEventListener('abort', done);
      if (signal.aborted) done();
    });
  }

  async function whenThere(signal: AbortSignal): Promise<void> {
    while (away !== null && !signal.aborted) await nextReturn(signal);
    signal.throwIfAborted();
  }

  async function pause(ms: number, signal: AbortSignal): Promise<void> {
    if (away !== null) return whenThere(signal);
    const enough = new AbortController();
    const onAbort = (): void => enough.abort(signal.reason);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    const passed = clock.sleep(ms, enough.signal).catch(() => undefined);
    await Promise.race([passed, nextReturn(enough.signal)]);
    signal.removeEventListener('abort', onAbort);
    enough.abort();
    await whenThere(signal);
  }

  return {
    fault: () => away?.fault ?? null,
    lost,
    check,
    seen,
    whenThere,
    pause,
    stop: () => stopper.abort(new Fault('stopping')),
  };
}
