/** The way in: who is let through, what goes where, and what is answered at once. */
import { defaultSettings, type Settings } from '../../src/core/settings';
import type { Account, BareJid } from '../../src/core/address';
import { Fault } from '../../src/core/fault';
import { chatMessage, gatewayPeer } from '../../src/core/model';
import type { Durable, Event, Lane, Link } from '../../src/core/model';
import { makeRouter } from '../../src/bridge/router';
import { makeRecent } from '../../src/bridge/delivery/recent';
import { makeMessageRate } from '../../src/bridge/pacing/message-rate';
import { manualClock } from '../support/clock';
import { envelope } from '../support/envelopes';
import { countingMeter, silentLog } from '../support/silence';

const user = 'juliet@jabber.test' as BareJid;
const stranger = 'stranger@jabber.test' as BareJid;
const banned = 'banned@jabber.test' as BareJid;
const peer = 'romeo@far.test' as Account;
const message = chatMessage('hello', { id: 'm1', resource: 'r' });
const verb = { kind: 'verb', verb: 'subscribe', status: null } as const;
const probe = { kind: 'probe', resource: null } as const;
const typing = { kind: 'chatState', state: 'composing' } as const;
const bounce = {
  kind: 'bounce',
  of: 'x',
  what: 'message',
  resource: null,
  fault: new Fault('no-service').toData(),
  excerpt: null,
} as const;

function scene(
  refusal: Fault | null = null,
  messagesPerMinute = 100,
  isPresent = true,
  settings: Partial<Settings> = {},
) {
  const seen: string[] = [];
  const note = (what: string, lane: Pick<Lane, 'user' | 'peer'>, event: Event): void => {
    const detail =
      event.kind === 'bounce'
        ? `bounce ${event.fault.code} of ${event.of}`
        : event.kind === 'verb'
          ? event.verb
          : event.kind;
    seen.push(`${what} ${lane.user.split('@')[0]} ${detail}`);
  };
  const link: Link = { user, account: 'juliet@far.test' as Account, password: 'x', origin: 'registered' };
  const clock = manualClock();
  const recent = makeRecent();
  const stored: Event[] = [];
  const meter = countingMeter();
  const route = makeRouter({
    intake: {
      accept: (lane, event, _identity, done) => {
        if (!refusal) {
          note(`intake ${lane.direction}`, lane, event);
          stored.push(event);
        }
        done(refusal);
      },
    },
    jabber: { sendNow: (to, from, event) => (note('jabber', { user: to, peer: from }, event), true) },
    far: { sendChatState: (to, from, event) => note('sendChatState', { user: to, peer: from }, event) },
    recent,
    userSettings: { of: () => ({ ...defaultSettings, ...settings }) },
    chat: { onMessage: (who) => (seen.push(`chat ${who.split('@')[0]}`), null) },
    rate: makeMessageRate(() => messagesPerMinute, clock),
    senders: { tell: (lane, event) => note(lane.direction === 'toFar' ? 'jabber' : 'far', lane, event) },
    contacts: {
      isPresent: () => isPresent,
      onJabberVerb: (to, from, event) => note('contacts', { user: to, peer: from }, event),
      onResource: (to, from, event) => note('contacts', { user: to, peer: from }, event),
      onProbe: (to, from, event) => note('contacts', { user: to, peer: from }, event),
      onUndelivered: (to, _from, resource) => seen.push(`undelivered ${to.split('@')[0]}/${resource}`),
      onFarPresence: (to, from, event) => note('contacts', { user: to, peer: from }, event),
      onFarVerb: (to, from, event) => Promise.resolve(note('contacts', { user: to, peer: from }, event)),
    },
    isAllowed: (who) => who !== banned,
    linkOf: (who) => (who === user ? link : undefined),
    clock,
    log: silentLog,
    meter,
  });
  /** A far message that Jabber has taken. */
  const delivered = (id: string): void => recent.remember({ direction: 'toJabber', user, peer }, envelope(id));
  return { route, seen, stored, clock, delivered, recent, meter };
}

test.each<[string, BareJid, Account, Event, string[]]>([
  ['a message of a linked user goes to the intake', user, peer, message, ['intake toFar juliet message']],
  [
    'a message of a stranger is refused: register first',
    stranger,
    peer,
    message,
    ['jabber stranger bounce not-linked of m1'],
  ],
  ['a banned user is refused', banned, peer, message, ['jabber banned bounce forbidden of m1']],
  ['a message to the gateway itself is answered', user, gatewayPeer, message, ['chat juliet']],
  ['also of who has no link yet', stranger, gatewayPeer, message, ['chat stranger']],
  ['but not of who may not use it', banned, gatewayPeer, message, ['jabber banned bounce forbidden of m1']],
  ['a verb goes to the contacts', user, peer, verb, ['contacts juliet subscribe']],
  ["a stranger's request is refused", stranger, peer, verb, ['jabber stranger bounce not-linked of null']],
  ["a stranger's answer is dropped", stranger, peer, { ...verb, verb: 'subscribed' }, []],
  ["a stranger's probe is told unsubscribed", stranger, peer, probe, ['jabber stranger unsubscribed']],
  ['a probe goes to the contacts', user, peer, probe, ['contacts juliet probe']],
  ['a chat state is passed on at once', user, peer, typing, ['sendChatState juliet chatState']],
  ['a chat state to the gateway is dropped', user, gatewayPeer, typing, []],
  ["a stranger's chat state is dropped", stranger, peer, typing, []],
  ['a bounce is stored for the far sender', user, peer, bounce, ['intake toFar juliet bounce no-service of x']],
  [
    'a bounce from one resource tells of it, too',
    user,
    peer,
    { ...bounce, resource: 'phone' },
    ['undelivered juliet/phone', 'intake toFar juliet bounce no-service of x'],
  ],
  ["a client's receipt is dropped", user, peer, { kind: 'receipt', of: 'x', resource: null }, []],
])('from Jabber: %s', (_name, from, to, event, expected) => {
  const { route, seen, delivered } = scene();
  delivered('x');
  route.fromJabber(from, to, event);
  expect(seen).toEqual(expected);
});

