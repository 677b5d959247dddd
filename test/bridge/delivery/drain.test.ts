/** The delivery engine on the memory store, with both sides scripted. */
import fc from 'fast-check';
import type { Account, BareJid } from '../../../src/core/address';
import { Fault } from '../../../src/core/fault';
import type { FaultCode } from '../../../src/core/fault';
import { chatMessage, gatewayPeer, laneKey } from '../../../src/core/model';
import type { Bounce, Durable, Envelope, Lane, Message, Verb } from '../../../src/core/model';
import { makeDrain } from '../../../src/bridge/delivery/drain';
import { makeRecent } from '../../../src/bridge/delivery/recent';
import { manualClock } from '../../support/clock';
import { makeMemoryStore } from '../../support/fakes/memory-store';
import { countingMeter, silentLog } from '../../support/silence';

const user = 'juliet@jabber.test' as BareJid;
const peer = 'romeo@far.test' as Account;
const toFar: Lane = { direction: 'toFar', user, peer };
const toJabber: Lane = { direction: 'toJabber', user, peer };
const message = (id: string): Message => chatMessage(`text ${id}`, { id, resource: 'r' });

const bounceOf = (of: string): Bounce => ({
  kind: 'bounce',
  of,
  what: 'message',
  resource: null,
  excerpt: null,
  fault: { code: 'no-service', text: 'no' },
});

type Answer = 'ok' | FaultCode;

/** `answers` are used up one per envelope; after the script everything succeeds. */
function engine(
  answers: Answer[] = [],
  isLinked = true,
  superseded: Verb['verb'] | null = null,
  logsDelivered = false,
) {
  const clock = manualClock();
  const store = makeMemoryStore({ clock });
  const meter = countingMeter();
  const sent: string[] = [];
  const said: Durable[] = [];
  const early: (string | null)[] = [];
  const recent = makeRecent();
  const logged: string[] = [];
  let made = 0;
  let restoredAt = -Infinity;
  const attempt = (envelope: Envelope): Promise<void> => {
    const answer = answers.shift() ?? 'ok';
    if (answer === 'ok') {
      sent.push(envelope.id);
      return Promise.resolve();
    }
    return Promise.reject(new Fault(answer));
  };
  const deliver = makeDrain({
    lanes: store.lanes,
    scheduler: { schedule: () => Promise.resolve() },
    far: {
      // a far side that is away refuses all that follow too, as a closed session does
      deliver: (_user, _peer, envelopes) => {
        let isAway = false;
        return envelopes.map((envelope) => {
          if (isAway) return Promise.reject(new Fault('unavailable'));
          const result = answers[0] ?? 'ok';
          isAway = result === 'unavailable' || result === 'unknown-outcome';
          return attempt(envelope);
        });
      },
    },
    jabber: {
      deliver: async (_user, _peer, envelopes) => {
        const answer = answers.shift() ?? 'ok';
        if (answer !== 'ok') throw new Fault(answer);
        for (const envelope of envelopes) said.push(envelope.event);
        // a server gives a message back before it answers the ping behind it
        for (const { id } of envelopes) early.push(recent.complete(toJabber, bounceOf(id))?.excerpt ?? null);
        return Promise.resolve();
      },
    },
    recent,
    hold: { isReady: () => true, isHolding: () => false, watch: () => undefined, restoredAt: () => restoredAt },
    isLinked: () => isLinked,
    isSuperseded: (_lane, event) => event.kind === 'verb' && event.verb === superseded,
    clock,
    log: { ...silentLog, info: (fields, text) => void logged.push(`${text} ${JSON.stringify(fields)}`) },
    meter,
    logsDelivered,
    rules: {
      newId: () => `made${(made += 1)}`,
      expireAfterMs: 60_000,
      unknownOutcome: 'retry',
      receipts: 'accepted',
    },
  });
  const put = (lane: Lane, ids: readonly string[]) =>
    store.lanes.append(
      ids.map((id) => ({
        lane: laneKey(lane),
        envelope: { id, event: message(id), acceptedAt: clock.now(), attempts: 0, lastFault: null },
        identity: null,
      })),
    );
  const drain = (lane: Lane) => deliver.run(laneKey(lane), new AbortController().signal);
  const settleUnsettled = () => deliver.settleUnsettled();
  const restore = () => (restoredAt = clock.now());
  return { clock, store, meter, sent, said, early, put, drain, settleUnsettled, restore, logged };
}

test.each([true, false])('every final outcome is a line in the log, when that is wanted: %s', async (isWanted) => {
  const { put, drain, logged } = engine(['ok', 'refused'], true, null, isWanted);
  await put(toFar, ['a', 'b']);
  await drain(toFar);
  expect(logged.map((line) => line.split(' ')[0])).toEqual(isWanted ? ['delivered', 'bounced'] : ['bounced']);
  expect(logged.join()).toContain('"env":"b"');
  expect(logged.join()).not.toContain('"body"');
});

