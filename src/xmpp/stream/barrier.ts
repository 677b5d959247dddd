/**
 * The proof that the server has processed what was written: XEP-0114 has no acknowledgements, but a stream is handled in order,
 * so the answer to a ping covers everything written before it. One ping is in flight; whoever comes meanwhile shares the
 * next one. The ping goes to our own domain and comes back to us as it is: that works on any server without knowing its domains and
 * proves our routing too (measured on Prosody and ejabberd: error bounces come before it).
 * It proves "processed", not "on disk".
 */
import { Fault } from '../../core/fault';
import type { Clock, Meter } from '../../bridge/ports';

export interface BarrierOptions {
  /** who is pinged, for the log */
  readonly target: string;
  /** Writes a ping with this id; false when the stream is down. */
  readonly sendPing: (id: string) => boolean;
  /** No answer in time: the stream is dead. */
  readonly onDead: (fault: Fault) => void;
  readonly newId: () => string;
  readonly pongMs: number;
  readonly clock: Clock;
  readonly meter: Meter;
}

export interface Barrier {
  /** Resolves when everything written before this call is processed. Rejects `unavailable` when the stream goes down first. */
  pass(): Promise<void>;
  /** An iq came back with this id; false when it is not the ping's. */
  onPong(id: string): boolean;
  /** The stream is down: fails everybody. */
  reset(fault: Fault): void;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (fault: Fault) => void;
}

interface Ping {
  readonly id: string;
  readonly sentAt: number;
  readonly covers: readonly Waiter[];
  readonly deadline: AbortController;
}

export function makeBarrier(options: BarrierOptions): Barrier {
  const { clock, meter } = options;
  let waiting: Waiter[] = [];
  let flying: Ping | null = null;
  let isAboutToSend = false;

  /** Later in this turn, so that everybody who writes in it is covered by one ping. */
  const sendSoon = (): void => {
    if (flying || isAboutToSend) return;
    isAboutToSend = true;
    queueMicrotask(send);
  };

  const send = (): void => {
    isAboutToSend = false;
    if (flying || waiting.length === 0) return;
    const ping = { id: options.newId(), sentAt: clock.monotonic(), covers: waiting, deadline: new AbortController() };
    waiting = [];
    if (!options.sendPing(ping.id)) {
      return failAll(ping.covers, new Fault('unavailable', { cause: 'the component stream is down' }));
    }
    flying = ping;
    clock.sleep(options.pongMs, ping.deadline.signal).then(
      () => options.onDead(new Fault('timeout', { cause: `no answer to a ping of ${options.target}` })),
      () => undefined, // answered
    );
  };

  const land = (): readonly Waiter[] => {
    const covered = flying?.covers ?? [];
    flying?.deadline.abort();
    flying = null;
    return covered;
  };

  return {
    pass: () =>
      new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        sendSoon();
      }),
    onPong(id) {
      if (flying?.id !== id) return false;
      meter.observe('barrier_seconds', (clock.monotonic() - flying.sentAt) / 1000);
      for (const waiter of land()) waiter.resolve();
      if (waiting.length > 0) sendSoon();
      return true;
    },
    reset(fault) {
      const failed = [...land(), ...waiting];
      waiting = [];
      failAll(failed, fault);
    },
  };
}

function failAll(waiters: readonly Waiter[], fault: Fault): void {
  for (const waiter of waiters) waiter.reject(fault);
}
