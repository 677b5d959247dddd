/**
 * What this process knows of each linked user and of each of their contacts: the subscription pair, the last presence from
 * the far side, what the user's server was sent, the user's own resources. Plain records, kept small (one per contact, no
 * closures, equal values shared). It decides nothing; presence, subscriptions and roster synchronisation work on it.
 */
import type { Account, BareJid } from '../../core/address';
import type { FarPresence, ResourcePresence, Show } from '../../core/model';
import { offline, type Presence } from '../../core/presence';
import { isBlank, newPair, type Pair } from '../../core/contacts/pair';

/** The tables of the store; their names are part of its layout. */
export const stateTables = {
  pairs: 'pairs',
  sentPresence: 'shown',
  labels: 'synced',
  notes: 'notes',
  settings: 'settings',
} as const;

export const unavailable: FarPresence = { kind: 'presence', ...offline, avatarHash: null };

/** Bits of ContactState.marks */
export const marks = {
  /** it waits in UserState.queued */
  queued: 1,
  /** the user's server asked, or may have lost what it was sent: send even if nothing changed */
  mustResend: 2,
  /** `subscribed` is on its way: presence that overtook it would be thrown away */
  awaitsSubscribed: 4,
} as const;

/** One contact of one user. */
export interface ContactState {
  readonly peer: Account;
  pair: Pair;
  /** what the far side said last, unavailable when its lease ran out */
  farPresence: FarPresence;
  /** what the user's server was sent last */
  sentPresence: FarPresence;
  /** what the store says that the server was sent: never unavailable while `sentPresence` is not, so that a crash can be
   * made good */
  storedPresence: FarPresence;
  /** UserState.sessionCount when the far presence was said */
  saidInSession: number;
  marks: number;
}

/** One linked user. */
export interface UserState {
  readonly user: BareJid;
  readonly contacts: Map<Account, ContactState>;
  /** contacts whose presence is to be looked at */
  queued: ContactState[];
  /** grows with every far session */
  sessionCount: number;
  /** the far session is up */
  hasFarSession: boolean;
  /** the user's server roster could be read the last time */
  isRosterReadable: boolean;
  /** the store knew subscriptions of the user, or the rosters were compared since: who is not among them is a stranger */
  arePairsKnown: boolean;
  /** what the gateway contact shows: how the link is */
  gatewayPresence: FarPresence;
  /** when the rosters were compared last, on the clock that never jumps */
  comparedAtMs: number;
  resources: ReadonlyMap<string, ResourcePresence>;
  /** resources that spoke to the gateway itself: it hears everything, so what single ghosts hear does not count */
  heardByGateway: Set<string> | null;
  /** resources not heard of since the stream came back */
  unconfirmed: Set<string> | null;
  /** own presence as the far side has it, null = to be sent */
  sentToFar: Presence | null;
}

/** Nothing but available. */
export const available: FarPresence = { kind: 'presence', show: 'online', status: null, avatarHash: null };

const plainPresences = new Map<Show, FarPresence>([['online', available]]);

/** The one object for presences that say nothing but a show, so that most contacts share it. */
export function sharedPresence(presence: FarPresence): FarPresence {
  const { show } = presence;
  if (show === 'offline') return unavailable;
  if (presence.status || presence.avatarHash !== null) return presence;
  const known = plainPresences.get(show) ?? { kind: 'presence', show, status: null, avatarHash: null };
  plainPresences.set(show, known);
  return known;
}

const knownPairs = new Map<string, Pair>();

/** The one object of a pair (there are 144): a contact keeps a pointer. */
export function sharedPair(pair: Pair): Pair {
  const key = `${pair.state} ${Number(pair.approved)}${Number(pair.denied)}${Number(pair.refused)}${Number(pair.left)}`;
  const known = knownPairs.get(key) ?? pair;
  knownPairs.set(key, known);
  return known;
}

const fieldOfGateway = '@';
/** The field of a peer in a table of the store: no account is named `@`, and an empty field would be easily lost. */
export const fieldOf = (peer: Account): string => (peer === '' ? fieldOfGateway : peer);
export const peerOfField = (field: string): Account => (field === fieldOfGateway ? '' : field) as Account; // written by fieldOf

/** The stored form of a presence. */
export function serialisePresence({ show, status, avatarHash }: FarPresence): string {
  return JSON.stringify([show, status, avatarHash]);
}

const shows: readonly string[] = ['online', 'chat', 'away', 'xa', 'dnd'] satisfies Show[];

/** What was sent according to the store. Damaged text stands for "something": it must be corrected, not forgotten. */
export function parsePresence(text: string): FarPresence {
  try {
    const value: unknown = JSON.parse(text);
    const [show, status, avatarHash] = Array.isArray(value) ? (value as unknown[]) : []; // each element is checked below
    const textOrNull = (part: unknown): string | null => (typeof part === 'string' ? part : null);
    if (typeof show === 'string' && shows.includes(show)) {
      return sharedPresence({
        kind: 'presence',
        show: show as Show, // one of the list
        status: textOrNull(status),
        avatarHash: textOrNull(avatarHash),
      });
    }
  } catch {
    // damaged
  }
  return sharedPresence({ kind: 'presence', show: 'online', status: null, avatarHash: null });
}

/** A contact nobody has said anything about. */
function newContactState(peer: Account): ContactState {
  return {
    peer,
    pair: newPair,
    farPresence: unavailable,
    sentPresence: unavailable,
    storedPresence: unavailable,
    saidInSession: 0,
    marks: 0,
  };
}

/** The contact's record, made when there is none. */
export function contactStateOf(userState: UserState, peer: Account): ContactState {
  const known = userState.contacts.get(peer);
  if (known) return known;
  const made = newContactState(peer);
  userState.contacts.set(peer, made);
  return made;
}

/** Forgets a contact about whom there is nothing to remember. */
export function forgetIfBlank(userState: UserState, contact: ContactState): void {
  const isPlain =
    contact.farPresence === unavailable &&
    contact.sentPresence === unavailable &&
    contact.storedPresence === unavailable &&
    contact.marks === 0;
  if (isPlain && isBlank(contact.pair)) userState.contacts.delete(contact.peer);
}