test('a lane is drained in order and then empty', async () => {
  const { put, drain, sent, store } = engine();
  const ids = Array.from({ length: 250 }, (_, i) => `m${i}`);
  await put(toFar, ids);
  expect(await drain(toFar)).toEqual({ again: false });
  expect(sent).toEqual(ids);
  expect(await store.lanes.head(laneKey(toFar), 1)).toEqual([]);
});

test('what a server gives back before it has confirmed the batch is known for what it is', async () => {
  const { put, drain, early } = engine();
  await put(toJabber, ['m1', 'm2']);
  await drain(toJabber);
  expect(early).toEqual(['text m1', 'text m2']);
});

test('a refusal is bounced once to its sender and the next one goes on', async () => {
  const { put, drain, sent, said } = engine(['refused']);
  await put(toFar, ['bad', 'good']);
  await drain(toFar);
  await drain(toJabber);
  expect(sent).toEqual(['good']);
  expect(said).toMatchObject([{ kind: 'bounce', of: 'bad', what: 'message', fault: { code: 'refused' } }]);
});

test('while the far side is away nothing is bounced, nothing overtakes, and the pause grows with the attempts', async () => {
  const { put, drain, sent, said } = engine(['unavailable', 'unavailable']);
  await put(toFar, ['a', 'b']);
  const first = await drain(toFar);
  const second = await drain(toFar);
  expect(first).toMatchObject({ again: true });
  if (first.again && second.again) expect(second.inMs).toBeGreaterThan(first.inMs);
  expect(await drain(toFar)).toEqual({ again: false });
  expect(sent).toEqual(['a', 'b']);
  expect(said).toEqual([]);
});

test('a verb from before the start, or before something was put back, is not said when it is not true any more', async () => {
  const { store, drain, said, clock, restore } = engine([], true, 'subscribe');
  const put = (...words: readonly Verb['verb'][]) =>
    store.lanes.append(
      words.map((verb) => {
        const event = { kind: 'verb', verb, status: null } as const;
        const envelope = { id: `${verb} ${clock.now()}`, event, acceptedAt: clock.now(), attempts: 0, lastFault: null };
        return { lane: laneKey(toJabber), envelope, identity: null };
      }),
    );
  const heard = () => said.splice(0).map((event) => event.kind === 'verb' && event.verb);
  await put('subscribe', 'subscribed');
  expect(await drain(toJabber)).toEqual({ again: false });
  expect(heard()).toEqual(['subscribed']);
  clock.advance(1_000);
  await put('subscribe');
  await drain(toJabber);
  expect(heard()).toEqual(['subscribe']); // young enough to be believed
  await put('subscribe');
  restore();
  await drain(toJabber);
  expect([heard(), await store.lanes.head(laneKey(toJabber), 1)]).toEqual([[], []]);
});

test('what is too old is bounced without being sent', async () => {
  const { put, drain, sent, said, clock } = engine(['unavailable']);
  await put(toFar, ['old']);
  await drain(toFar);
  clock.advance(61_000);
  await put(toFar, ['young']);
  await drain(toFar);
  await drain(toJabber);
  expect(sent).toEqual(['young']);
  expect(said).toMatchObject([{ kind: 'bounce', of: 'old', fault: { code: 'expired' } }]);
});

test('the Jabber side takes a batch whole or not at all', async () => {
  const { put, drain, said } = engine(['unavailable']);
  await put(toJabber, ['a', 'b', 'c']);
  expect(await drain(toJabber)).toMatchObject({ again: true });
  expect(said).toEqual([]);
  await drain(toJabber);
  expect(said.map((event) => event.kind === 'message' && event.id)).toEqual(['a', 'b', 'c']);
});

test('a bounce that is refused is not bounced again', async () => {
  const { put, drain, store } = engine(['refused', 'no-service']);
  await put(toFar, ['bad']);
  await drain(toFar);
  await drain(toJabber);
  expect(await store.lanes.head(laneKey(toFar), 1)).toEqual([]);
  expect(await store.lanes.head(laneKey(toJabber), 1)).toEqual([]);
});

test('a poisoned envelope is set aside and the lane goes on', async () => {
  const { put, drain, sent, store, meter } = engine();
  await put(toFar, ['a']);
  store.poison(laneKey(toFar), '{"not": "an envelope"');
  await put(toFar, ['b']);
  expect(await drain(toFar)).toEqual({ again: false });
  expect(sent).toEqual(['a', 'b']);
  expect(meter.total('faults_total')).toBe(1);
  const { entries } = await store.lanes.deadLetters({ before: null, count: 10 });
  expect(entries).toHaveLength(1);
});

test('the lanes of a user without a link are emptied', async () => {
  const { put, drain, sent, store } = engine([], false);
  await put(toFar, ['a', 'b']);
  expect(await drain(toFar)).toEqual({ again: false });
  expect(sent).toEqual([]);
  expect(await store.lanes.head(laneKey(toFar), 1)).toEqual([]);
});

