import type { Account, BareJid } from '../../../src/core/address';
import { Fault } from '../../../src/core/fault';
import { chatMessage, laneKey, type Lane, type LaneKey, type Message } from '../../../src/core/model';
import { jabberIdentity, makeIntake } from '../../../src/bridge/delivery/intake';
import type { Append, AppendResult } from '../../../src/bridge/ports';
import { manualClock } from '../../support/clock';
import { makeMemoryStore } from '../../support/fakes/memory-store';
import { countingMeter, silentLog } from '../../support/silence';
import { until } from '../../support/wait';

const user = 'juliet@jabber.test' as BareJid;
const peer = 'romeo@far.test' as Account;
const toFar: Lane = { direction: 'toFar', user, peer };
const toJabber: Lane = { direction: 'toJabber', user, peer };
const message = (body: string, id: string | null = null): Message => chatMessage(body, { id, resource: 'r' });
const bodies = (batch: readonly Append[]): string[] =>
  batch.map(({ envelope: { event } }) => (event.kind === 'message' ? event.body : event.kind));

/** A store scripted with one answer per append; after the script it stores. */
function scripted(script: ((entries: readonly Append[]) => Promise<AppendResult[]>)[] = []) {
  const batches: (readonly Append[])[] = [];
  const scheduled: LaneKey[][] = [];
  let isUp = true;
  let canTell = true;
  const store = (entries: readonly Append[]): Promise<AppendResult[]> =>
    Promise.resolve(entries.map(() => ({ outcome: 'stored', length: 1 })));
  const clock = manualClock();
  const meter = countingMeter();
  const intake = makeIntake({
    lanes: {
      append: (entries) => {
        batches.push(entries);
        return (script.shift() ?? store)(entries);
      },
      head: () => Promise.resolve([]),
      settle: () => Promise.resolve({ left: 0, wake: [] }),
      nonEmpty: () => (async function* () {})(),
      forget: () => Promise.resolve(0),
    },
    scheduler: { schedule: (lanes) => Promise.resolve(void scheduled.push([...lanes])) },
    isStoreUp: () => isUp,
    canTell: () => canTell,
    clock,
    log: silentLog,
    meter,
    waitingMax: 10,
    batchMax: 4,
  });
  const done: (Fault | null)[] = [];
  const give = (lane: Lane, body: string, id: string | null = null): void =>
    intake.accept(lane, message(body, id), null, (fault) => void done.push(fault));
  return {
    intake,
    clock,
    meter,
    batches,
    scheduled,
    done,
    give,
    setUp: (value: boolean) => (isUp = value),
    hush: () => void (canTell = false),
  };
}

const settled = (done: unknown[], count: number) =>
  until(() => done.length >= count, { deadlineMs: 2_000, what: `${count} answers` });

test('what arrives in one turn is stored in order, in batches, and each lane scheduled once a batch', async () => {
  const { give, batches, scheduled, done } = scripted();
  for (let i = 0; i < 6; i += 1) give(toFar, `${i}`);
  await settled(done, 6);
  expect(batches.map(bodies)).toEqual([
    ['0', '1', '2', '3'],
    ['4', '5'],
  ]);
  expect(scheduled).toEqual([['toFar juliet@jabber.test romeo@far.test'], ['toFar juliet@jabber.test romeo@far.test']]);
  expect(done).toEqual(Array(6).fill(null));
});

test('a lane that held something already is not scheduled again', async () => {
  const { give, scheduled, done } = scripted([() => Promise.resolve([{ outcome: 'stored', length: 7 }])]);
  give(toFar, 'x');
  await settled(done, 1);
  expect(scheduled).toEqual([]);
});

test.each<[string, AppendResult, string | null]>([
  ['a repeat counts as stored', { outcome: 'repeat' }, null],
  ['a full lane is refused', { outcome: 'full' }, 'lane-full'],
])('%s', async (_name, result, code) => {
  const { give, done, scheduled } = scripted([() => Promise.resolve([result])]);
  give(toFar, 'x');
  await settled(done, 1);
  expect(done[0]?.code ?? null).toBe(code);
  expect(scheduled).toEqual([]);
});

