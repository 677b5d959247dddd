import fc from 'fast-check';
import {
  chatMessage,
  gatewayPeer,
  isDurable,
  laneKey,
  opposite,
  parseLaneKey,
  type Event,
  type Lane,
} from '../../src/core/model';
import { account, ghostLike, mustAccount, mustJid } from './arbitraries';

const lane: fc.Arbitrary<Lane> = fc.record({
  direction: fc.constantFrom('toFar', 'toJabber'),
  user: ghostLike,
  peer: fc.oneof(account, fc.constant(gatewayPeer)),
});

/** One event of every kind and its class; a new kind does not compile without a row here. */
const events: { readonly [K in Event['kind']]: readonly [Extract<Event, { kind: K }>, boolean] } = {
  message: [chatMessage('x'), true],
  receipt: [{ kind: 'receipt', of: 'a', resource: null }, true],
  verb: [{ kind: 'verb', verb: 'subscribe', status: null }, true],
  bounce: [
    { kind: 'bounce', of: null, what: 'message', resource: null, fault: { code: 'expired', text: '' }, excerpt: null },
    true,
  ],
  presence: [{ kind: 'presence', show: 'online', status: null, avatarHash: null }, false],
  resource: [{ kind: 'resource', resource: 'x', show: 'online', status: null, priority: 0 }, false],
  probe: [{ kind: 'probe', resource: null }, false],
  unreachable: [{ kind: 'unreachable', resource: null, fault: { code: 'expired', text: '' } }, false],
  chatState: [{ kind: 'chatState', state: 'composing' }, false],
};

describe('lanes', () => {
  test('a key is read back as its lane, and no two lanes share one', () => {
    fc.assert(
      fc.property(lane, lane, (a, b) => {
        expect(parseLaneKey(laneKey(a))).toEqual(a);
        expect(laneKey(a) === laneKey(b)).toBe(a.direction === b.direction && a.user === b.user && a.peer === b.peer);
      }),
    );
  });

  test('the opposite lane is another, and its opposite the first', () => {
    fc.assert(
      fc.property(lane, (a) => {
        expect(laneKey(opposite(a))).not.toBe(laneKey(a));
        expect(opposite(opposite(a))).toEqual(a);
      }),
    );
  });

  test('the form of a key is stable, because it is stored', () => {
    const one = {
      direction: 'toFar',
      user: mustJid('juliet@example.org'),
      peer: mustAccount('romeo@example.net'),
    } as const;
    expect(laneKey(one)).toBe('toFar juliet@example.org romeo@example.net');
    expect(laneKey({ ...one, peer: gatewayPeer })).toBe('toFar juliet@example.org ');
  });

  test.each([
    ['nothing', ''],
    ['no peer', 'toFar a@b'],
    ['no user', 'toFar  c@d'],
    ['an unknown direction', 'sideways a@b c@d'],
    ['a fourth part', 'toFar a@b c@d e'],
  ])('%s is no lane key', (_, text) => expect(parseLaneKey(text)).toBeNull());
});

test.each(Object.entries(events))('%s has its class', (kind, [event, durable]) => {
  expect(event.kind).toBe(kind);
  expect(isDurable(event)).toBe(durable);
});
