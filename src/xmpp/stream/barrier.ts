/**
 * The proof that the server has processed what was written: XEP-0114 has no acknowledgements, but a stream is handled in order,
 * so the answer to a ping covers everything written before it. One ping is in flight; whoever comes meanwhile shares the
 * next one. The ping goes to our own domain and comes back to us as it is: that works on any server without knowing its domains and
 * proves our routing too (measured on Prosody and ejabberd: error bounces come before it). It is addressed to a resource
 * (`pingAddress`), and a result or an error proves as much as the ping itself.
 * It proves "processed", not "on disk".
 *
 * A server's XML parser may leave a tag unread that two reads cut in two, until about as many bytes again have come (the deferred reparse of
 * Expat 2.6 and of older ones with its security updates; seen with Prosody 0.12 and ejabberd 23.01 of Debian 12). So
 * while an answer is late, whitespace is sent between stanzas, twice as much each time.
 */
import { Fault } from '../../core/fault';
import type { Clock, Meter } from '../../bridge/ports';

export interface BarrierOptions {
  /** who is pinged, for the log */
  readonly target: string;
  /** Writes a ping with this id; false when the stream is down. */
  readonly sendPing: (id: string) => boolean;
  /** Writes so many spaces between stanzas. */
  readonly sendSpaces: (count: number) => void;
  /** No answer in time: the stream is dead. */
  readonly onDead: (fault: Fault) => void;
  readonly newId: () => string;
  readonly pongMs: number;
  readonly clock: Clock;
  readonly meter: Meter;
}

export interface Barrier {
  /** A stanza was written; its longest tag has that many characters. When no ping follows by itself, one is sent soon. */
  onTag(chars: number): void;
  /** Resolves when everything written before this call is processed. Rejects `unavailable` when the stream goes down first. */
  pass(): Promise<void>;
  /** An iq came back with this id; false when it is not the ping's. */
  onPong(id: string): boolean;
  /** The stream is down: fails everybody. */
  reset(fault: Fault): void;
}

/**
 * Where a ping of this domain goes. COMPAT ejabberd 24.10 to 25.01: with mod_privilege it drops, without an answer, the
 * requests of a component to an address without a resource; those with one take the ordinary way, as on every server.
 */
export const pingAddress = (domain: string): string => `${domain}/barrier`;

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (fault: Fault) => void;
}

interface Ping {
  readonly id: string;
  readonly sentAt: number;
  readonly covers: readonly Waiter[];
  readonly deadline: AbortController;
  /** of the tags that it covers, its own among them */
  readonly longestTag: number;
}

/** What is written without a barrier (state, answers) is followed by a ping so much later, lest its end lies unread. */
const coverMs = 50;
/** After this long an answer is late. */
const lateMs = 20;
/** Ends the wait for an answer; made once, since an abort without a reason makes an error with a stack each time. */
const answered = new Error('answered');
/** The first whitespace for a late answer. */
const firstSpaceCount = 64;

export function makeBarrier(options: BarrierOptions): Barrier {
  const { clock, meter } = options;
  let waiting: Waiter[] = [];
  let inFlight: Ping | null = null;
  let isAboutToSend = false;
  let longestTag = 0; // since the last ping; 0: nothing was written
  let cover = new AbortController(); // ends with the stream
  let willCover = false;

  /** Later in this turn, so that everybody who writes in it is covered by one ping. */
  const sendSoon = (): void => {
    if (inFlight || isAboutToSend) return;
    isAboutToSend = true;
    queueMicrotask(send);
  };

  const send = (): void => {
    isAboutToSend = false;
    if (inFlight || waiting.length === 0) return;
    const id = options.newId();
    const covers = waiting;
    waiting = [];
    if (!options.sendPing(id)) {
      return failAll(covers, new Fault('unavailable', { cause: 'the component stream is down' }));
    }
    const ping: Ping = { id, sentAt: clock.monotonic(), covers, deadline: new AbortController(), longestTag };
    longestTag = 0;
    inFlight = ping;
    awaitPong(ping).catch(() => undefined); // answered
  };

  /** As long as the answer is late, sends whitespace; rejects when it has come. */
  const awaitPong = async ({ sentAt, longestTag, deadline: { signal } }: Ping): Promise<void> => {
    for (let count = firstSpaceCount; count < 2 * longestTag; count *= 2) {
      await clock.sleep(lateMs, signal);
      meter.count('barrier_spaces_total', {}, count);
      options.sendSpaces(count);
    }
    await clock.sleep(options.pongMs - (clock.monotonic() - sentAt), signal);
    options.onDead(new Fault('timeout', { cause: `no answer to a ping of ${options.target}` }));
  };

  const endPing = (): readonly Waiter[] => {
    const covered = inFlight?.covers ?? [];
    inFlight?.deadline.abort(answered);
    inFlight = null;
    return covered;
  };

  const pass = (): Promise<void> =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      sendSoon();
    });

  const coverRest = (): void => {
    willCover = false;
    if (longestTag > 0) pass().catch(() => undefined); // the stream is down
  };

  return {
    onTag(chars) {
      if (chars > longestTag) longestTag = chars;
      if (willCover) return;
      willCover = true;
      clock.sleep(coverMs, cover.signal).then(coverRest, () => undefined); // the stream is down
    },
    pass,
    onPong(id) {
      if (inFlight?.id !== id) return false;
      meter.observe('barrier_seconds', (clock.monotonic() - inFlight.sentAt) / 1000);
      for (const waiter of endPing()) waiter.resolve();
      if (waiting.length > 0) sendSoon();
      return true;
    },
    reset(fault) {
      const failed = [...endPing(), ...waiting];
      waiting = [];
      longestTag = 0;
      willCover = false;
      cover.abort();
      cover = new AbortController();
      failAll(failed, fault);
    },
  };
}

function failAll(waiters: readonly Waiter[], fault: Fault): void {
  for (const waiter of waiters) waiter.reject(fault);
}
