/**
 * Presence subscription between a Jabber user and a ghost: RFC 6121 appendix A as data. The bridge is the ghost's server.
 * `inbound` verbs come from the user (A.3), `outbound` ones from the far side on behalf of the ghost (A.2).
 *
 * Where a row differs from the appendix, or guards against a peer, it has a note. Four things that nine states cannot
 * hold are remembered beside them: pair.ts. Nothing is sent from here, and a verb is never mirrored to its sender.
 */
import type { SubscriptionVerb } from '../model';
import { halvesOf, type Pair, type PairState } from './pair';

export * from './pair'; // verbs and pairs are used together

export type Side = 'inbound' | 'outbound';

/** What a row does: pass the verb on; answer its sender `subscribed`, `unsubscribed` or `unsubscribe`; show or hide the ghost. */
type Reaction = 'pass' | 'confirm' | 'refuse' | 'decline' | 'show' | 'hide';

export interface Row {
  readonly state: PairState;
  readonly side: Side;
  readonly verb: SubscriptionVerb;
  readonly next: PairState;
  readonly reactions: readonly Reaction[];
  readonly note: string | null;
}

type Cell = readonly [next: PairState, reactions: readonly Reaction[], note?: string];

const ignore: readonly Reaction[] = [];
const pass: readonly Reaction[] = ['pass'];
const passShow: readonly Reaction[] = ['pass', 'show'];
const passHide: readonly Reaction[] = ['pass', 'hide'];
const hidePass: readonly Reaction[] = ['hide', 'pass'];
const confirmShow: readonly Reaction[] = ['confirm', 'show'];
const passConfirm: readonly Reaction[] = ['pass', 'confirm'];
const decline: readonly Reaction[] = ['decline'];

const repeated = 'Prosody repeats a pending subscribe at every login: one request to the far side is enough';
const already = 'asked again although subscribed: the server has lost it, so it gets the answer and the presence again';
const early = 'never an unsolicited subscribed (XEP-0100, servers ignore it): remembered as an approval in advance';
const late =
  'an approval of what is not asked any more (it crossed a denial or a retreat): taken back, or it would stand unseen';
const approvedAlready = 'the far side asks again although the user has approved: it gets the answer at once';

function given(side: Side, verb: SubscriptionVerb, cells: Readonly<Record<PairState, Cell>>): readonly Row[] {
  const states = Object.keys(cells) as PairState[]; // the keys of a record over PairState
  return states.map((state) => {
    const [next, reactions, note] = cells[state];
    return { state, side, verb, next, reactions, note: note ?? null };
  });
}

/** 9 states x 2 sides x 4 verbs. */
export const rows: readonly Row[] = [
  ...given('inbound', 'subscribe', {
    none: ['none+in', pass],
    'none+out': ['none+out+in', pass],
    'none+in': ['none+in', ignore, repeated],
    'none+out+in': ['none+out+in', ignore, repeated],
    to: ['to+in', pass],
    'to+in': ['to+in', ignore, repeated],
    from: ['from', confirmShow, already],
    'from+out': ['from+out', confirmShow, already],
    both: ['both', confirmShow, already],
  }),
  ...given('inbound', 'subscribed', {
    none: ['none', decline, late],
    'none+out': ['to', pass],
    'none+in': ['none+in', decline, late],
    'none+out+in': ['to+in', pass],
    to: ['to', ignore],
    'to+in': ['to+in', ignore],
    from: ['from', decline, late],
    'from+out': ['both', pass],
    both: ['both', ignore],
  }),
  ...given('inbound', 'unsubscribe', {
    none: ['none', ignore],
    'none+out': ['none+out', ignore],
    'none+in': ['none', pass],
    'none+out+in': ['none+out', pass],
    to: ['to', ignore],
    'to+in': ['to', pass],
    from: ['none', passHide],
    'from+out': ['none+out', passHide],
    both: ['to', passHide],
  }),
  ...given('inbound', 'unsubscribed', {
    none: ['none', ignore],
    'none+out': ['none', pass],
    'none+in': ['none+in', ignore],
    'none+out+in': ['none+in', pass],
    to: ['none', pass],
    'to+in': ['none+in', pass],
    from: ['from', ignore],
    'from+out': ['from', pass],
    both: ['from', pass],
  }),
  ...given('outbound', 'subscribe', {
    none: ['none+out', pass],
    'none+out': ['none+out', pass],
    'none+in': ['none+out+in', pass],
    'none+out+in': ['none+out+in', pass],
    to: ['to', passConfirm, approvedAlready],
    'to+in': ['to+in', passConfirm, approvedAlready],
    from: ['from+out', pass],
    'from+out': ['from+out', pass],
    both: ['both', passConfirm, approvedAlready],
  }),
  ...given('outbound', 'subscribed', {
    none: ['none', ignore, early],
    'none+out': ['none+out', ignore, early],
    'none+in': ['from', passShow],
    'none+out+in': ['from+out', passShow],
    to: ['to', ignore, early],
    'to+in': ['both', passShow],
    from: ['from', ignore],
    'from+out': ['from+out', ignore],
    both: ['both', ignore],
  }),
  ...given('outbound', 'unsubscribe', {
    none: ['none', pass],
    'none+out': ['none', pass],
    'none+in': ['none+in', pass],
    'none+out+in': ['none+in', pass],
    to: ['none', pass],
    'to+in': ['none+in', pass],
    from: ['from', pass],
    'from+out': ['from', pass],
    both: ['from', pass],
  }),
  ...given('outbound', 'unsubscribed', {
    none: ['none', ignore],
    'none+out': ['none+out', ignore],
    'none+in': ['none', pass],
    'none+out+in': ['none+out', pass],
    to: ['to', ignore],
    'to+in': ['to', pass],
    from: ['none', hidePass],
    'from+out': ['none+out', hidePass],
    both: ['to', hidePass],
  }),
];

