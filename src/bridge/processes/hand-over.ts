/**
 * One process stops and another goes on, without a message lost or repeated and without a contact going offline in between.
 * Words between the two, in this order (docs/DELIVERY.md, "One process for another"):
 *
 *   leaving  from the one that stops, to all; who stands by answers `here`
 *   loaded   from the one that has taken the lease since, and read what is stored
 *   go       the stream is the other's: it may shake hands
 *   done     all that came on the old stream is stored; what is not a matter of lanes lies in the store
 *
 * Until `done` what comes on the new stream waits here, since what came on the old one is older. Every wait has a deadline: a process that
 * dies in the middle is a process that was killed, and its windows are those. It decides nothing about lanes or contacts.
 */
import type { Account, BareJid } from '../../core/address';
import { toFault } from '../../core/fault';
import type { Event } from '../../core/model';
import type { Bus, Clock, Jabber, Leftover, Log } from '../ports';
import { leftoverOf, parseLeftover } from './leftover';

export interface HandOverOptions {
  readonly bus: Bus;
  readonly leftover: Leftover;
  readonly jabber: Pick<Jabber, 'prepare' | 'giveAway' | 'write' | 'stop'>;
  /** an event of the Jabber side whose turn has come */
  readonly onEvent: (user: BareJid, peer: Account, event: Event) => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly waits?: Partial<typeof defaultWaits>;
}

/** What a process holds that does the work. */
export interface Leadership {
  /** aborts when another process has taken it */
  readonly lost: AbortSignal;
  takeStream(): Promise<void>;
  releaseShards(): Promise<void>;
  release(): Promise<void>;
}

export interface HandOver {
  /** Answers a process that wants to leave, and has a stream ready. */
  standBy(): void;
  /** Takes an event that is not for now: for the next process, or until the one before is done. False: it is for now. */
  keep(user: BareJid, peer: Account, event: Event): boolean;
  /** Is there a process that would go on? From now on nothing but messages is taken here. */
  offer(): Promise<boolean>;
  /** Does another process go on with what this one does? */
  isLeaving(): boolean;
  /** Another process has taken the work without a word: as if this one had offered it. */
  giveWay(): void;
  /**
   * Gives everything up, the stream last. `store` resolves when all that was read on it is stored. Never rejects.
   */
  give(leadership: Omit<Leadership, 'lost'>, store: () => Promise<void>): Promise<void>;
  /** With the shards: resolves when the handshake may be sent; when nobody is leaving, that is with the stream's lease. */
  awaitStream(leadership: Pick<Leadership, 'takeStream'>): Promise<void>;
  /** ms for which the stream may still be refused as taken */
  patienceMs(): number;
  /** After the handshake: takes the stream's lease, what was left, and what has waited since. */
  takeRest(leadership: Pick<Leadership, 'takeStream'>): Promise<void>;
}

type Word = 'leaving' | 'here' | 'loaded' | 'go' | 'done';

/** ms */
const defaultWaits = {
  /** for who stands by */
  hereMs: 1_000,
  /** for who has the lease: the lease's length, and reading all links and contacts */
  loadedMs: 30_000,
  /** a server that does not answer is asked for so long what it is, and for a barrier */
  goMs: 10_000,
  doneMs: 3_000,
  /** a process that was about to leave so long ago has ended in another way */
  leavingMs: 60_000,
};
/** Events that wait for the process before, or are left for the next. */
const keptMax = 20_000;

