import type { Account, BareJid } from '../../../src/core/address';
import { Fault } from '../../../src/core/fault';
import type { Durable, Envelope, Lane, Message } from '../../../src/core/model';
import { bounceOf, settlementOf } from '../../../src/bridge/delivery/outcome';
import type { Outcome, DeliveryRules } from '../../../src/bridge/delivery/outcome';

const lane: Lane = { direction: 'toFar', user: 'juliet@jabber.test' as BareJid, peer: 'romeo@far.test' as Account };
const now = 1_000_000;
const message: Message = {
  kind: 'message',
  id: 'm1',
  resource: 'balcony',
  type: 'chat',
  body: 'hello',
  subject: null,
  sentAt: null,
  wantsReceipt: true,
  nick: null,
};
const envelope = (id: string, event: Durable = message): Envelope => ({
  id,
  event,
  acceptedAt: now - 1_000,
  attempts: 0,
  lastFault: null,
});
const ok: Outcome = { ok: true };
const bad = (code: ConstructorParameters<typeof Fault>[0]): Outcome => ({ ok: false, fault: new Fault(code) });
let made = 0;
const rules: DeliveryRules = {
  now,
  dice: () => 0.5,
  newId: () => `n${(made += 1)}`,
  expireAfterMs: 60_000,
  unknownOutcome: 'retry',
  receipts: 'accepted',
};

const three = ['a', 'b', 'c'].map((id) => envelope(id));

test.each<
  [
    string,
    Outcome[],
    { taken: number; keep: string[]; bounces: number; receipts: number; dead: string[]; waits: boolean },
  ]
>([
  ['all delivered', [ok, ok, ok], { taken: 3, keep: [], bounces: 0, receipts: 3, dead: [], waits: false }],
  ['not tried: nothing changes', [], { taken: 0, keep: [], bounces: 0, receipts: 0, dead: [], waits: false }],
  [
    'a refusal is bounced and the lane goes on',
    [bad('refused'), ok, ok],
    { taken: 3, keep: [], bounces: 1, receipts: 2, dead: ['a'], waits: false },
  ],
  [
    'the far side is away: only the head is touched',
    [bad('unavailable'), bad('unavailable'), bad('unavailable')],
    { taken: 1, keep: ['a'], bounces: 0, receipts: 0, dead: [], waits: true },
  ],
  [
    'lost in the middle: what was delivered goes, the rest stays in order',
    [ok, bad('unknown-outcome'), bad('unavailable')],
    { taken: 2, keep: ['b'], bounces: 0, receipts: 1, dead: [], waits: true },
  ],
  [
    'a late success keeps the untouched one before it',
    [bad('timeout'), bad('unavailable'), ok],
    { taken: 3, keep: ['a', 'b'], bounces: 0, receipts: 1, dead: [], waits: true },
  ],
  [
    'a refused password holds the lane',
    [bad('not-authorized')],
    { taken: 1, keep: ['a'], bounces: 0, receipts: 0, dead: [], waits: true },
  ],
  ['expired at the head', [bad('expired')], { taken: 1, keep: [], bounces: 1, receipts: 0, dead: ['a'], waits: false }],
])('%s', (_name, outcomes, expected) => {
  const { settlement, waitMs, records: notes } = settlementOf(lane, three, outcomes, rules);
  const kinds = settlement.append.map((entry) => entry.envelope.event.kind);
  expect({
    taken: settlement.taken,
    keep: settlement.keep.map((one) => one.id),
    bounces: kinds.filter((kind) => kind === 'bounce').length,
    receipts: kinds.filter((kind) => kind === 'receipt').length,
    dead: settlement.dead.map((one) => one.id),
    waits: waitMs !== null,
  }).toEqual(expected);
  expect(notes.length).toBeLessThanOrEqual(outcomes.length);
});

