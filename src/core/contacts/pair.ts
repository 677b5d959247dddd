/**
 * What is known of a Jabber user and a ghost: one of the nine states of RFC 6121 appendix A.1, from the viewpoint of the
 * ghost's roster ("from" = the user sees the ghost, "to" = the ghost sees the user), and four things that nine states
 * cannot hold. How a pair changes stands in subscription.ts.
 */

export type PairState = 'none' | 'none+out' | 'none+in' | 'none+out+in' | 'to' | 'to+in' | 'from' | 'from+out' | 'both';

/** Each state is two independent halves: `sees` (the user sees the ghost) and `seen` (the ghost sees the user). */
export type Half = 'no' | 'pending' | 'yes';
export interface Halves {
  readonly sees: Half;
  readonly seen: Half;
}

const halvesByState: Readonly<Record<PairState, Halves>> = {
  none: { sees: 'no', seen: 'no' },
  'none+out': { sees: 'no', seen: 'pending' },
  'none+in': { sees: 'pending', seen: 'no' },
  'none+out+in': { sees: 'pending', seen: 'pending' },
  to: { sees: 'no', seen: 'yes' },
  'to+in': { sees: 'pending', seen: 'yes' },
  from: { sees: 'yes', seen: 'no' },
  'from+out': { sees: 'yes', seen: 'pending' },
  both: { sees: 'yes', seen: 'yes' },
};
/** All nine. */
export const pairStates = Object.keys(halvesByState) as readonly PairState[]; // the keys of a record over PairState

export function halvesOf(state: PairState): Halves {
  return halvesByState[state];
}

export function stateOf({ sees, seen }: Halves): PairState {
  const isIt = (state: PairState): boolean => halvesByState[state].sees === sees && halvesByState[state].seen === seen;
  return pairStates.find(isIt) ?? 'none'; // all nine combinations are there
}

/** May the user see the ghost's presence? Decides the answers to probes and what is sent. */
export function maySee(pair: Pair): boolean {
  return halvesOf(pair.state).sees === 'yes';
}

/** The same subscription in the roster of the other one: what the user's server has when both agree. */
export function mirrorOf(state: PairState): PairState {
  const { sees, seen } = halvesOf(state);
  return stateOf({ sees: seen, seen: sees });
}

/** Do our state and that of the user's server (of the ghost, in the user's roster) say the same? */
export function isConsistent(ours: PairState, theirs: PairState): boolean {
  return mirrorOf(ours) === theirs;
}

/** What is stored for a user and a ghost. */
export interface Pair {
  readonly state: PairState;
  /** the far side has approved in advance (RFC 6121 section 3.4): a subscribe is answered without asking there */
  readonly approved: boolean;
  /** the user has denied a request of the ghost: it is answered without asking again, until the user wants the contact */
  readonly denied: boolean;
  /** the far side has denied the user's request; a server that still shows it as open must be told again */
  readonly refused: boolean;
  /** the user has ended all there was: a contact that is not on their roster either was deleted by them */
  readonly left: boolean;
}

export const newPair: Pair = { state: 'none', approved: false, denied: false, refused: false, left: false };

/** True when nothing needs to be stored. */
export function isBlank(pair: Pair): boolean {
  return pair.state === 'none' && flags.every((flag) => !pair[flag]);
}

/** The stored form: the state and what is remembered, `from+out denied`, as JSON text. */
export function serialisePair(pair: Pair): string {
  const words = [pair.state, ...flags.filter((flag) => pair[flag])];
  return JSON.stringify(words.join(' '));
}

const flags = ['approved', 'denied', 'refused', 'left'] as const;

/** Null when the text is not a stored pair (an older or damaged store). Never throws. */
export function parsePair(text: string): Pair | null {
  const [, inner] = /^"([a-z+ ]*)"$/.exec(text) ?? [];
  const [first, ...rest] = inner?.split(' ') ?? [];
  const state = pairStates.find((known) => known === first);
  const known = flags.filter((flag) => rest.includes(flag));
  if (state === undefined || known.length !== rest.length) return null;
  return {
    state,
    approved: rest.includes('approved'),
    denied: rest.includes('denied'),
    refused: rest.includes('refused'),
    left: rest.includes('left'),
  };
}
