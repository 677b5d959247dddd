/**
 * One connection that is ready to be the component stream: the server's header is read, the handshake withheld. A stand-by holds it,
 * because it is one round trip from the stream while a new connection needs three. A server may end a stream that does not
 * authenticate: it is opened again, at once when it was open for long, else after a pause. It never sends a handshake by itself and
 * never ends a program: a refusal that comes with the header comes again when the stream is wanted (RFC 6120 section 4.7).
 */
import { Fault } from '../../core/fault';
import type { Clock, Log } from '../../bridge/ports';
import type { StreamTiming } from '../options';
import type { Connection } from './connection';

/** A connection and its end. */
export interface OpenConnection {
  readonly connection: Connection;
  readonly ended: Promise<Fault>;
}

export interface PreopenOptions {
  /** opens one whose handshake is withheld; `onHeader` when it is ready */
  readonly open: (onHeader: () => void) => OpenConnection;
  readonly timing: Pick<StreamTiming, 'retryMs' | 'stableMs'>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Preopen {
  /** Begins, unless it has begun. */
  start(): void;
  isReady(): boolean;
  /** The connection if it is ready; no other is opened after this. */
  take(): OpenConnection | null;
  /** Ends what is open. */
  stop(): void;
}

export function makePreopen({ open, timing, clock, log }: PreopenOptions): Preopen {
  const over = new AbortController();
  let opened: OpenConnection | null = null;
  let isReady = false;
  let hasBegun = false;

  async function keep(): Promise<void> {
    while (!over.signal.aborted) {
      const openedAtMs = clock.monotonic();
      opened = open(() => (isReady = true));
      const fault = await opened.ended;
      if (over.signal.aborted) return;
      const livedMs = clock.monotonic() - openedAtMs;
      log.debug({ fault: fault.code, ms: livedMs, wasReady: isReady }, 'the preopened component stream ended');
      const hasLived = isReady && livedMs >= timing.stableMs;
      isReady = false;
      opened = null;
      if (!hasLived) await clock.sleep(timing.retryMs * (1 + clock.dice()), over.signal);
    }
  }

  return {
    start() {
      if (hasBegun) return;
      hasBegun = true;
      keep().catch(() => undefined); // only the pause rejects, when it is over
    },
    isReady: () => isReady,
    take() {
      over.abort();
      const taken = opened;
      opened = null;
      if (isReady) return taken;
      taken?.connection.destroy(new Fault('stopping'));
      return null;
    },
    stop() {
      over.abort();
      opened?.connection.destroy(new Fault('stopping'));
      opened = null;
      isReady = false;
    },
  };
}