test('what the gateway itself says to a user without a link still goes out', async () => {
  const { put, drain, said } = engine([], false);
  await put({ direction: 'toJabber', user, peer: gatewayPeer }, ['goodbye']);
  expect(await drain({ direction: 'toJabber', user, peer: gatewayPeer })).toEqual({ again: false });
  expect(said).toMatchObject([{ body: 'text goodbye' }]);
});

test.each<[string, string]>([
  ['damaged', 'x\n{"v":1,"at":1,'],
  ['of an older version', 'x\n{"v":0,"at":1,"n":0,"f":null,"e":{"kind":"message"}}'],
  ['of a newer version', 'x\n{"v":99,"at":1,"n":0,"f":null,"e":{"kind":"message"}}'],
])(
  'an envelope that is %s lies among the dead letters, whole, and those around it are delivered in order',
  async (_, raw) => {
    const { put, drain, sent, store } = engine();
    await put(toFar, ['a', 'b']);
    store.poison(laneKey(toFar), raw);
    store.poison(laneKey(toFar), raw);
    await put(toFar, ['c']);
    expect(await drain(toFar)).toEqual({ again: false });
    expect(sent).toEqual(['a', 'b', 'c']);
    const { entries } = await store.lanes.deadLetters({ before: null, count: 10 });
    expect(entries).toHaveLength(2);
  },
);

test('a store that goes away in the middle rejects, and the repeat finds the same head', async () => {
  const { put, drain, store, sent } = engine();
  await put(toFar, ['a']);
  store.setAway(true);
  await expect(drain(toFar)).rejects.toMatchObject({ code: 'store-away' });
  store.setAway(false);
  await drain(toFar);
  expect(sent).toEqual(['a']);
});

test('the store goes away between the sending and the settling: nothing is sent twice', async () => {
  const { put, drain, store, sent } = engine(['ok', 'refused', 'ok']);
  await put(toFar, ['a', 'b', 'c']);
  jest.spyOn(store.lanes, 'settle').mockRejectedValueOnce(new Fault('store-away'));
  await expect(drain(toFar)).rejects.toMatchObject({ code: 'store-away' });
  await put(toFar, ['d']);
  expect(await drain(toFar)).toEqual({ again: false });
  expect(sent).toEqual(['a', 'c', 'b', 'd']);
});

test('what was sent and could not be settled is settled at the stop, so that the next process does not send it again', async () => {
  const { put, drain, settleUnsettled, store, sent } = engine();
  await put(toFar, ['a', 'b']);
  jest.spyOn(store.lanes, 'settle').mockRejectedValueOnce(new Fault('store-away'));
  await expect(drain(toFar)).rejects.toMatchObject({ code: 'store-away' });
  await put(toFar, ['c']);
  await settleUnsettled();
  const left = await store.lanes.head(laneKey(toFar), 10);
  expect(left).toMatchObject([{ envelope: { id: 'c' } }]);
  expect(sent).toEqual(['a', 'b']);
  await settleUnsettled();
  expect(await drain(toFar)).toEqual({ again: false });
  expect(sent).toEqual(['a', 'b', 'c']);
});

test('settling at the stop while the store is away does not reject', async () => {
  const { put, drain, settleUnsettled, store } = engine();
  await put(toFar, ['a']);
  jest.spyOn(store.lanes, 'settle').mockRejectedValueOnce(new Fault('store-away'));
  await expect(drain(toFar)).rejects.toMatchObject({ code: 'store-away' });
  store.setAway(true);
  await settleUnsettled();
});

test('whatever the faults, each message is delivered once in order or bounced once, and an unknown outcome is repeated', async () => {
  const answer = fc.constantFrom<Answer>('ok', 'ok', 'ok', 'refused', 'unavailable', 'timeout', 'unknown-outcome');
  await fc.assert(
    fc.asyncProperty(fc.array(answer, { maxLength: 60 }), fc.integer({ min: 1, max: 40 }), async (script, count) => {
      const answers = [...script];
      const { put, drain, sent, said } = engine(answers);
      const ids = Array.from({ length: count }, (_, i) => `m${i}`);
      await put(toFar, ids);
      for (let i = 0; i < 200 && (await drain(toFar)).again; i += 1);
      answers.length = 0; // the bounces themselves go through
      while ((await drain(toJabber)).again);
      const bounced = said.flatMap((event) => (event.kind === 'bounce' ? [event.of] : []));
      expect(new Set(bounced).size).toBe(bounced.length);
      expect(new Set(sent).size).toBe(sent.length);
      expect([...sent, ...bounced].sort()).toEqual([...ids].sort());
      const isOrderly = script.every((one) => one !== 'timeout');
      if (isOrderly) expect(sent).toEqual(ids.filter((id) => sent.includes(id)));
    }),
    { numRuns: 100 },
  );
});
