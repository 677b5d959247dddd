import fc from 'fast-check';
import type { SubscriptionVerb } from '../../../src/core/model';
import {
  halvesOf,
  isBlank,
  isConsistent,
  isSuperseded,
  maySee,
  mirrorOf,
  newPair,
  pairStates,
  parsePair,
  rows,
  serialisePair,
  stateOf,
  applyVerb,
  type Effect,
  type Pair,
  type PairState,
  type Side,
} from '../../../src/core/contacts/subscription';
import { UserServer } from '../../support/fakes/user-server';

const verbs: readonly SubscriptionVerb[] = ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'];
const sides: readonly Side[] = ['inbound', 'outbound'];
const pairOf = (state: PairState, flags: Partial<Pair> = {}): Pair => ({ ...newPair, state, ...flags });
const anyPair = fc.record<Pair>({
  state: fc.constantFrom(...pairStates),
  approved: fc.boolean(),
  denied: fc.boolean(),
  refused: fc.boolean(),
  left: fc.boolean(),
});
const anyMove = fc.tuple(fc.constantFrom(...sides), fc.constantFrom(...verbs));

/** Effects as words: `>far subscribe`, `>jabber subscribed`, `show`, `hide`. */
const words = (effects: readonly Effect[]): string[] =>
  effects.map((effect) => ('verb' in effect ? `>${effect.do.slice(2).toLowerCase()} ${effect.verb}` : effect.do));

describe('the table', () => {
  test('has exactly 72 distinct rows: 9 states x 2 sides x 4 verbs', () => {
    const wanted = pairStates.flatMap((state) =>
      sides.flatMap((side) => verbs.map((verb) => `${state} ${side} ${verb}`)),
    );
    const there = rows.map(({ state, side, verb }) => `${state} ${side} ${verb}`);
    expect(wanted).toHaveLength(72);
    expect(there).toHaveLength(72);
    expect(new Set(there)).toEqual(new Set(wanted));
  });

  const appendixOrder: readonly PairState[] = [
    ...(['none', 'none+out', 'none+in', 'none+out+in', 'to', 'to+in', 'from', 'from+out', 'both'] as const),
  ];
  /** RFC 6121 appendix A: new state per old state in the order above, `.` = no change; an `!` = delivered or routed. */
  test.each<[Side, SubscriptionVerb, string]>([
    ['outbound', 'subscribe', '!none+out !. !none+out+in !. !. !. !from+out !. !.'],
    ['outbound', 'unsubscribe', '!. !none !. !none+in !none !none+in !. !from !from'],
    ['outbound', 'subscribed', '. . !from !from+out . !both . . .'],
    ['outbound', 'unsubscribed', '. . !none !none+out . !to !none !none+out !to'],
    ['inbound', 'subscribe', '!none+in !none+out+in . . !to+in . . . .'],
    ['inbound', 'unsubscribe', '. . !none !none+out . !to !none !none+out !to'],
    ['inbound', 'subscribed', '. !to . !to+in . . . !both .'],
    ['inbound', 'unsubscribed', '. !none . !none+in !none !none+in . !from !from'],
  ])('%s %s is as in the appendix', (side, verb, line) => {
    const found = appendixOrder.map((state) => {
      const row = rows.find((one) => one.state === state && one.side === side && one.verb === verb);
      return `${row?.reactions.includes('pass') ? '!' : ''}${row?.next === state ? '.' : row?.next}`;
    });
    expect(found.join(' ')).toBe(line);
  });

  test('every row that adds something to the appendix, or keeps silent for a reason, says why', () => {
    const odd = rows.filter(({ reactions: deeds }) => deeds.includes('confirm') || deeds.includes('refuse'));
    expect(odd.length).toBeGreaterThan(0);
    expect(odd.filter(({ note }) => note === null)).toEqual([]);
  });

  test('the ghost is shown exactly when the user begins to see it or asks again, hidden exactly when that ends', () => {
    for (const { state, next, side, verb, reactions: deeds } of rows) {
      const [before, after] = [halvesOf(state).sees === 'yes', halvesOf(next).sees === 'yes'];
      const again = before && side === 'inbound' && verb === 'subscribe';
      expect([state, verb, deeds.includes('show')]).toEqual([state, verb, (!before && after) || again]);
      expect([state, verb, deeds.includes('hide')]).toEqual([state, verb, before && !after]);
    }
  });
});

