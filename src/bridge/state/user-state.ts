/**
 * What this process knows of each linked user and their contacts: the subscription pair, the far truth, what the user's
 * server was told, the user's own resources. Plain records, kept small (one per contact, no closures, constants shared),
 * loaded once per user from the store. It decides nothing; announce, appear, subscribe and rosters work on it.
 */
import type { Account, BareJid } from '../../core/address';
import { toFault } from '../../core/fault';
import type { FarPresence, ResourcePresence, Show } from '../../core/model';
import { offline, type Presence } from '../../core/presence';
import { isBlank, newPair, parsePair, type Pair } from '../../core/pair';
import { backoffMs } from '../../core/retry';
import type { Clock, Log, Meter, StateStore } from '../ports';

/** The tables of the store. */
export const tables = { pairs: 'pairs', shown: 'shown', synced: 'synced', notes: 'notes' } as const;

export const away: FarPresence = { kind: 'presence', ...offline, avatarHash: null };

/** Bits of Buddy.marks */
export const marks = {
  /** it waits in Circle.dirty */
  dirty: 1,
  /** the user's server asked, or may have lost what it was told: tell even if nothing changed */
  owed: 2,
  /** `subscribed` is on its way: presence that overtook it would be thrown away */
  held: 4,
} as const;

/** One contact of one user. */
export interface Buddy {
  readonly peer: Account;
  pair: Pair;
  /** what the far side said last, offline when its lease ran out */
  truth: FarPresence;
  /** what the user's server was told last */
  shown: FarPresence;
  /** what the store says that the server was told: never offline while `shown` is not, so that a crash can be made good */
  saved: FarPresence;
  /** Circle.epoch when the truth was said */
  epoch: number;
  marks: number;
}

/** One linked user. */
export interface Circle {
  readonly user: BareJid;
  readonly buddies: Map<Account, Buddy>;
  /** contacts whose presence is to be looked at */
  dirty: Buddy[];
  /** grows with every far session */
  epoch: number;
  isOnline: boolean;
  /** the user's server roster could be read the last time */
  isReadable: boolean;
  /** when the rosters were compared last, on the clock that never jumps */
  comparedAtMs: number;
  resources: ReadonlyMap<string, ResourcePresence>;
  /** resources that spoke to the gateway itself: it hears everything, so what single ghosts hear does not count */
  frank: Set<string> | null;
  /** resources not heard of since the stream came back */
  stale: Set<string> | null;
  /** own presence as the far side has it, null = to be told */
  told: Presence | null;
}

const constants = new Map<Show, FarPresence>();

/** The one object for presences that say nothing but a show, so that most contacts share it. */
export function compact(presence: FarPresence): FarPresence {
  const { show } = presence;
  if (show === 'offline') return away;
  if (presence.status || presence.avatarHash !== null) return presence;
  const known = constants.get(show) ?? { kind: 'presence', show, status: null, avatarHash: null };
  constants.set(show, known);
  return known;
}

const pairs = new Map<string, Pair>();

/** The one object of a pair (there are 144): a contact keeps a pointer. */
export function compactPair(pair: Pair): Pair {
  const key = `${pair.state} ${Number(pair.approved)}${Number(pair.denied)}${Number(pair.refused)}${Number(pair.left)}`;
  const known = pairs.get(key) ?? pair;
  pairs.set(key, known);
  return known;
}

const fieldOfGateway = '@';
/** The field of a peer in a table of the store: no account is named `@`, and an empty field would be easily lost. */
export const fieldOf = (peer: Account): string => (peer === '' ? fieldOfGateway : peer);
export const peerOf = (field: string): Account => (field === fieldOfGateway ? '' : field) as Account; // written by fieldOf

/** The stored form of a presence. */
export function serialisePresence({ show, status, avatarHash }: FarPresence): string {
  return JSON.stringify([show, status, avatarHash]);
}

const shows: readonly string[] = ['online', 'chat', 'away', 'xa', 'dnd'] satisfies Show[];

/** What was shown according to the store. Damaged text stands for "something": it must be corrected, not forgotten. */
export function parsePresence(text: string): FarPresence {
  try {
    const value: unknown = JSON.parse(text);
    const [show, status, avatarHash] = Array.isArray(value) ? (value as unknown[]) : []; // each element is checked below
    const text1 = (part: unknown): string | null => (typeof part === 'string' ? part : null);
    if (typeof show === 'string' && shows.includes(show)) {
      return compact({
        kind: 'presence',
        show: show as Show, // one of the list
        status: text1(status),
        avatarHash: text1(avatarHash),
      });
    }
  } catch {
    // damaged
  }
  return compact({ kind: 'presence', show: 'online', status: null, avatarHash: null });
}

