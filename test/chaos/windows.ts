/**
 * The windows of the README as rules: which message may be lost, doubled, or both delivered and bounced, because of which
 * fault. Pure. A window is as small as it is true: what Redis is known to hold is excused only where Redis itself or the
 * XMPP server may lose it, and what was under way only for as long as bytes are under way on a busy machine.
 */
export type Way = 'toFar' | 'toJabber';

/** What may be gone with a fault. */
export type Harm =
  /** the bridge's process died: what it had read or not yet read, and not stored */
  | 'bridge'
  /** the component stream broke: what the server had written to it */
  | 'stream'
  /** the bridge closed its component stream politely: ejabberd drops what it has routed to it in that moment */
  | 'goodbye'
  /** the XMPP server's process died: what it had in memory and in its sockets */
  | 'server'
  /** XIMSS connections broke: what was pushed over them, and the answers that were under way */
  | 'far'
  /** the XIMSS server's sessions are gone too */
  | 'farSessions'
  /** Redis died: with `everysec` the last writes that it had acknowledged */
  | 'redis'
  /** nothing */
  | 'none';

/** Something was broken from one time to another. Times are ms on one monotonic clock. */
export interface FaultWindow {
  readonly name: string;
  readonly harm: Harm;
  readonly fromMs: number;
  /** mended, or broken off for good, so that nothing more is lost */
  readonly toMs: number;
  /** of a single link's session only */
  readonly link: number | null;
  /** since when the bridge may have kept in memory what it could not store, when Redis was away */
  readonly keptSinceMs?: number;
  /** since when the bridge may have waited for an answer of the XIMSS server that had vanished */
  readonly unansweredSinceMs?: number;
}

/** What is known of one message. */
export interface MessageTimes {
  readonly way: Way;
  readonly link: number;
  readonly sentMs: number;
  /** when the far server last wrote it to the bridge; null = never */
  readonly pushedMs: number | null;
  /** when the XIMSS server ended the HTTP session that held it; null = never */
  readonly droppedMs?: number | null;
  /** when Redis was seen to take it; null = never, or nobody looked */
  readonly storedMs: number | null;
  /** when the bridge said that it had left its lane */
  readonly settledMs: number | null;
  /** first arrival */
  readonly arrivedMs: number | null;
  /** first bounce */
  readonly bouncedMs?: number | null;
}

export interface Setting {
  readonly binding: 'tcp' | 'http';
  readonly appendfsync: 'always' | 'everysec';
  /** ejabberd: it stores late, and the bridge holds what it has confirmed */
  readonly isHeld: boolean;
}

/** Bytes under way between two processes of a busy machine. */
const transitMs = 1_000;
/** From an arrival to the end of its step, on a machine that does twenty things at once. */
const stepMs = 5_000;
/** A broken connection is noticed by the other end. */
const noticeMs = 250;
/** A bridge has fetched what a session holds by then, whatever else is broken meanwhile. */
const fetchedMs = 60_000;
/** `delivery.holdSeconds`, and the margin of servers that count whole seconds. */
export const heldMs = 8_000;
/** Redis' `everysec` answers before it writes for so long at most. */
const lateWriteMs = 2_000;

/** Since when what had arrived may be held: from its settlement on, and that had to wait while Redis was away. */
const heldSince = ({ fromMs, keptSinceMs = fromMs }: FaultWindow): number => Math.min(keptSinceMs, fromMs - heldMs);

const within = (atMs: number | null, fromMs: number, toMs: number): boolean =>
  atMs !== null && atMs >= fromMs && atMs <= toMs;

