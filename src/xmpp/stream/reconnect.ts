/**
 * The component stream that is always there or on its way: one connection at a time, and the next one within seconds, however long the
 * server is away. Before the first handshake a refusal (secret, domain, conflict) is final; after it everything is tried again,
 * because a running bridge is worth more than an exit, with one exception: another component that takes the stream with our
 * domain and secret again and again, as a second bridge would, is left alone with it. A stand-by has a connection ready before it is wanted,
 * and a stream can be given to another process (docs/DELIVERY.md). States: offline, connecting, handshaking, online, closing.
 */
import { Fault } from '../../core/fault';
import type { Log, Meter } from '../../bridge/ports';
import { openConnection, type Connection, type ConnectionSettings } from './connection';
import { makePreopen, type OpenConnection } from './preopen';
import type { Element } from '../stanza/element';

export interface StreamOptions extends ConnectionSettings {
  readonly log: Log;
  readonly meter: Meter;
  readonly onUp: () => void;
  /** Called only after onUp, once for each. */
  readonly onDown: (fault: Fault) => void;
  /** The stream was taken from us again and again: there will be no further connection. */
  readonly onGivenUp: (fault: Fault) => void;
  readonly onStanza: (stanza: Element) => void;
  readonly onOversize: (shell: Element | null, fault: Fault) => void;
}

export type StreamState = 'offline' | 'connecting' | 'handshaking' | 'online' | 'closing';

/** How a stream ends that another process is to have: the server ends it for the other's sake, or we do. */
export type GiveAway = 'taken' | 'closed';

export interface Stream {
  /** Has a connection ready from now on, without a handshake; before `start`. */
  prepare(): void;
  isPrepared(): boolean;
  /** See Jabber.start. */
  start(patienceMs: number): Promise<void>;
  /**
   * Nothing is written any more and no connection made; what the server says is read until it ends the stream. `taken`: that is awaited,
   * for a while, then we end it, as we do at once with `closed`. Resolves when all is read.
   */
  giveAway(how: GiveAway): Promise<void>;
  /** Resolves when the connection is gone. May be called twice. */
  stop(): Promise<void>;
  state(): StreamState;
  /** False: not online, or the server takes nothing more; then nothing was written. */
  send(text: string): boolean;
  /** Ends the present connection; the next one is made after a pause. */
  fail(fault: Fault): void;
  /** Before the stream that is up: did the server end the one before it, or refuse a connection? */
  wasAway(): boolean;
  /** ms since anything was read */
  silentMs(): number;
}

/** The stream was taken so often in a row, each time soon after it was up: it will be so for ever. */
const conflictsMax = 3;
const takenText =
  'a second bridge (or another component with the same domain and secret) takes the component stream from this one again and again: this one ends';
/** A server that stays away is a warning so often. */
const repeatLogMs = 60_000;

const isRefusal = (fault: Fault): boolean => fault.code === 'stream-refused' || fault.code === 'stream-conflict';