/** A contact nobody has said anything about. */
function newBuddy(peer: Account): Buddy {
  return { peer, pair: newPair, truth: away, shown: away, saved: away, epoch: 0, marks: 0 };
}

/** The contact's record, made when there is none. */
export function buddyOf(circle: Circle, peer: Account): Buddy {
  const known = circle.buddies.get(peer);
  if (known) return known;
  const made = newBuddy(peer);
  circle.buddies.set(peer, made);
  return made;
}

/** Forgets a contact about whom there is nothing to remember. */
export function prune(circle: Circle, buddy: Buddy): void {
  const isPlain = buddy.truth === away && buddy.shown === away && buddy.saved === away && buddy.marks === 0;
  if (isPlain && isBlank(buddy.pair)) circle.buddies.delete(buddy.peer);
}

export interface CirclesOptions {
  readonly state: StateStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** what may wait for a user whose records are being loaded */
  readonly waitingMax?: number;
}

export interface Circles {
  /** The user's circle, if it is loaded. */
  get(user: BareJid): Circle | undefined;
  /** Calls `act` with the user's circle: now if it is loaded, else when it is, in the order of the calls.
   * False: too much waits already, it will not be called. Never throws. */
  use(user: BareJid, act: (circle: Circle) => void): boolean;
  /** Loads it. Rejects `store-away`. */
  load(user: BareJid): Promise<Circle>;
  all(): Iterable<Circle>;
  /** Forgets the user in memory. */
  drop(user: BareJid): void;
  /** Ends the waiting for the store. */
  stop(): void;
}

export function makeCircles({ state, clock, log, meter, waitingMax = 2_000 }: CirclesOptions): Circles {
  const loaded = new Map<BareJid, Circle>();
  const loading = new Map<BareJid, Promise<Circle>>();
  const waiting = new Map<BareJid, ((circle: Circle) => void)[]>();
  const stopping = new AbortController();

  async function read(user: BareJid): Promise<Circle> {
    const [pairFields, shownFields] = await Promise.all([
      state.read(tables.pairs, user),
      state.read(tables.shown, user),
    ]);
    const circle: Circle = {
      ...{ user, buddies: new Map<Account, Buddy>(), dirty: [], epoch: 1 },
      ...{ isOnline: false, isReadable: true, comparedAtMs: -Infinity },
      ...{ resources: new Map(), frank: null, stale: null, told: null },
    };
    for (const [field, text] of pairFields) {
      const pair = parsePair(text);
      if (pair) buddyOf(circle, peerOf(field)).pair = compactPair(pair);
      else log.error({ peer: user }, 'a stored subscription could not be read, ignored');
    }
    // the lease of what was shown before the last end begins now: the truth is taken for that until it is known
    for (const [field, text] of shownFields) {
      const buddy = buddyOf(circle, peerOf(field));
      buddy.truth = buddy.shown = buddy.saved = parsePresence(text);
    }
    return circle;
  }

  function load(user: BareJid): Promise<Circle> {
    const known = loaded.get(user);
    if (known) return Promise.resolve(known);
    const begun = loading.get(user);
    if (begun) return begun;
    const made = read(user)
      .then((circle) => {
        loaded.set(user, circle);
        for (const act of waiting.get(user) ?? []) act(circle);
        waiting.delete(user);
        return circle;
      })
      .finally(() => loading.delete(user));
    loading.set(user, made);
    return made;
  }

  async function loadSurely(user: BareJid): Promise<void> {
    for (let attempt = 1; !stopping.signal.aborted && waiting.has(user); attempt += 1) {
      try {
        await load(user);
        return;
      } catch (thrown) {
        if (attempt === 1) log.warn({ peer: user, fault: toFault(thrown).code }, 'contacts could not be loaded yet');
        const pauseMs = backoffMs(attempt, clock.dice(), { baseMs: 100, capMs: 5_000 });
        await clock.sleep(pauseMs, stopping.signal).catch(() => undefined); // stop ends the pause
      }
    }
  }

  function use(user: BareJid, act: (circle: Circle) => void): boolean {
    const circle = loaded.get(user);
    if (circle) {
      act(circle);
      return true;
    }
    const queue = waiting.get(user);
    if (queue) {
      if (queue.length >= waitingMax) {
        meter.count('faults_total', { part: 'bridge', code: 'lane-full' });
        return false;
      }
      queue.push(act);
      return true;
    }
    waiting.set(user, [act]);
    void loadSurely(user);
    return true;
  }

  return {
    get: (user) => loaded.get(user),
    use,
    load,
    all: () => loaded.values(),
    drop(user) {
      loaded.delete(user);
      waiting.delete(user);
    },
    stop: () => stopping.abort(),
  };
}
