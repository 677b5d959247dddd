/**
 * Gives the component stream to another process without losing or repeating anything: nothing is written any more, a barrier proves
 * what was, and the server is read to the end of the stream. Prosody (`component_conflict_resolve = "kick_old"`) moves the route and
 * ends our connection in the moment of the other's handshake, so the other comes first. Any other server may send to both while both
 * are there, which breaks the order, and ejabberd takes the roster rights (XEP-0356) from the domain when one of them ends, so
 * ours ends first. What would have been written meanwhile is kept, bounded, for the other process.
 */
import { untilAborted, withDeadline } from '../../core/async';
import type { Clock, ServerFacts } from '../../bridge/ports';
import type { Stream } from './reconnect';

export interface GiveAwayOptions {
  readonly stream: Pick<Stream, 'send' | 'state' | 'giveAway'>;
  /** the barrier's */
  readonly pass: () => Promise<void>;
  readonly serverFacts: (signal: AbortSignal) => Promise<ServerFacts>;
  readonly clock: Clock;
  /** for the barrier: what it does not prove by then is sent again by the other process */
  readonly proofMs: number;
}

export interface GiveAway {
  /** Writes, or keeps for the other process. A ping of the barrier is always written. False: neither. */
  send(text: string, isPing: boolean): boolean;
  hasBegun(): boolean;
  /** See Jabber.giveAway. */
  begin(go: () => void): Promise<readonly string[]>;
}

/** Stanzas that are kept for the other process. */
const unwrittenMax = 1_000;

export function makeGiveAway({ stream, pass, serverFacts, clock, proofMs }: GiveAwayOptions): GiveAway {
  const never = new AbortController().signal;
  let unwritten: string[] | null = null;

  async function begin(go: () => void): Promise<readonly string[]> {
    const { software } = await serverFacts(never);
    const how = /prosody/i.test(software ?? '') ? 'taken' : 'closed';
    const texts: string[] = [];
    unwritten = texts;
    const proof = stream.state() === 'online' ? pass() : Promise.resolve();
    await withDeadline(clock, proofMs, never, (late) => untilAborted(proof, late)).catch(() => undefined); // see proofMs
    const ended = stream.giveAway(how);
    if (how === 'closed') await ended;
    go();
    await ended;
    return texts;
  }

  return {
    send(text, isPing) {
      if (unwritten === null || isPing) return stream.send(text);
      if (unwritten.length >= unwrittenMax) return false;
      unwritten.push(text);
      return true;
    },
    hasBegun: () => unwritten !== null,
    begin,
  };
}