test('answers travel on the opposite lane and have no identity', () => {
  const { settlement } = settlementOf(lane, three, [ok, bad('refused')], rules);
  expect(settlement.append.map((entry) => entry.lane)).toEqual(
    Array(2).fill('toJabber juliet@jabber.test romeo@far.test'),
  );
  expect(settlement.append.every((entry) => entry.identity === null)).toBe(true);
});

test.each<[string, Partial<Message>, object | null]>([
  ['nothing', { wantsReceipt: false }, null],
  ['a receipt', { wantsReceipt: true }, { kind: 'receipt', of: 'm' }],
  ['a marker', { wantsReceipt: false, isMarkable: true }, { kind: 'receipt', of: 'm', form: 'marker' }],
  ['both', { wantsReceipt: true, isMarkable: true }, { kind: 'receipt', of: 'm', form: 'both' }],
  ['a receipt without an id', { id: null, wantsReceipt: true, isMarkable: true }, null],
])('a message whose sender asks for %s', (_asked, changes, expected) => {
  const sent = envelope('m');
  const event: Durable = { ...message, id: 'm', ...changes };
  const { settlement } = settlementOf(lane, [{ ...sent, event }], [ok], rules);
  expect(settlement.append[0]?.envelope.event ?? null).toEqual(expected && expect.objectContaining(expected));
});

test('attempts and the last fault are on the envelope that stays', () => {
  const { settlement } = settlementOf(lane, [{ ...envelope('a'), attempts: 4 }], [bad('timeout')], rules);
  expect(settlement.keep[0]).toMatchObject({ attempts: 5, lastFault: { code: 'timeout' } });
});

test('each failed try is remembered, when and why, the last ten', () => {
  let one = envelope('a');
  for (let i = 1; i <= 12; i += 1) {
    const { settlement } = settlementOf(lane, [one], [bad(i === 12 ? 'unavailable' : 'timeout')], {
      ...rules,
      now: now + i,
    });
    one = settlement.keep[0] ?? one;
  }
  expect(one.history).toHaveLength(10);
  expect(one.history?.[0]).toEqual({ at: now + 3, code: 'timeout' });
  expect(one.history?.[9]).toEqual({ at: now + 12, code: 'unavailable' });
  const { settlement } = settlementOf(lane, [one], [bad('refused')], { ...rules, now: now + 13 });
  expect(settlement.dead[0]?.history?.at(-1)).toEqual({ at: now + 13, code: 'refused' });
});

test('an unknown outcome is reported instead of repeated when the operator wants it so', () => {
  const { settlement, waitMs } = settlementOf(lane, three, [bad('unknown-outcome')], {
    ...rules,
    unknownOutcome: 'report',
  });
  expect(settlement.append[0]?.envelope.event).toMatchObject({
    kind: 'bounce',
    of: 'm1',
    fault: { code: 'unknown-outcome' },
  });
  expect(waitMs).toBeNull();
});

test.each<[string, Durable, boolean]>([
  ['a message is bounced', message, true],
  ['a subscription request is bounced', { kind: 'verb', verb: 'subscribe', status: null }, true],
  ['an answer to a request is not', { kind: 'verb', verb: 'subscribed', status: null }, false],
  ['a receipt is not', { kind: 'receipt', of: 'm1', resource: null }, false],
  [
    'a bounce is never bounced',
    { kind: 'bounce', of: 'm1', what: 'message', resource: null, fault: new Fault('expired').toData(), excerpt: null },
    false,
  ],
])('%s', (_name, event, isBounced) => {
  expect(bounceOf(event, 0, new Fault('refused').toData()) !== null).toBe(isBounced);
});

test('without receipts switched on none is made', () => {
  expect(settlementOf(lane, three, [ok], { ...rules, receipts: 'off' }).settlement.append).toEqual([]);
});

test('a message that asked for no receipt gets none', () => {
  const quiet = envelope('q', { ...message, wantsReceipt: false });
  expect(settlementOf(lane, [quiet], [ok], rules).settlement.append).toEqual([]);
});