describe('step', () => {
  test.each<[string, Pair, Side, SubscriptionVerb, Pair, string[]]>([
    ['the user asks', pairOf('none'), 'inbound', 'subscribe', pairOf('none+in'), ['>far subscribe']],
    [
      'the far side approves',
      pairOf('none+in'),
      'outbound',
      'subscribed',
      pairOf('from'),
      ['>jabber subscribed', 'show'],
    ],
    [
      'the far side denies',
      pairOf('none+in'),
      'outbound',
      'unsubscribed',
      pairOf('none', { refused: true }),
      ['>jabber unsubscribed'],
    ],
    [
      'the user asks once more',
      pairOf('none', { refused: true }),
      'inbound',
      'subscribe',
      pairOf('none+in'),
      ['>far subscribe'],
    ],
    ['the server repeats a pending request', pairOf('none+in'), 'inbound', 'subscribe', pairOf('none+in'), []],
    [
      'the server has forgotten',
      pairOf('both'),
      'inbound',
      'subscribe',
      pairOf('both'),
      ['>jabber subscribed', 'show'],
    ],
    [
      'an approval nobody asked for is kept',
      pairOf('none'),
      'outbound',
      'subscribed',
      pairOf('none', { approved: true }),
      [],
    ],
    [
      'and answers the request when it comes',
      pairOf('to', { approved: true }),
      'inbound',
      'subscribe',
      pairOf('both'),
      ['>jabber subscribed', 'show'],
    ],
    ['unless taken back', pairOf('none', { approved: true }), 'outbound', 'unsubscribed', pairOf('none'), []],
    [
      'the user gives it back unused',
      pairOf('none', { approved: true }),
      'inbound',
      'unsubscribe',
      pairOf('none'),
      ['>far unsubscribe'],
    ],
    ['the far side asks', pairOf('from'), 'outbound', 'subscribe', pairOf('from+out'), ['>jabber subscribe']],
    ['the user approves', pairOf('from+out'), 'inbound', 'subscribed', pairOf('both'), ['>far subscribed']],
    [
      'the user denies',
      pairOf('none+out'),
      'inbound',
      'unsubscribed',
      pairOf('none', { denied: true }),
      ['>far unsubscribed'],
    ],
    [
      'who was denied and asks again is told, the user is not asked',
      pairOf('none', { denied: true }),
      'outbound',
      'subscribe',
      pairOf('none', { denied: true }),
      ['>far unsubscribed'],
    ],
    [
      'retreating in between does not help',
      pairOf('none', { denied: true }),
      'outbound',
      'unsubscribe',
      pairOf('none', { denied: true }),
      ['>jabber unsubscribe'],
    ],
    [
      'the user wants the contact after all',
      pairOf('none', { denied: true }),
      'inbound',
      'subscribe',
      pairOf('none+in'),
      ['>far subscribe'],
    ],
    [
      'taking back an approval is no denial',
      pairOf('to'),
      'inbound',
      'unsubscribed',
      pairOf('none', { left: true }),
      ['>far unsubscribed'],
    ],
    [
      'the far side has forgotten',
      pairOf('to'),
      'outbound',
      'subscribe',
      pairOf('to'),
      ['>jabber subscribe', '>far subscribed'],
    ],
    ['the user leaves', pairOf('both'), 'inbound', 'unsubscribe', pairOf('to'), ['>far unsubscribe', 'hide']],
    [
      'the far side throws the user out',
      pairOf('both'),
      'outbound',
      'unsubscribed',
      pairOf('to'),
      ['hide', '>jabber unsubscribed'],
    ],
  ])('%s', (_, pair, side, verb, next, effects) => {
    const taken = applyVerb(pair, side, verb);
    expect(taken.next).toEqual(next);
    expect(words(taken.effects)).toEqual(effects);
  });

  test('a user who ends all there was has left; a denial, the far side, or half an end is no leaving', () => {
    const after = (pair: Pair, ...moves: readonly (readonly [Side, SubscriptionVerb])[]): boolean =>
      moves.reduce((now, [side, verb]) => applyVerb(now, side, verb).next, pair).left;
    const [unsubscribe, unsubscribed] = [['inbound', 'unsubscribe'] as const, ['inbound', 'unsubscribed'] as const];
    const far = ['outbound', 'unsubscribe'] as const;
    expect(after(pairOf('both'), unsubscribed, unsubscribe)).toBe(true);
    expect(after(pairOf('both'), unsubscribe, unsubscribed)).toBe(true);
    expect(after(pairOf('none+in'), unsubscribe)).toBe(true);
    expect(after(pairOf('both'), unsubscribe)).toBe(false);
    expect(after(pairOf('none+out'), unsubscribed)).toBe(false);
    expect(after(pairOf('to'), far)).toBe(false);
    expect(after(pairOf('both'), unsubscribed, unsubscribe, ['inbound', 'subscribe'])).toBe(false);
    expect(after(pairOf('both'), unsubscribed, unsubscribe, ['outbound', 'subscribe'])).toBe(false);
  });

  test('removing a contact, in whatever order a server says so and however often, ends at none', () => {
    const removal = fc.array(fc.constantFrom<SubscriptionVerb>('unsubscribe', 'unsubscribed'), { maxLength: 5 });
    fc.assert(
      fc.property(anyPair, removal, fc.boolean(), (pair, rest, firstOne) => {
        const both: SubscriptionVerb[] = firstOne ? ['unsubscribe', 'unsubscribed'] : ['unsubscribed', 'unsubscribe'];
        const after = [...both, ...rest].reduce((now, verb) => applyVerb(now, 'inbound', verb).next, pair);
        expect([after.state, after.approved]).toEqual(['none', false]);
      }),
    );
  });

  test('a verb from the user is never sent back to the user, nor one from the far side to the far side', () => {
    fc.assert(
      fc.property(anyPair, anyMove, (pair, [side, verb]) => {
        const sent = words(applyVerb(pair, side, verb).effects);
        expect(sent).not.toContain(`${side === 'inbound' ? '>jabber' : '>far'} ${verb}`);
      }),
    );
  });

  test('subscribed is said only to a user who asks, or who waits for it', () => {
    fc.assert(
      fc.property(anyPair, anyMove, (pair, [side, verb]) => {
        const said = words(applyVerb(pair, side, verb).effects);
        if (!said.includes('>jabber subscribed')) return;
        const isAsking = side === 'inbound' && verb === 'subscribe';
        expect(isAsking || halvesOf(pair.state).sees === 'pending').toBe(true);
      }),
    );
  });

  test('what is said now is never superseded; what the user has answered or taken back since then is', () => {
    fc.assert(
      fc.property(anyPair, anyMove, (pair, [side, verb]) => {
        const { next, effects } = applyVerb(pair, side, verb);
        for (const effect of effects) if (effect.do === 'toJabber') expect(isSuperseded(next, effect.verb)).toBe(false);
      }),
    );
    const superseded = (state: PairState): SubscriptionVerb[] =>
      verbs.filter((verb) => isSuperseded(pairOf(state), verb));
    expect(superseded('none')).toEqual(['subscribe', 'subscribed']);
    expect(superseded('none+in')).toEqual(['subscribe', 'subscribed', 'unsubscribed']);
    expect(superseded('none+out')).toEqual(['subscribed', 'unsubscribe']);
    expect(superseded('both')).toEqual(['unsubscribe', 'unsubscribed']);
  });

  test('what is remembered is only what the state does not say', () => {
    const moves = fc.array(anyMove, { maxLength: 30 });
    fc.assert(
      fc.property(moves, (all) => {
        const pair = all.reduce((now, [side, verb]) => applyVerb(now, side, verb).next, newPair);
        const { sees, seen } = halvesOf(pair.state);
        if (pair.approved || pair.refused) expect(sees).toBe('no');
        if (pair.denied) expect(seen).toBe('no');
        if (pair.left) expect(pair.state).not.toMatch(/to|from|both|out/);
      }),
    );
  });
});