const key = (state: PairState, side: Side, verb: SubscriptionVerb): string => `${state} ${side} ${verb}`;
const index: ReadonlyMap<string, Row> = new Map(rows.map((row) => [key(row.state, row.side, row.verb), row]));

function find(state: PairState, side: Side, verb: SubscriptionVerb): Row {
  const row = index.get(key(state, side, verb));
  if (row === undefined) throw new TypeError(`no row for ${key(state, side, verb)}`); // the record types rule it out
  return row;
}

/** In order. `show`, `hide`: send the ghost's current presence, or unavailable, to the user. */
export type Effect =
  | { readonly do: 'toFar' | 'toJabber'; readonly verb: SubscriptionVerb }
  | { readonly do: 'show' }
  | { readonly do: 'hide' };

export interface Transition {
  readonly next: Pair;
  readonly effects: readonly Effect[];
}

/**
 * Is a verb that was meant for the user's server a while ago not true any more? Said again after the user has answered or
 * asked anew, it would ask them again, or end what they have just asked for.
 */
export function isSuperseded(pair: Pair, verb: SubscriptionVerb): boolean {
  const { sees, seen } = halvesOf(pair.state);
  switch (verb) {
    case 'subscribe':
      return seen === 'no'; // where it is granted already the server answers by itself
    case 'subscribed':
      return sees !== 'yes';
    case 'unsubscribe':
      return seen !== 'no';
    case 'unsubscribed':
      return sees !== 'no';
  }
}

/** What memory answers instead of a row; only while the half that the verb is about is "no". */
function fromMemory({ state, approved, denied }: Pair, side: Side, verb: SubscriptionVerb): Row | null {
  const { sees, seen } = halvesOf(state);
  const row = find(state, side, verb);
  if (approved && sees === 'no' && side === 'inbound' && verb === 'subscribe') {
    return { ...row, next: find(row.next, 'outbound', 'subscribed').next, reactions: confirmShow };
  }
  if (approved && sees === 'no' && side === 'inbound' && verb === 'unsubscribe') return { ...row, reactions: pass };
  if (denied && seen === 'no' && side === 'outbound' && verb === 'subscribe') {
    return { ...row, next: state, reactions: ['refuse'] };
  }
  return null;
}

/** What is remembered after a verb. A denial outlives the other side's retreat, or it could simply ask again. */
function remember(pair: Pair, side: Side, verb: SubscriptionVerb, after: PairState): Omit<Pair, 'state'> {
  const { sees, seen } = halvesOf(pair.state);
  const { approved, denied, refused, left } = pair;
  const isLeaving = left || (after === 'none' && (sees !== 'no' || seen === 'yes'));
  switch (`${side} ${verb}` as const) {
    case 'inbound subscribe':
      return { approved: false, denied: false, refused: false, left: false };
    case 'inbound subscribed':
      return { approved, denied: false, refused, left: false };
    case 'inbound unsubscribe':
      return { approved: false, denied, refused, left: isLeaving };
    case 'inbound unsubscribed':
      return { approved, denied: denied || seen === 'pending', refused, left: isLeaving };
    case 'outbound subscribed':
      return { approved: approved || sees === 'no', denied, refused: false, left };
    case 'outbound unsubscribed':
      return { approved: false, denied, refused: refused || sees === 'pending', left };
    case 'outbound subscribe':
      return { approved, denied, refused, left: false };
    case 'outbound unsubscribe':
      return { approved, denied, refused, left };
  }
}

/** One verb on a pair: the pair afterwards and what is to be done, in order. Total; never throws. */
export function applyVerb(pair: Pair, side: Side, verb: SubscriptionVerb): Transition {
  const { next, reactions: reactions } = fromMemory(pair, side, verb) ?? find(pair.state, side, verb);
  const [onward, back] = side === 'inbound' ? (['toFar', 'toJabber'] as const) : (['toJabber', 'toFar'] as const);
  const effects = reactions.map((deed): Effect => {
    switch (deed) {
      case 'pass':
        return { do: onward, verb };
      case 'confirm':
        return { do: back, verb: 'subscribed' };
      case 'refuse':
        return { do: back, verb: 'unsubscribed' };
      case 'decline':
        return { do: back, verb: 'unsubscribe' };
      case 'show':
      case 'hide':
        return { do: deed };
    }
  });
  return { next: { state: next, ...remember(pair, side, verb, next) }, effects };
}