/** Nothing happens before start(). */
export function makeStream(options: StreamOptions): Stream {
  const { clock, log, meter, timing } = options;
  const stopping = new AbortController();
  let state: StreamState = 'offline';
  let connection: Connection | null = null;
  let upSince: number | null = null;
  let hasBeenUp = false;
  let failures = 0;
  let isAway = false; // seen since the last stream came up
  let wasAway = false;
  let conflicts = 0; // streams in a row that another took soon
  let logged = { text: '', atMs: 0 }; // the last end that was logged as a warning
  let running: Promise<void> | null = null;
  let started: { resolve: () => void; reject: (fault: Fault) => void } | null = null;
  let patientUntilMs = -Infinity; // before the first handshake a conflict may be the process before us
  let isGiven = false; // to another process

  const onOnline = (): void => {
    state = 'online';
    hasBeenUp = true;
    wasAway = isAway;
    isAway = false;
    upSince = clock.monotonic();
    log.info({}, 'component stream up');
    meter.gauge('stream_up', 1);
    started?.resolve();
    options.onUp();
  };

  const open = (isWithheld: boolean, onHeader: () => void): OpenConnection => {
    let onEnd: (fault: Fault) => void = () => undefined;
    const ended = new Promise<Fault>((resolve) => (onEnd = resolve));
    const onConnected = (): void => {
      if (!isWithheld) state = 'handshaking';
    };
    const opened = openConnection({ ...options, isWithheld, onHeader, onConnected, onOnline, onEnd });
    return { connection: opened, ended };
  };

  const preopen = makePreopen({ open: (onHeader) => open(true, onHeader), timing, clock, log });

  /** One connection from beginning to end. */
  const connectOnce = (): Promise<Fault> => {
    const { connection: opened, ended } = open(false, () => undefined);
    state = 'connecting';
    connection = opened;
    return ended;
  };

  /** The connection that was made ready; null: there is none, or the server had ended it. */
  const usePrepared = async (): Promise<Fault | null> => {
    const prepared = preopen.take();
    if (prepared === null) return null;
    state = 'handshaking';
    connection = prepared.connection;
    connection.prove();
    const fault = await prepared.ended;
    const mayTryAtOnce = upSince === null && !isRefusal(fault) && !stopping.signal.aborted;
    return mayTryAtOnce ? null : fault;
  };

  const onEnd = (said: Fault): void => {
    const fault = isGiven ? new Fault('stopping', { cause: said }) : said;
    connection = null;
    state = 'offline';
    const livedMs = upSince === null ? 0 : clock.monotonic() - upSince;
    const wasTaken = upSince !== null && fault.code === 'stream-conflict' && livedMs < timing.stableMs;
    isAway ||= upSince === null ? isRefused(fault) : fault.code !== 'stopping' && fault.code !== 'stream-conflict';
    failures = upSince === null ? failures + 1 : 1;
    if (upSince !== null) conflicts = wasTaken ? conflicts + 1 : 0;
    if (fault.code !== 'stopping') {
      meter.count('faults_total', { part: 'xmpp', code: fault.code });
      report(fault);
    }
    if (upSince === null) return;
    upSince = null;
    meter.gauge('stream_up', 0);
    options.onDown(fault);
  };

  /** A server that is away is tried every second or two: what says nothing new is a warning once a minute. */
  const report = (fault: Fault): void => {
    const hint = hasBeenUp ? {} : { hint: 'see xmpp.service; run: xmpp-ximss-bridge doctor' };
    const fields = { fault: fault.code, cause: causeOf(fault), attempt: failures, ...hint };
    const text = `${fault.code} ${fields.cause ?? ''}`;
    const isNews = failures === 1 || text !== logged.text || clock.monotonic() - logged.atMs >= repeatLogMs;
    if (isNews) logged = { text, atMs: clock.monotonic() };
    log[isNews ? 'warn' : 'debug'](fields, 'component stream ended');
  };

  /** True when it makes no sense to connect again after this. */
  const isFinal = (fault: Fault): boolean => {
    const isPatient = fault.code === 'stream-conflict' && clock.monotonic() < patientUntilMs;
    if (isRefusal(fault) && !hasBeenUp) return !isPatient;
    if (conflicts < conflictsMax) return false;
    log.error({ fault: fault.code, domain: options.domain }, takenText);
    return true;
  };

  const run = async (): Promise<void> => {
    let ended = await usePrepared();
    while (ended !== null || !stopping.signal.aborted) {
      const fault = ended ?? (await connectOnce());
      ended = null;
      onEnd(fault);
      if (stopping.signal.aborted) break;
      if (isFinal(fault)) return hasBeenUp ? options.onGivenUp(fault) : started?.reject(fault);
      const pauseMs = timing.retryMs * (1 + clock.dice());
      await clock.sleep(pauseMs, stopping.signal).catch(() => undefined); // stop() ends the pause
    }
    started?.reject(new Fault('stopping'));
  };

  const giveAway = async (how: GiveAway): Promise<void> => {
    isGiven = true;
    stopping.abort();
    if (state === 'online') state = 'closing';
    const isTaken = new AbortController();
    void running?.then(() => isTaken.abort());
    if (how === 'taken') await clock.sleep(timing.takenMs, isTaken.signal).catch(() => undefined); // it has ended
    connection?.close();
    await running;
  };

  return {
    prepare: () => preopen.start(),
    isPrepared: () => preopen.isReady(),
    giveAway,
    start(patienceMs) {
      patientUntilMs = clock.monotonic() + patienceMs;
      if (running) throw new Fault('internal', { cause: 'the stream was started twice' });
      meter.gauge('stream_up', 0);
      return new Promise<void>((resolve, reject: (fault: Fault) => void) => {
        started = { resolve, reject };
        running = run();
      });
    },
    async stop() {
      stopping.abort();
      preopen.stop();
      if (state === 'online') state = 'closing';
      connection?.close();
      await running;
    },
    state: () => state,
    send: (text) => state === 'online' && connection !== null && connection.send(text),
    fail: (fault) => connection?.destroy(fault),
    wasAway: () => wasAway,
    silentMs: () => clock.monotonic() - (connection?.lastReadAt() ?? 0),
  };
}

/** Nobody listens: the server is down. */
function isRefused({ cause }: Fault): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}

/** What the log may know: our own words, a socket error's code, the server's condition. */
function causeOf({ cause }: Fault): string | undefined {
  if (cause instanceof Error) return cause.message;
  return typeof cause === 'string' ? cause : undefined;
}
