/**
 * The component stream that is always there or on its way: one connection at a time, exponential backoff with full jitter between
 * them. Before the first handshake a refusal (secret, domain, conflict) is final; after it everything is tried again, because a
 * running bridge is worth more than an exit. States: offline, connecting, handshaking, online, closing.
 */
import { Fault } from '../../core/fault';
import { backoffMs } from '../../core/retry';
import type { Clock, Log, Meter } from '../../bridge/ports';
import { openConnection, type Connection } from './connection';
import type { StreamTiming } from '../options';
import type { Service } from './socket';
import type { Element } from '../stanza/element';

export interface StreamOptions {
  readonly service: Service;
  readonly ca: string | null;
  readonly domain: string;
  readonly secret: string;
  readonly stanzaBytes: number;
  readonly bytesFor: (outer: Element) => number;
  readonly timing: StreamTiming;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly onUp: () => void;
  /** Called only after onUp, once for each. */
  readonly onDown: (fault: Fault) => void;
  readonly onStanza: (stanza: Element) => void;
  readonly onOversize: (shell: Element | null, fault: Fault) => void;
}

export type StreamState = 'offline' | 'connecting' | 'handshaking' | 'online' | 'closing';

export interface Stream {
  /** See Jabber.start. */
  start(): Promise<void>;
  /** Resolves when the connection is gone. May be called twice. */
  stop(): Promise<void>;
  state(): StreamState;
  /** False: not online, or the server takes nothing more; then nothing was written. */
  send(text: string): boolean;
  /** Ends the present connection; the next one is made after a pause. */
  fail(fault: Fault): void;
  /** ms since anything was read */
  silentMs(): number;
}

const isFatal = (fault: Fault): boolean => fault.code === 'stream-refused' || fault.code === 'stream-conflict';

/** Nothing happens before start(). */
export function makeStream(options: StreamOptions): Stream {
  const { clock, log, meter, timing } = options;
  const stopping = new AbortController();
  let state: StreamState = 'offline';
  let connection: Connection | null = null;
  let upSince: number | null = null;
  let hasBeenUp = false;
  let failures = 0;
  let running: Promise<void> | null = null;
  let started: { resolve: () => void; reject: (fault: Fault) => void } | null = null;

  const onOnline = (): void => {
    state = 'online';
    hasBeenUp = true;
    upSince = clock.monotonic();
    log.info({}, 'component stream up');
    meter.gauge('stream_up', 1);
    started?.resolve();
    options.onUp();
  };

  /** One connection from beginning to end. */
  const connectOnce = (service: Service): Promise<Fault> =>
    new Promise((resolve) => {
      state = 'connecting';
      connection = openConnection({
        ...options,
        service,
        onConnected: () => (state = 'handshaking'),
        onOnline,
        onEnd: resolve,
      });
    });

  const onEnd = (fault: Fault): void => {
    connection = null;
    state = 'offline';
    const livedMs = upSince === null ? 0 : clock.monotonic() - upSince;
    failures = livedMs >= timing.stableMs ? 1 : failures + 1;
    if (fault.code !== 'stopping') {
      meter.count('faults_total', { part: 'xmpp', code: fault.code });
      log.warn({ fault: fault.code, cause: causeOf(fault), attempt: failures }, 'component stream ended');
    }
    if (upSince === null) return;
    upSince = null;
    meter.gauge('stream_up', 0);
    options.onDown(fault);
  };

  const run = async (service: Service): Promise<void> => {
    while (!stopping.signal.aborted) {
      const fault = await connectOnce(service);
      onEnd(fault);
      if (isFatal(fault) && !hasBeenUp) return started?.reject(fault);
      if (stopping.signal.aborted) break;
      const pauseMs = backoffMs(failures, clock.dice(), { baseMs: timing.backoffBaseMs, capMs: timing.backoffCapMs });
      await clock.sleep(pauseMs, stopping.signal).catch(() => undefined); // stop() ends the pause
    }
    started?.reject(new Fault('stopping'));
  };

  return {
    start() {
      if (running) throw new Fault('internal', { cause: 'the stream was started twice' });
      meter.gauge('stream_up', 0);
      return new Promise<void>((resolve, reject: (fault: Fault) => void) => {
        started = { resolve, reject };
        running = run(options.service);
      });
    },
    async stop() {
      stopping.abort();
      if (state === 'online') state = 'closing';
      connection?.close();
      await running;
    },
    state: () => state,
    send: (text) => state === 'online' && connection !== null && connection.send(text),
    fail: (fault) => connection?.destroy(fault),
    silentMs: () => clock.monotonic() - (connection?.lastReadAt() ?? 0),
  };
}

/** What the log may know: our own words, a socket error's code, the server's condition. */
function causeOf({ cause }: Fault): string | undefined {
  if (cause instanceof Error) return cause.message;
  return typeof cause === 'string' ? cause : undefined;
}