describe('two coupled tables', () => {
  test('any sequence of verbs leaves both sides consistent once quiet, and quiet comes soon', () => {
    fc.assert(
      fc.property(fc.array(anyMove, { maxLength: 40 }), (moves) => {
        const server = new UserServer();
        let pair = newPair;
        for (const [side, verb] of moves) {
          const pending: [Side, SubscriptionVerb][] = [];
          if (side === 'outbound' || server.outbound(verb)) pending.push([side, verb]);
          for (let hops = 0; pending.length > 0; hops++) {
            expect(hops).toBeLessThan(4);
            const [from, what] = pending.shift() ?? [side, verb];
            const { next, effects } = applyVerb(pair, from, what);
            pair = next;
            for (const effect of effects) {
              if (effect.do !== 'toJabber') continue;
              const reply = server.inbound(effect.verb);
              if (reply !== null) pending.push(['inbound', reply]);
            }
          }
          expect([server.state, isConsistent(pair.state, server.state)]).toEqual([mirrorOf(pair.state), true]);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('a server that lost everything is told the truth as soon as it speaks', () => {
    fc.assert(
      fc.property(anyPair, (pair) => {
        const server = new UserServer();
        server.outbound('subscribe');
        const { next, effects } = applyVerb(pair, 'inbound', 'subscribe');
        for (const effect of effects) if (effect.do === 'toJabber') server.inbound(effect.verb);
        expect(server.to).toBe(halvesOf(next.state).sees);
      }),
    );
  });
});

describe('pairs', () => {
  test('a state is its two halves, and its mirror swaps them', () => {
    for (const state of pairStates) {
      expect(stateOf(halvesOf(state))).toBe(state);
      expect(mirrorOf(mirrorOf(state))).toBe(state);
    }
    expect(new Set(pairStates.map((state) => JSON.stringify(halvesOf(state)))).size).toBe(9);
    expect([mirrorOf('to'), mirrorOf('none+out'), mirrorOf('to+in'), mirrorOf('both')]).toEqual([
      'from',
      'none+in',
      'from+out',
      'both',
    ]);
  });

  test('who may see the ghost', () => {
    expect(pairStates.filter((state) => maySee(pairOf(state)))).toEqual(['from', 'from+out', 'both']);
  });

  test('stored and read back', () => {
    fc.assert(
      fc.property(anyPair, (pair) => {
        expect(parsePair(serialisePair(pair))).toEqual(pair);
        expect(typeof JSON.parse(serialisePair(pair))).toBe('string');
        expect(isBlank(pair)).toBe(serialisePair(pair) === serialisePair(newPair));
      }),
    );
  });

  test('the stored form is stable', () => {
    expect(serialisePair(pairOf('from+out', { refused: true, denied: true }))).toBe('"from+out denied refused"');
  });

  test.each([
    ['nothing', ''],
    ['no JSON', 'both'],
    ['another type', '7'],
    ['an unknown state', '"neither"'],
    ['an unknown word', '"both happy"'],
    ['a word twice', '"both denied denied"'],
    ['a word without a state', '"denied"'],
    ['two spaces', '"both  denied"'],
  ])('%s is not a stored pair', (_, text) => expect(parsePair(text)).toBeNull());
});
