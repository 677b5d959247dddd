/**
 * Verbs that cross on the wire, where nobody can look into the server's roster: every state that two queues of two verbs
 * can lead to. What may be left is listed, and that each of it ends when one of the two speaks again.
 */
import type { SubscriptionVerb } from '../../../src/core/model';
import {
  halvesOf,
  newPair,
  serialisePair,
  applyVerb,
  type Half,
  type Pair,
  type Side,
} from '../../../src/core/contacts/subscription';
import { UserServer } from '../../support/fakes/user-server';

const verbs: readonly SubscriptionVerb[] = ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'];
const waitingMax = 2;

interface State {
  readonly to: Half;
  readonly from: Half;
  readonly pair: Pair;
  readonly toUs: readonly SubscriptionVerb[];
  readonly toServer: readonly SubscriptionVerb[];
}

const serverOf = ({ to, from }: State): UserServer => Object.assign(new UserServer(), { to, from });

function userSays(state: State, verb: SubscriptionVerb): State {
  const server = serverOf(state);
  const isRouted = server.outbound(verb);
  return { ...state, to: server.to, from: server.from, toUs: isRouted ? [...state.toUs, verb] : state.toUs };
}

function weHear(state: State, side: Side, verb: SubscriptionVerb): State {
  const { next, effects } = applyVerb(state.pair, side, verb);
  const said = effects.flatMap((effect) => (effect.do === 'toJabber' ? [effect.verb] : []));
  return { ...state, pair: next, toServer: [...state.toServer, ...said] };
}

function arrive(state: State, at: 'us' | 'server'): State | null {
  const [verb, ...rest] = at === 'us' ? state.toUs : state.toServer;
  if (verb === undefined) return null;
  if (at === 'us') return weHear({ ...state, toUs: rest }, 'inbound', verb);
  const server = serverOf(state);
  const reply = server.inbound(verb);
  const toUs = reply === null ? state.toUs : [...state.toUs, reply];
  return { ...state, to: server.to, from: server.from, toServer: rest, toUs };
}

function settle(state: State): State {
  let now = state;
  for (let next: State | null = now; next !== null; next = arrive(now, 'us') ?? arrive(now, 'server')) now = next;
  return now;
}

const keyOf = ({ to, from, pair, toUs, toServer }: State): string =>
  [to, from, serialisePair(pair), toUs.join(), toServer.join()].join(' ');

/** Every quiet state that can be reached. */
function quietStates(): State[] {
  const start: State = { to: 'no', from: 'no', pair: newPair, toUs: [], toServer: [] };
  const seen = new Set([keyOf(start)]);
  const quiet: State[] = [];
  for (let front: State[] = [start]; front.length > 0;) {
    const next: State[] = [];
    for (const state of front) {
      if (state.toUs.length + state.toServer.length === 0) quiet.push(state);
      const moves = [
        ...verbs.flatMap((verb) => [userSays(state, verb), weHear(state, 'outbound', verb)]),
        arrive(state, 'us'),
        arrive(state, 'server'),
      ];
      for (const one of moves) {
        if (one === null || Math.max(one.toUs.length, one.toServer.length) > waitingMax) continue;
        const key = keyOf(one);
        if (seen.has(key)) continue;
        seen.add(key);
        next.push(one);
      }
    }
    front = next;
  }
  return quiet;
}

/** Where we and the server say different things. */
function differences({ to, from, pair }: State): string[] {
  const { sees, seen } = halvesOf(pair.state);
  return [
    ...(sees === to ? [] : [`the user sees the contact: we say ${sees}, the server ${to}`]),
    ...(seen === from ? [] : [`the contact sees the user: we say ${seen}, the server ${from}`]),
  ];
}

const states = quietStates();
const differing = states.filter((state) => differences(state).length > 0);

test('what crossing verbs can leave behind: nobody ever sees more than they were granted', () => {
  expect(states.length).toBeGreaterThan(50);
  expect([...new Set(differing.flatMap(differences))].sort()).toEqual([
    'the contact sees the user: we say no, the server pending', // a request shown to the user that nobody waits for
    'the contact sees the user: we say yes, the server pending', // a request shown although it was granted
    'the user sees the contact: we say pending, the server no', // a request that the user's server has given up
    'the user sees the contact: we say pending, the server yes', // granted, and the far side is asked again
    'the user sees the contact: we say yes, the server no', // presence that the user's server throws away
  ]);
});

test('and each of it ends when the user asks again, or answers what is shown', () => {
  for (const state of differing) {
    let now = settle(userSays(state, 'subscribe'));
    if (halvesOf(now.pair.state).sees === 'pending') now = settle(weHear(now, 'outbound', 'subscribed'));
    if (now.from === 'pending') now = settle(userSays(now, 'subscribed'));
    expect({ state, now, left: differences(now) }).toEqual({ state, now, left: [] });
  }
});
