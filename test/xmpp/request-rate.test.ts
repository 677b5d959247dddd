import { parseJid, type BareJid } from '../../src/core/address';
import type { Event, Show } from '../../src/core/model';
import { makeRequestRate, type RequestRate } from '../../src/xmpp/request-rate';
import { manualClock, type ManualClock } from '../support/clock';

const juliet = parseJid('juliet@jabber.test')?.bare as BareJid; // a good JID
const olga = parseJid('olga@jabber.test')?.bare as BareJid; // a good JID
const presence = (show: Show, resource = 'balcony'): Event => ({
  kind: 'resource',
  resource,
  show,
  status: null,
  priority: 0,
});

let clock: ManualClock;
let rate: RequestRate;
beforeEach(() => {
  clock = manualClock();
  rate = makeRequestRate(() => 3, clock);
});
/** How many of so many are let through. */
const passed = (count: number, ask: (n: number) => boolean): number =>
  Array.from({ length: count }, (_, n) => ask(n)).filter(Boolean).length;

test('one user has so many a minute, and takes none from another', () => {
  expect(passed(10, () => rate.take(juliet))).toBe(3);
  expect(rate.take(olga)).toBe(true);
  clock.advance(20_000);
  expect(passed(10, () => rate.take(juliet))).toBe(1);
});

test.each<[string, boolean, (n: number) => Event, number]>([
  ['the same presence to every contact', true, () => presence('online'), 1_000],
  ['presence that changes each time', true, (n) => presence(n % 2 === 0 ? 'away' : 'online'), 3],
  ['presence of ever new resources', true, (n) => presence('online', `r${n}`), 3],
  ['going offline', true, () => presence('offline'), 1_000],
  ['probes for a long roster', true, () => ({ kind: 'probe', resource: null }), 1_000],
  ['subscriptions', true, () => ({ kind: 'verb', verb: 'subscribe', status: null }), 1_000],
  ['probes of a stranger', false, () => ({ kind: 'probe', resource: null }), 3],
  ['presence of a stranger', false, () => presence('online'), 3],
])('of 1,000: %s', (_what, isLinked, event, expected) => {
  expect(passed(1_000, (n) => rate.takeFor(juliet, event(n), isLinked))).toBe(expected);
});