test('more than may wait is refused at once', () => {
  const { give, done } = scripted();
  for (let i = 0; i < 12; i += 1) give(toFar, `${i}`);
  expect(done.map((fault) => fault?.code)).toEqual(['lane-full', 'lane-full']);
});

test('an append in doubt is repeated with the same ids until it is answered, and new Jabber messages are refused after three seconds', async () => {
  const away = () => Promise.reject<AppendResult[]>(new Fault('store-away'));
  const { give, batches, done, clock } = scripted([away, away]);
  give(toFar, 'in doubt');
  for (let i = 0; i < 2; i += 1) {
    await until(() => clock.sleeping() > 0 && batches.length === i + 1, { deadlineMs: 2_000, what: 'a pause' });
    if (i === 0) clock.advance(3_000);
  }
  give(toFar, 'later');
  expect(done.map((fault) => fault?.code)).toEqual(['store-away']);
  clock.advance(5_000);
  await settled(done, 2);
  expect(done[1]).toBeNull();
  expect(batches[0]?.[0]?.envelope.id).toBe(batches[1]?.[0]?.envelope.id);
});

test('a batch that the store has certainly not taken: its Jabber messages are refused after three seconds, its far messages wait', async () => {
  const full = () => Promise.reject<AppendResult[]>(new Fault('store-away', { isUndone: true }));
  const { give, batches, done, clock } = scripted([full, full]);
  give(toFar, 'refused');
  give(toJabber, 'kept');
  give(toJabber, 'kept too');
  await until(() => clock.sleeping() > 0, { deadlineMs: 2_000, what: 'the pause after the failure' });
  expect(done).toEqual([]);
  clock.advance(3_000);
  await settled(done, 1);
  expect(done.map((fault) => fault?.code)).toEqual(['store-away']);
  await until(() => clock.sleeping() > 0, { deadlineMs: 2_000, what: 'a pause' });
  clock.advance(5_000);
  await settled(done, 3);
  expect(bodies(batches.at(-1) ?? [])).toEqual(['kept', 'kept too']);
  expect(done).toEqual([expect.any(Fault), null, null]);
});

test('in doubt once, a batch is repeated whatever the store says later', async () => {
  const { give, batches, done, clock } = scripted([
    () => Promise.reject(new Fault('store-away')),
    () => Promise.reject(new Fault('store-away', { isUndone: true })),
  ]);
  give(toFar, 'in doubt');
  for (let i = 0; i < 2; i += 1) {
    await until(() => clock.sleeping() > 0 && batches.length === i + 1, { deadlineMs: 2_000, what: 'a pause' });
    clock.advance(5_000);
  }
  await settled(done, 1);
  expect(done).toEqual([null]);
});

test('a store that is away for less than three seconds is not felt', async () => {
  const { give, done, clock, setUp, batches } = scripted();
  setUp(false);
  for (let i = 0; i < 3; i += 1) {
    give(toFar, `${i}`);
    await until(() => clock.sleeping() > 0, { deadlineMs: 2_000, what: 'a pause' });
    clock.advance(900);
  }
  expect(done).toEqual([]);
  setUp(true);
  await settled(done, 3);
  expect([done, batches.flatMap(bodies)]).toEqual([
    [null, null, null],
    ['0', '1', '2'],
  ]);
});

test('while the store is away for longer, Jabber messages are refused and far messages wait for it', async () => {
  const { give, done, clock, setUp, batches } = scripted();
  setUp(false);
  give(toFar, 'refused');
  give(toJabber, 'kept');
  await until(() => clock.sleeping() > 0, { deadlineMs: 2_000, what: 'a pause' });
  clock.advance(3_000);
  await settled(done, 1);
  give(toFar, 'refused at once');
  expect(done.map((fault) => fault?.code)).toEqual(['store-away', 'store-away']);
  done.pop();
  expect(done.map((fault) => fault?.code)).toEqual(['store-away']);
  await until(() => clock.sleeping() > 0, { deadlineMs: 2_000, what: 'a pause' });
  setUp(true);
  clock.advance(5_000);
  await settled(done, 2);
  expect(batches.map(bodies)).toEqual([['kept']]);
});