test.each<[string, BareJid, Durable | Event, string[]]>([
  ['a message goes to the intake', user, message, ['intake toJabber juliet message']],
  ['a message for a user whose link is gone is dropped', stranger, message, []],
  ['a verb goes to the contacts', user, verb, ['contacts juliet subscribe']],
  [
    'a presence goes to the contacts',
    user,
    { kind: 'presence', show: 'away', status: null, avatarHash: null },
    ['contacts juliet presence'],
  ],
  ['a chat state is told at once', user, typing, ['jabber juliet chatState']],
])('from far: %s', async (_name, to, event, expected) => {
  const { route, seen } = scene();
  await route.fromFar(to, peer, event, null);
  expect(seen).toEqual(expected);
});

test('a chat state to a user of whom no resource is known is dropped', async () => {
  const { route, seen } = scene(null, 100, false);
  await route.fromFar(user, peer, typing, null);
  await route.fromFar(user, peer, message, null);
  expect(seen).toEqual(['intake toJabber juliet message']);
});

test('what the intake refuses is answered to its sender, on either side', async () => {
  const { route, seen } = scene(new Fault('store-away'));
  route.fromJabber(user, peer, message);
  await route.fromFar(user, peer, message, null);
  expect(seen).toEqual(['jabber juliet bounce store-away of m1', 'far juliet bounce store-away of m1']);
});

test('more than the rate is refused to Jabber users until the bucket fills again', async () => {
  const { route, seen, clock } = scene(null, 2);
  for (let i = 0; i < 3; i += 1) route.fromJabber(user, peer, message);
  expect(seen).toEqual([
    'intake toFar juliet message',
    'intake toFar juliet message',
    'jabber juliet bounce rate-limited of m1',
  ]);
  await route.fromFar(user, peer, message, null);
  expect(seen.at(-1)).toBe('intake toJabber juliet message');
  clock.advance(30_000);
  route.fromJabber(user, peer, message);
  expect(seen.at(-1)).toBe('intake toFar juliet message');
});

describe('an error from the Jabber side', () => {
  const text = (event: Event | undefined): string | null => (event?.kind === 'bounce' ? event.excerpt : null);

  test('tells the far sender once, with the beginning of what failed, whatever the error carries', () => {
    const { route, stored, delivered } = scene();
    delivered('x');
    route.fromJabber(user, peer, { ...bounce, excerpt: 'not what was written' });
    route.fromJabber(user, peer, bounce);
    expect(stored.map(text)).toEqual(['text of x']);
  });

  test.each<[string, Event]>([
    ['that is made by hand', { ...bounce, of: 'never-sent' }],
    ['without an id', { ...bounce, of: null }],
  ])('%s makes nothing, ten thousand times', (_name, stray) => {
    const { route, seen, stored, meter } = scene();
    for (let i = 0; i < 10_000; i += 1) route.fromJabber(user, peer, stray);
    expect([seen, stored]).toEqual([[], []]);
    expect(meter.total('bounces_stray_total')).toBe(10_000);
  });

  test('for a part of a long message counts for the message', () => {
    const { route, stored, delivered } = scene();
    delivered('x');
    route.fromJabber(user, peer, { ...bounce, of: 'x/2' });
    expect(stored.map(text)).toEqual(['text of x']);
  });
});

test('a report of the far side of what was never sent, a notice of ours for instance, is told to nobody', async () => {
  const { route, stored } = scene();
  await route.fromFar(user, peer, { ...bounce, of: 'a-notice' }, null);
  expect(stored).toEqual([]);
  await route.fromFar(user, peer, { ...bounce, of: null }, null);
  expect(stored).toHaveLength(1);
});

test("a report of the far side is matched with the user's message: its id, its resource, its beginning", async () => {
  const { route, recent, stored } = scene();
  recent.remember({ direction: 'toFar', user, peer }, { ...envelope('e1'), event: message });
  await route.fromFar(user, peer, { ...bounce, of: 'e1' }, null);
  expect(stored).toMatchObject([{ kind: 'bounce', of: 'm1', resource: 'r', excerpt: 'hello' }]);
});

test.each<[string, Partial<Settings>, string[]]>([
  ['both ways by default', {}, ['sendChatState juliet chatState', 'jabber juliet chatState']],
  ['not to the far side when that is switched off', { typingOut: false }, ['jabber juliet chatState']],
  ['not to the user when that is switched off', { typingIn: false }, ['sendChatState juliet chatState']],
])('typing is told %s', async (_how, settings, expected) => {
  const { route, seen } = scene(null, 100, true, settings);
  route.fromJabber(user, peer, typing);
  await route.fromFar(user, peer, typing, null);
  expect(seen).toEqual(expected);
});
