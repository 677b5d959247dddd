/**
 * The XMPP server's word that it has processed a message does not mean that the message is on its disk (ejabberd with
 * Mnesia: some seconds later). So what it has confirmed is held for a while, and put back at the head of its lane when
 * the server was restarted in that time; it goes out with the same ids, which tell a repeat. A stream that was only cut
 * repeats nothing: how long the server has been running tells one from the other. A server that does not tell counts as
 * restarted when it ended our stream or refused connections, or when this machine was started since; that a process of
 * ours was stopped or killed is no sign of it. Until that is known, and all is put
 * back, no lane towards the Jabber side is drained, since nothing may overtake. `delivery.holdSeconds`, docs/DELIVERY.md.
 *
 * Ages count, not times of day: those of what is held on the store's clock, the server's on its own.
 */
import { Fault, toFault } from '../../core/fault';
import { backoffMs } from '../../core/retry';
import type { LaneKey } from '../../core/model';
import type { Clock, HeldStore, JabberServer, Log, Meter, Restored, Scheduler } from '../ports';

export interface HoldOptions {
  /** ms, 0 = nothing is ever held; auto: as the server needs it */
  readonly setting: 'auto' | number;
  readonly server: JabberServer;
  /** how long this machine is up, ms */
  readonly machineUptimeMs: () => number;
  readonly lanes: HeldStore;
  /** asked for drains when they may begin: of what was put back, and of the lanes that wait for the Jabber side */
  readonly scheduler: Pick<Scheduler, 'schedule' | 'wake'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

export interface Hold {
  /** Never throws. */
  onStream(state: 'up' | 'down'): void;
  /** May lanes towards the Jabber side be drained now? They are woken when they may again. */
  isReady(): boolean;
  /** When something was put back last, ms since the epoch: what was accepted before may have been delivered. */
  restoredAt(): number;
  /** Is what is delivered to the Jabber side now to be held? */
  isHolding(): boolean;
  /** A settlement that holds something is on its way to the store; its outcome does not matter. */
  watch(settling: Promise<unknown>): void;
}

/** ejabberd 23.01 lost what was younger than 3 to 4 s; so does perhaps what we do not know. */
const slowMs = 5_000;
/** Servers count their seconds whole: two of them may be off by one each. What is put back in vain is only a repeat. */
const marginMs = 2_000;
const trimMs = 1_000;
const retry = { baseMs: 100, capMs: 2_000 };
const none: Restored = { lanes: [], count: 0 };

/** How long a server may lose what it has confirmed, in ms; by the name of its software, null = unknown. */
export function autoHoldMs(software: string | null): number {
  return software === null || /ejabberd/i.test(software) ? slowMs : 0;
}

export function makeHold({ setting, server, machineUptimeMs, lanes, scheduler, clock, log, meter }: HoldOptions): Hold {
  const settling = new Set<Promise<unknown>>();
  let holdMs = setting === 'auto' ? slowMs : setting;
  let isReady = true;
  let hasSome = true; // perhaps: a process before this one may have left something
  let lateSince: number | null = null; // a settlement was on its way when a stream went down
  let wasAway = false; // the server may have been restarted, and what is held was not put back since
  let restoredAt = -Infinity;
  let stream = new AbortController();

  /** Drains may begin. */
  function open(restored: readonly LaneKey[]): void {
    isReady = true;
    if (restored.length > 0)
      scheduler
        .schedule(restored, { immediately: true })
        .catch((thrown: unknown) => log.debug({ fault: toFault(thrown).code }, 'a drain could not be scheduled'));
    scheduler.wake('jabber');
  }

  /** Once for each stream. */
  async function begin(signal: AbortSignal): Promise<void> {
    const { software, uptimeMs } = await server.serverFacts(signal);
    const askedAt = clock.monotonic();
    // such a settlement may have come to the store after the server's restart, and look younger than it
    const lateMs = lateSince === null ? 0 : askedAt - lateSince;
    await Promise.allSettled([...settling]);
    if (signal.aborted) return;
    if (setting === 'auto') holdMs = autoHoldMs(software);
    // what is held for longer than the server runs was confirmed by the one before it
    const runningMs = uptimeMs ?? (wasAway ? 0 : machineUptimeMs());
    const ageMs = (): number => Math.max(0, runningMs + clock.monotonic() - askedAt - marginMs - lateMs);
    const back = holdMs === 0 ? await letGo() : await surely(() => lanes.restoreHeld(ageMs()), signal);
    if (signal.aborted) return;
    if (back.count > 0) {
      restoredAt = clock.now();
      meter.count('envelopes_restored_total', {}, back.count);
      log.warn({ count: back.count }, 'the XMPP server was restarted: what it may have lost is sent again');
    }
    lateSince = null;
    wasAway = false;
    open(back.lanes);
    if (holdMs > 0) await trim(signal);
  }

  /** What was held before the hold was switched off. */
  async function letGo(): Promise<Restored> {
    await lanes.dropHeld(0).catch(complain);
    return none;
  }

  /** Repeats it until the store answers. */
  async function surely(work: () => Promise<Restored>, signal: AbortSignal): Promise<Restored> {
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      try {
        return await work();
      } catch (thrown) {
        if (toFault(thrown).code !== 'store-away') throw thrown;
        await clock.sleep(backoffMs(attempt, clock.dice(), retry), signal).catch(() => undefined); // the stream is down
      }
    }
    return none;
  }

  /** While the stream is up. A server that has been silent may have died when it was last heard. */
  async function trim(signal: AbortSignal): Promise<void> {
    for (;;) {
      await clock.sleep(trimMs, signal).catch(() => undefined); // the stream is down
      if (signal.aborted) return;
      if (!hasSome) continue;
      hasSome = false;
      const left = await lanes.dropHeld(holdMs + server.silentMs()).catch(complain);
      hasSome ||= left !== 0;
    }
  }

  const complain = (thrown: unknown): void => log.debug({ fault: toFault(thrown).code }, 'held messages not let go');

  /** A mistake of ours must not keep the lanes shut. */
  function failed(thrown: unknown, signal: AbortSignal): void {
    const { code, cause } = toFault(thrown);
    log.error({ fault: code, err: cause }, 'held messages could not be put back');
    if (signal.aborted || isReady) return;
    open([]);
  }

  return {
    onStream(state) {
      stream.abort(new Fault('unavailable'));
      isReady = true; // down, nothing goes out anyway
      if (settling.size > 0) lateSince ??= clock.monotonic();
      if (state === 'down') return;
      if (setting === 0) {
        void letGo();
        return open([]);
      }
      wasAway ||= server.wasAway();
      isReady = false;
      stream = new AbortController();
      const { signal } = stream;
      begin(signal).catch((thrown: unknown) => failed(thrown, signal));
    },
    isReady: () => isReady,
    restoredAt: () => restoredAt,
    isHolding() {
      hasSome ||= holdMs > 0;
      return holdMs > 0;
    },
    watch(promise) {
      settling.add(promise);
      const forget = (): void => void settling.delete(promise);
      promise.then(forget, forget);
    },
  };
}