export function makeHandOver(options: HandOverOptions): HandOver {
  const { bus, leftover, jabber, onEvent, clock, log } = options;
  const waits = { ...defaultWaits, ...options.waits };
  const said = new Map<Word, string>(); // by whom, until it is asked for
  const awaited = new Map<Word, () => void>();
  let taking: string | null = null; // from whom
  let leaving: { readonly from: string; readonly atMs: number } | null = null;
  let mode: 'waits' | 'serves' | 'takes' | 'leaves' = 'waits';
  let isStandingBy = false;
  const kept: { readonly user: BareJid; readonly peer: Account; readonly event: Event }[] = [];

  const say = (to: string, word: Word): void => bus.send(to, { handOver: word });

  /** Who has said it, or says it in time; else null. */
  async function hear(word: Word, withinMs: number): Promise<string | null> {
    const heard = new AbortController();
    awaited.set(word, () => heard.abort());
    if (!said.has(word)) await clock.sleep(withinMs, heard.signal).catch(() => undefined); // it was heard
    awaited.delete(word);
    const from = said.get(word) ?? null;
    said.delete(word);
    return from;
  }

  bus.listen({
    onMessage(from, message) {
      const word = wordOf(message);
      if (word === null) return;
      if (word === 'leaving') {
        said.clear();
        leaving = { from, atMs: clock.monotonic() };
        if (isStandingBy && mode === 'waits') say(from, 'here');
        return;
      }
      if (!said.has(word)) said.set(word, from);
      awaited.get(word)?.();
    },
    onGap: () => undefined, // a word that is missed is waited for until its deadline
  });

  const whoLeaves = (): string | null =>
    leaving !== null && clock.monotonic() - leaving.atMs < waits.leavingMs ? leaving.from : null;

  async function leave(unwritten: readonly string[]): Promise<void> {
    const events = kept.splice(0);
    if (events.length + unwritten.length === 0) return;
    await leftover
      .put(leftoverOf({ unwritten, events }))
      .catch((thrown: unknown) =>
        log.warn(
          { fault: toFault(thrown).code, count: events.length },
          'what came last could not be left for the next',
        ),
      );
  }

  return {
    standBy() {
      isStandingBy = true;
      jabber.prepare();
    },
    keep(user, peer, event) {
      const isForNext = mode === 'leaves' && event.kind !== 'message' && event.kind !== 'bounce';
      if (mode !== 'takes' && !isForNext) return false;
      if (kept.length >= keptMax) return false;
      kept.push({ user, peer, event });
      return true;
    },
    async offer() {
      said.clear();
      say('all', 'leaving');
      const next = await hear('here', waits.hereMs);
      if (next === null) return false;
      mode = 'leaves';
      log.info({ process: next }, 'another process goes on with what this one does');
      return true;
    },
    isLeaving: () => mode === 'leaves',
    giveWay: () => void (mode = 'leaves'),
    async give(leadership, store) {
      await leadership.releaseShards();
      const taker = await hear('loaded', waits.loadedMs);
      if (taker === null) {
        log.warn({}, 'no other process has taken over, the component stream ends');
        await jabber.stop();
        await store();
        return leave([]);
      }
      const unwritten = await jabber.giveAway(() => say(taker, 'go'));
      await store();
      await leave(unwritten);
      await leadership.release();
      say(taker, 'done');
      log.info({ process: taker }, 'another process has the component stream');
    },
    async awaitStream(leadership) {
      taking = whoLeaves();
      mode = taking === null ? 'serves' : 'takes';
      if (taking === null) return leadership.takeStream();
      say(taking, 'loaded');
      if ((await hear('go', waits.goMs)) === null)
        log.warn({ process: taking }, 'a process that was leaving says nothing, its stream is taken');
    },
    patienceMs: () => (mode === 'takes' ? waits.goMs : 0),
    async takeRest(leadership) {
      if (mode !== 'takes') return;
      await hear('done', waits.doneMs);
      await leadership.takeStream();
      const text = await leftover.take().catch((thrown: unknown) => {
        log.warn({ fault: toFault(thrown).code }, 'what the process before has left could not be read');
        return null;
      });
      const rest = text === null ? { unwritten: [], events: [] } : parseLeftover(text);
      jabber.write(rest.unwritten);
      mode = 'serves';
      leaving = null;
      for (const { user, peer, event } of [...rest.events, ...kept.splice(0)]) onEvent(user, peer, event);
      log.info({ process: taking, count: rest.events.length }, 'taken over from another process');
    },
  };
}

const words: ReadonlySet<unknown> = new Set<Word>(['leaving', 'here', 'loaded', 'go', 'done']);
const isWord = (value: unknown): value is Word => words.has(value);

/** Null: it is about something else. */
function wordOf(message: object): Word | null {
  const word: unknown = 'handOver' in message ? message.handOver : null;
  return isWord(word) ? word : null;
}