test('what comes while the stream is being closed waits for the store, since nobody can be told', async () => {
  const { give, done, clock, setUp, hush, batches, intake } = scripted();
  setUp(false);
  hush();
  give(toFar, 'late');
  await until(() => clock.sleeping() > 0, { deadlineMs: 2_000, what: 'a pause' });
  expect(done).toEqual([]);
  setUp(true);
  clock.advance(5_000);
  await intake.stop(AbortSignal.timeout(1_000));
  expect(batches.map(bodies)).toEqual([['late']]);
  expect(done).toEqual([null]);
});

test('stop stores what was accepted, refuses what comes after, and may be called twice', async () => {
  const { intake, give, done, batches } = scripted();
  give(toFar, 'before');
  await intake.stop(AbortSignal.timeout(1_000));
  give(toFar, 'after');
  await intake.stop(AbortSignal.timeout(1_000));
  expect(bodies(batches.flat())).toEqual(['before']);
  expect(done.map((fault) => fault?.code ?? null)).toEqual([null, 'stopping']);
});

test('stored: what was accepted before is stored, and what comes after is accepted still', async () => {
  const { intake, give, done, batches } = scripted();
  give(toJabber, 'before');
  expect(batches).toEqual([]);
  await intake.stored(AbortSignal.timeout(1_000));
  expect(done).toEqual([null]);
  give(toFar, 'after');
  await intake.stored(AbortSignal.timeout(1_000));
  expect(batches.map(bodies)).toEqual([['before'], ['after']]);
});

test('stored: is not waited for longer than is wanted while the store is away', async () => {
  const { intake, give, done, setUp } = scripted();
  setUp(false);
  give(toJabber, 'before');
  await intake.stored(AbortSignal.timeout(20));
  expect(done).toEqual([]);
});

test('stop while the store is away refuses what could not be stored', async () => {
  const away = () => Promise.reject<AppendResult[]>(new Fault('store-away'));
  const { intake, give, done } = scripted(Array.from({ length: 99 }, () => away));
  give(toFar, 'in doubt');
  await intake.stop(AbortSignal.timeout(50));
  expect(done.map((fault) => fault?.code)).toEqual(['store-away']);
});

const unique = '6fa459ea-ee8a-4ca4-894e-db77e160355e';
test.each<[string, Message, Message, boolean]>([
  ['same id and text is a repeat', message('a', unique), message('a', unique), true],
  ['same id, other text is not: it is edited', message('a', unique), message('b', unique), false],
  ['other id, same text is not', message('a', unique), message('a', `${unique}2`), false],
  ['other resource is not', message('a', unique), { ...message('a', unique), resource: 'other' }, false],
])('identity: %s', (_name, one, other, isSame) => {
  expect(jabberIdentity(toFar, one) === jabberIdentity(toFar, other)).toBe(isSame);
});

test('a message without an id has no identity: it is never a repeat', () => {
  expect(jabberIdentity(toFar, message('a'))).toBeNull();
});

test.each([
  ['a second hi is never swallowed: a client that was started again counts its ids from 1', '1', 2],
  ['a message that its client sends again under its unique id is passed on once', unique, 1],
])('%s', async (_name, id, count) => {
  const { lanes } = makeMemoryStore();
  const world = { clock: manualClock(), log: silentLog, meter: countingMeter() };
  const scheduler = { schedule: () => Promise.resolve() };
  const intake = makeIntake({ ...world, lanes, scheduler, isStoreUp: () => true });
  for (const one of [message('hi', id), message('hi', id)]) {
    await new Promise((resolve) => intake.accept(toFar, one, jabberIdentity(toFar, one), resolve));
  }
  expect(await lanes.head(laneKey(toFar), 10)).toHaveLength(count);
  expect(await lanes.search({ id, user: null })).not.toHaveLength(0);
});
