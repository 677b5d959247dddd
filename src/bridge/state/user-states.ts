/**
 * Loads what is known of a user from the store, once; what is to be done with it meanwhile waits here, in order and
 * bounded. While the store is away it tries again; it never gives a half-loaded record.
 */
import type { Account, BareJid } from '../../core/address';
import { toFault } from '../../core/fault';
import { parsePair } from '../../core/contacts/pair';
import { backoffMs } from '../../core/retry';
import type { Clock, Log, Meter, StateStore } from '../ports';
import {
  available,
  contactStateOf,
  parsePresence,
  peerOfField,
  sharedPair,
  stateTables,
  type ContactState,
  type UserState,
} from './user-state';

export interface UserStatesOptions {
  readonly state: StateStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** calls that may wait for a user whose records are being loaded */
  readonly waitingMax?: number;
}

export interface UserStates {
  /** What is known of the user, if it is loaded. */
  get(user: BareJid): UserState | undefined;
  /** Calls `act` with what is known of the user: now if it is loaded, else when it is, in the order of the calls.
   * False: too much waits already, it will not be called. Never throws. */
  use(user: BareJid, act: (userState: UserState) => void): boolean;
  /** Loads it. Rejects `store-away`. */
  load(user: BareJid): Promise<UserState>;
  all(): Iterable<UserState>;
  /** Forgets the user in memory. */
  drop(user: BareJid): void;
  /** Ends the waiting for the store. */
  stop(): void;
}

export function makeUserStates({ state, clock, log, meter, waitingMax = 2_000 }: UserStatesOptions): UserStates {
  const loaded = new Map<BareJid, UserState>();
  const loading = new Map<BareJid, Promise<UserState>>();
  const waiting = new Map<BareJid, ((userState: UserState) => void)[]>();
  const stopping = new AbortController();

  async function read(user: BareJid): Promise<UserState> {
    const [pairFields, sentFields] = await Promise.all([
      state.read(stateTables.pairs, user),
      state.read(stateTables.sentPresence, user),
    ]);
    const userState: UserState = {
      user,
      contacts: new Map<Account, ContactState>(),
      queued: [],
      sessionCount: 1,
      hasFarSession: false,
      isRosterReadable: true,
      comparedAtMs: -Infinity,
      arePairsKnown: pairFields.size > 0,
      gatewayPresence: available,
      resources: new Map(),
      heardByGateway: null,
      unconfirmed: null,
      sentToFar: null,
    };
    for (const [field, text] of pairFields) {
      const pair = parsePair(text);
      if (pair) contactStateOf(userState, peerOfField(field)).pair = sharedPair(pair);
      else log.error({ peer: user }, 'a stored subscription could not be read, ignored');
    }
    // the lease of what was sent before the last end begins now: it counts as the far presence until that is known
    for (const [field, text] of sentFields) {
      const contact = contactStateOf(userState, peerOfField(field));
      contact.farPresence = contact.sentPresence = contact.storedPresence = parsePresence(text);
    }
    return userState;
  }

  function load(user: BareJid): Promise<UserState> {
    const known = loaded.get(user);
    if (known) return Promise.resolve(known);
    const begun = loading.get(user);
    if (begun) return begun;
    const made = read(user)
      .then((userState) => {
        loaded.set(user, userState);
        for (const act of waiting.get(user) ?? []) act(userState);
        waiting.delete(user);
        return userState;
      })
      .finally(() => loading.delete(user));
    loading.set(user, made);
    return made;
  }

  async function loadWithRetries(user: BareJid): Promise<void> {
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

  function use(user: BareJid, act: (userState: UserState) => void): boolean {
    const userState = loaded.get(user);
    if (userState) {
      act(userState);
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
    void loadWithRetries(user);
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