/** May the message have been lost by this fault? */
export function mayLose(times: MessageTimes, injected: FaultWindow, setting: Setting): boolean {
  const { fromMs, toMs } = injected;
  const isToFar = times.way === 'toFar';
  const underWay = (atMs: number | null): boolean =>
    times.storedMs === null && within(atMs, fromMs - transitMs, toMs + noticeMs);
  switch (injected.harm) {
    case 'bridge': {
      const { keptSinceMs = fromMs } = injected;
      const atMs = isToFar ? times.sentMs : times.pushedMs;
      const isKept = times.storedMs === null && within(atMs, keptSinceMs - transitMs, fromMs);
      return (isToFar || setting.binding === 'tcp') && (isKept || underWay(atMs));
    }
    case 'stream':
      return isToFar && underWay(times.sentMs);
    case 'goodbye':
      return setting.isHeld && isToFar && underWay(times.sentMs);
    case 'server':
      if (isToFar) return underWay(times.sentMs);
      return !setting.isHeld && within(times.settledMs, fromMs - transitMs, fromMs + transitMs);
    case 'far':
      return !isToFar && setting.binding === 'tcp' && isOf(times, injected) && underWay(times.pushedMs);
    case 'farSessions':
      if (isToFar || setting.binding === 'tcp') return !isToFar && underWay(times.pushedMs);
      // held until it is acknowledged, which may last: nobody fetches while the bridge is down, or cannot store
      return (
        times.storedMs === null &&
        within(times.droppedMs ?? null, fromMs, toMs) &&
        (times.droppedMs ?? 0) - times.sentMs <= fetchedMs
      );
    case 'redis':
      return setting.appendfsync === 'everysec' && within(times.storedMs, fromMs - lateWriteMs, fromMs);
    case 'none':
      return false;
  }
}

/** May it have been done twice, or done and refused, because the word that it was done got lost by this fault? */
export function mayRepeat(times: MessageTimes, injected: FaultWindow, setting: Setting): boolean {
  const { fromMs, toMs, keptSinceMs = fromMs, unansweredSinceMs = fromMs } = injected;
  const { arrivedMs, settledMs, bouncedMs = null } = times;
  switch (injected.harm) {
    case 'bridge':
      // an error that was under way is sent again too
      return (
        within(arrivedMs ?? bouncedMs, Math.min(keptSinceMs, unansweredSinceMs) - stepMs, fromMs + transitMs) &&
        (settledMs === null || settledMs >= fromMs)
      );
    case 'far':
      return (
        setting.binding === 'tcp' && isOf(times, injected) && within(arrivedMs, fromMs - transitMs, toMs + transitMs)
      );
    case 'farSessions':
      return within(arrivedMs, fromMs - transitMs, toMs);
    case 'redis':
      return setting.appendfsync === 'everysec' && within(arrivedMs, fromMs - lateWriteMs, fromMs + noticeMs);
    case 'server':
      // what the server has confirmed is held for some seconds, and sent again with the same id: an error too
      return (
        arrivedMs === null &&
        within(bouncedMs, setting.isHeld ? heldSince(injected) : fromMs - transitMs, fromMs + heldMs)
      );
    case 'stream':
      // an error that was written into it, and may not have arrived, is written again
      return arrivedMs === null && within(bouncedMs, fromMs - transitMs, toMs + noticeMs);
    case 'goodbye':
    case 'none':
      return false;
  }
}

/**
 * May a Jabber user be sent it once more, with the same id, because of this fault? Only what had not left its lane: the
 * batch that was under way; and what a XMPP server that stores late may have lost with its process.
 */
export function mayBeSentAgain(times: MessageTimes, injected: FaultWindow, setting: Setting): boolean {
  const { fromMs, toMs, keptSinceMs = fromMs } = injected;
  const { arrivedMs, settledMs } = times;
  const isUnderWay =
    within(arrivedMs, keptSinceMs - stepMs, toMs + transitMs) && (settledMs === null || settledMs >= fromMs);
  switch (injected.harm) {
    case 'bridge':
    case 'stream':
      return isUnderWay;
    case 'server':
      return isUnderWay || (setting.isHeld && within(arrivedMs, heldSince(injected), toMs + heldMs));
    case 'redis':
      return setting.appendfsync === 'everysec' && within(settledMs, fromMs - lateWriteMs, fromMs + noticeMs);
    case 'goodbye':
      return keptSinceMs < fromMs && isUnderWay; // it cannot be settled while Redis is away
    case 'far':
    case 'farSessions':
    case 'none':
      return false;
  }
}

const isOf = (times: MessageTimes, injected: FaultWindow): boolean =>
  injected.link === null || injected.link === times.link;
