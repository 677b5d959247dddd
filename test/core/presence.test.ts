import fc from 'fast-check';
import type { FarPresence, ResourcePresence, Show } from '../../src/core/model';
import { foldPresence, isSamePresence, offline, withResource, type Presence } from '../../src/core/presence';

const at = (resource: string, show: Show, priority = 0, status: string | null = null): ResourcePresence => ({
  kind: 'resource',
  resource,
  show,
  priority,
  status,
});

const show = fc.constantFrom<Show>('online', 'chat', 'away', 'xa', 'dnd', 'offline');
const resource = fc.record<ResourcePresence>({
  kind: fc.constant('resource'),
  resource: fc.constantFrom('a', 'b', 'c', 'd'),
  show,
  status: fc.constantFrom(null, '', 'x', 'y'),
  priority: fc.integer({ min: -2, max: 2 }),
});

describe('fold', () => {
  test.each<[string, ResourcePresence[], Presence]>([
    ['nobody', [], offline],
    ['one', [at('a', 'away', 0, 'lunch')], { show: 'away', status: 'lunch' }],
    ['the higher priority', [at('a', 'online', 1), at('b', 'dnd', 5, 'busy')], { show: 'dnd', status: 'busy' }],
    ['the better show of equals', [at('a', 'away', 0, 'gone'), at('b', 'online')], { show: 'online', status: null }],
    ['chat before online', [at('a', 'online'), at('b', 'chat')], { show: 'chat', status: null }],
    ['dnd before away and xa', [at('a', 'xa'), at('b', 'dnd'), at('c', 'away')], { show: 'dnd', status: null }],
    ['a status before none', [at('a', 'away'), at('b', 'away', 0, 'lunch')], { show: 'away', status: 'lunch' }],
    ['an empty status is none', [at('a', 'away', 0, '')], { show: 'away', status: null }],
    ['a negative priority does not count', [at('a', 'online', -1), at('b', 'xa')], { show: 'xa', status: null }],
    ['only negative priorities', [at('a', 'online', -1)], offline],
    ['an offline one does not count', [at('a', 'offline', 9, 'bye'), at('b', 'xa')], { show: 'xa', status: null }],
  ])('%s', (_, resources, expected) => {
    expect(foldPresence(resources)).toEqual(expected);
  });

  test('ignores order', () => {
    const shuffled = fc
      .array(resource, { maxLength: 6 })
      .chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })));
    fc.assert(fc.property(shuffled, ([list, other]) => expect(foldPresence(other)).toEqual(foldPresence(list))));
  });

  test('is what one of the resources says, or offline when none may speak', () => {
    fc.assert(
      fc.property(fc.array(resource, { maxLength: 6 }), (list) => {
        const folded = foldPresence(list);
        const top = list.filter((one) => one.show !== 'offline' && one.priority >= 0);
        if (top.length === 0) return expect(folded).toEqual(offline);
        expect(top.map((one) => ({ show: one.show, status: one.status || null }))).toContainEqual(folded);
      }),
    );
  });
});

describe('resources', () => {
  test('unavailable removes, a second word replaces, the argument stays', () => {
    const one = withResource(new Map(), at('a', 'online'));
    const two = withResource(one, at('a', 'away'));
    expect([...two.values()]).toEqual([at('a', 'away')]);
    expect([...withResource(two, at('a', 'offline')).keys()]).toEqual([]);
    expect([...one.values()]).toEqual([at('a', 'online')]);
  });

  test('the oldest are forgotten when they pile up', () => {
    let all: ReadonlyMap<string, ResourcePresence> = new Map();
    for (let i = 0; i < 100; i++) all = withResource(all, at(`r${i}`, 'online'));
    expect(all.size).toBe(32);
    expect([...all.keys()].at(-1)).toBe('r99');
  });
});

describe('sameness', () => {
  const far = (of: Show, avatarHash: string | null): FarPresence => ({
    kind: 'presence',
    show: of,
    status: null,
    avatarHash,
  });
  test.each<[string, Presence | FarPresence, Presence | FarPresence, boolean]>([
    ['equal', { show: 'away', status: 'x' }, { show: 'away', status: 'x' }, true],
    ['another show', { show: 'away', status: 'x' }, { show: 'xa', status: 'x' }, false],
    ['another status', { show: 'away', status: 'x' }, { show: 'away', status: 'y' }, false],
    ['an empty status is none', { show: 'away', status: '' }, { show: 'away', status: null }, true],
    ['another avatar', far('online', 'a'), far('online', 'b'), false],
    ['no avatar is not an unknown one', far('online', ''), far('online', null), false],
    ['an avatar cannot be seen offline', far('offline', 'a'), far('offline', 'b'), true],
    ['a presence that cannot carry one', far('online', 'a'), { show: 'online', status: null }, true],
  ])('%s', (_, a, b, expected) => {
    expect([isSamePresence(a, b), isSamePresence(b, a)]).toEqual([expected, expected]);
  });
});
