/** What is held, when it comes back, and that nothing is drained before it has: on the memory store, with a scripted server. */
import type { Account, BareJid } from '../../../src/core/address';
import { laneKey } from '../../../src/core/model';
import type { Lane, LaneKey } from '../../../src/core/model';
import { makeDrain } from '../../../src/bridge/delivery/drain';
import { autoHoldMs, makeHold, type HoldOptions } from '../../../src/bridge/delivery/hold';
import type { ServerFacts, Settlement } from '../../../src/bridge/ports';
import { manualClock } from '../../support/clock';
import { envelope } from '../../support/envelopes';
import { makeMemoryStore } from '../../support/fakes/memory-store';
import { countingMeter, silentLog } from '../../support/silence';
import { until } from '../../support/wait';

const user = 'juliet@jabber.test' as BareJid;
const toJabber: Lane = { direction: 'toJabber', user, peer: 'romeo@far.test' as Account };
const toFar: Lane = { ...toJabber, direction: 'toFar' };
const key = laneKey(toJabber);

test.each<[string, string | null, number]>([
  ['ejabberd stores late', 'ejabberd', 5_000],
  ['however it is written', 'Ejabberd Business Edition', 5_000],
  ['what did not answer may be anything', null, 5_000],
  ['Prosody stores first', 'Prosody', 0],
  ['so does any other, as far as we know', 'Openfire', 0],
])('auto: %s', (_what, software, ms) => {
  expect(autoHoldMs(software)).toBe(ms);
});

/** Tells, each time the hold opens, which lanes are scheduled with it. */
function waking(onOpen: (lanes: readonly LaneKey[]) => void): HoldOptions['scheduler'] {
  let scheduled: readonly LaneKey[] = [];
  return {
    schedule: (lanes) => Promise.resolve(void (scheduled = lanes)),
    wake: () => {
      onOpen(scheduled);
      scheduled = [];
    },
  };
}

/** A bridge whose server says `facts`; they are asked for by `up`, and answered at once unless `isSilent`. */
function scene(setting: 'auto' | number = 5_000) {
  const clock = manualClock();
  const store = makeMemoryStore({ clock });
  const meter = countingMeter();
  const sent: string[] = [];
  const woken: (readonly LaneKey[])[] = [];
  const settled: Settlement[] = [];
  const state = {
    facts: { software: 'ejabberd', uptimeMs: 1_000_000 } as ServerFacts,
    silentMs: 0,
    isSilent: false,
    wasAway: false,
    machineUptimeMs: 1e9,
  };
  let answer: () => void = () => undefined;
  let delay: Promise<void> | null = null;
  const hold = makeHold({
    setting,
    server: {
      serverFacts: async () => {
        if (state.isSilent) await new Promise<void>((resolve) => (answer = resolve));
        return state.facts;
      },
      silentMs: () => state.silentMs,
      wasAway: () => state.wasAway,
    },
    machineUptimeMs: () => state.machineUptimeMs,
    lanes: store.lanes,
    scheduler: waking((lanes) => woken.push(lanes)),
    clock,
    log: silentLog,
    meter,
  });
  const deliver = makeDrain({
    lanes: {
      ...store.lanes,
      settle: async (step) => {
        settled.push(step);
        await delay;
        return store.lanes.settle(step);
      },
    },
    scheduler: { schedule: () => Promise.resolve() },
    far: { deliver: (_user, _peer, envelopes) => envelopes.map(() => Promise.resolve()) },
    jabber: {
      deliver: (_user, _peer, envelopes) => {
        sent.push(...envelopes.map(({ id }) => id));
        return Promise.resolve();
      },
    },
    hold,
    isLinked: () => true,
    clock,
    log: silentLog,
    meter,
    rules: { newId: () => 'made', expireAfterMs: 2 ** 50, unknownOutcome: 'retry', receipts: 'off' },
  });
  const drain = (lane = toJabber) => deliver.run(laneKey(lane), new AbortController().signal);
  const put = (ids: readonly string[], lane = toJabber) =>
    store.lanes.append(ids.map((id) => ({ lane: laneKey(lane), envelope: envelope(id), identity: null })));
  return {
    clock,
    store,
    meter,
    sent,
    woken,
    settled,
    state,
    hold,
    drain,
    put,
    answer: () => answer(),
    /** settlements wait for this */
    delay: (until: Promise<void> | null) => void (delay = until),
    async up() {
      const before = woken.length;
      hold.onStream('up');
      await until(() => woken.length > before);
    },
    async send(...ids: string[]) {
      await put(ids);
      expect(await drain()).toEqual({ again: false });
    },
    async waiting() {
      const stored = await store.lanes.head(key, 1_000);
      return stored.map((item) => ('envelope' in item ? item.envelope.id : 'poisoned'));
    },
    /** how much is held */
    held: () => store.lanes.dropHeld(2 ** 50),
  };
}

/** The server stops, is away for a second, and has been running for `uptimeMs` when the stream is back. */
async function back(it: ReturnType<typeof scene>, uptimeMs: number | null, awayMs = 1_000) {
  it.hold.onStream('down');
  it.clock.advance(awayMs);
  it.state.facts = { ...it.state.facts, uptimeMs };
  it.state.wasAway = true;
  await it.up();
}

test('after a restart of the server, what it confirmed within the time comes back first, in order, with its ids', async () => {
  const it = scene();
  await it.up();
  await it.send('a', 'b');
  await it.send('c');
  await it.put(['later']);
  await back(it, 0);
  expect(it.woken.at(-1)).toEqual([key]);
  expect(await it.drain()).toEqual({ again: false });
  expect(it.sent).toEqual(['a', 'b', 'c', 'a', 'b', 'c', 'later']);
  expect(it.meter.total('envelopes_restored_total')).toBe(3);
});

test.each<[string, number | null, number, number, boolean]>([
  ['a restart at once', 0, 1_000, 1_000, true],
  ['a restart long ago, when the stream comes back late', 100_000, 1_000, 101_000, true],
  ['a server that does not say', null, 1_000, 1_000, true],
  ['a cut', 1_000_000, 1_000, 1_000, false],
  ['a cut that lasted long', 1_000_000, 1_000, 500_000, false],
  ['a cut of a server that was young, but not that young', 10_000, 1_000, 1_000, false],
])('%s', async (_what, uptimeMs, ageMs, awayMs, isRepeated) => {
  const it = scene();
  await it.up();
  await it.send('a');
  it.clock.advance(ageMs);
  await back(it, uptimeMs, awayMs);
  expect(await it.waiting()).toEqual(isRepeated ? ['a'] : []);
  expect(await it.held()).toBe(isRepeated ? 0 : 1);
});

test('what is older than the time is let go, and does not come back', async () => {
  const it = scene();
  await it.up();
  await it.send('old');
  it.clock.advance(4_000);
  await it.send('young');
  expect(await it.held()).toBe(2);
  it.clock.advance(2_000);
  await until(async () => (await it.held()) === 1);
  await back(it, 0);
  expect(await it.waiting()).toEqual(['young']);
});

test('while nothing is heard from the server nothing is let go: it may have died when it was last heard', async () => {
  const it = scene();
  await it.up();
  await it.send('a');
  for (let second = 0; second < 40; second += 1) {
    it.state.silentMs += 1_000;
    it.clock.advance(1_000);
    await Promise.resolve();
  }
  expect(await it.held()).toBe(1);
  await back(it, 30_000);
  expect(await it.waiting()).toEqual(['a']);
});

test('nothing is drained towards the Jabber side before it is known what comes back; the other way it is', async () => {
  const it = scene();
  await it.up();
  await it.send('a');
  it.hold.onStream('down');
  it.clock.advance(1_000);
  it.state.facts = { software: 'ejabberd', uptimeMs: 0 };
  it.state.isSilent = true;
  it.hold.onStream('up');
  await it.put(['b']);
  await it.put(['far'], toFar);
  expect(await it.drain()).toMatchObject({ again: true });
  expect(await it.drain(toFar)).toEqual({ again: false });
  expect(it.sent).toEqual(['a']);
  const before = it.woken.length;
  it.answer();
  await until(() => it.woken.length > before);
  await it.drain();
  expect(it.sent).toEqual(['a', 'a', 'b']);
});

test('a settlement that is on its way when the server is restarted is waited for, and comes back too', async () => {
  const it = scene();
  await it.up();
  let release: () => void = () => undefined;
  it.delay(new Promise((resolve) => (release = resolve)));
  await it.put(['a']);
  const draining = it.drain();
  await until(() => it.settled.length === 1);
  it.hold.onStream('down');
  it.clock.advance(60_000);
  it.state.facts = { software: 'ejabberd', uptimeMs: 59_000 };
  const before = it.woken.length;
  it.hold.onStream('up');
  it.delay(null);
  release();
  await draining;
  await until(() => it.woken.length > before);
  expect(await it.waiting()).toEqual(['a']);
});

test('a stream that breaks before all is put back: the next one does it', async () => {
  const it = scene();
  await it.up();
  await it.send('a');
  it.hold.onStream('down');
  it.state.facts = { software: 'ejabberd', uptimeMs: 0 };
  it.store.setAway(true);
  it.hold.onStream('up');
  await until(() => it.clock.sleeping() > 0);
  expect(it.hold.isReady()).toBe(false);
  it.hold.onStream('down');
  it.store.setAway(false);
  expect(await it.waiting()).toEqual([]);
  it.clock.advance(10_000);
  it.state.facts = { software: 'ejabberd', uptimeMs: 10_000 };
  await it.up();
  expect(await it.waiting()).toEqual(['a']);
});

test('a store that is away is waited for', async () => {
  const it = scene();
  await it.up();
  await it.send('a');
  it.hold.onStream('down');
  it.state.facts = { software: 'ejabberd', uptimeMs: 0 };
  it.store.setAway(true);
  const before = it.woken.length;
  it.hold.onStream('up');
  await until(() => it.clock.sleeping() > 0);
  expect(it.woken).toHaveLength(before);
  it.store.setAway(false);
  await until(() => {
    it.clock.advance(100);
    return it.woken.length > before;
  });
  expect(await it.waiting()).toEqual(['a']);
});

test('a new process puts back what the one before it held, when the server was restarted since', async () => {
  const it = scene();
  await it.up();
  await it.send('a');
  it.hold.onStream('down');
  it.clock.advance(60_000);
  for (const [uptimeMs, count] of [
    [1_000_000, 0],
    [30_000, 1],
  ] as const) {
    const woken: LaneKey[] = [];
    let isAwake = false;
    const next = makeHold({
      setting: 5_000,
      server: {
        serverFacts: () => Promise.resolve({ software: null, uptimeMs }),
        silentMs: () => 0,
        wasAway: () => false,
      },
      machineUptimeMs: () => 1e9,
      lanes: it.store.lanes,
      scheduler: waking((lanes) => ((isAwake = true), woken.push(...lanes))),
      clock: it.clock,
      log: silentLog,
      meter: countingMeter(),
    });
    next.onStream('up');
    await until(() => isAwake);
    expect(woken).toHaveLength(count);
    next.onStream('down');
  }
  expect(await it.waiting()).toEqual(['a']);
});

test.each<[string, 'auto' | number, string | null, boolean]>([
  ['off', 0, 'ejabberd', false],
  ['auto on a server that stores first', 'auto', 'Prosody', false],
  ['auto on ejabberd', 'auto', 'ejabberd', true],
  ['auto on an unknown server', 'auto', null, true],
  ['a number, whatever the server', 3_000, 'Prosody', true],
])('%s', async (_what, setting, software, isHeld) => {
  const it = scene(setting);
  it.state.facts = { software, uptimeMs: 1_000_000 };
  await it.up();
  await it.send('a');
  expect(it.settled.at(-1)?.hold?.map(({ id }) => id)).toEqual(isHeld ? ['a'] : undefined);
  expect(await it.held()).toBe(isHeld ? 1 : 0);
  await it.put(['b'], toFar);
  await it.drain(toFar);
  expect(it.settled.at(-1)?.hold).toBeUndefined();
});

test('what was held before the hold was switched off is let go', async () => {
  const it = scene('auto');
  await it.up();
  await it.send('a');
  it.state.facts = { software: 'Prosody', uptimeMs: 0 };
  await back(it, 0);
  expect(await it.waiting()).toEqual([]);
  it.clock.advance(1);
  await back(it, 0);
  expect(await it.held()).toBe(0);
});

test('nothing is left running when the stream is down', async () => {
  const it = scene();
  await it.up();
  await it.send('a');
  await until(() => it.clock.sleeping() === 1);
  it.hold.onStream('down');
  await until(() => it.clock.sleeping() === 0);
});

describe('a server that does not tell how long it runs', () => {
  const silent = { software: null, uptimeMs: null };

  /** What the next process of the bridge sends again of what this one had confirmed. */
  async function repeatedBy(next: { readonly wasAway: boolean; readonly machineUptimeMs: number }) {
    const it = scene();
    it.state.facts = silent;
    await it.up();
    await it.send('a', 'b');
    it.clock.advance(1_000);
    const opened: (readonly LaneKey[])[] = [];
    const hold = makeHold({
      setting: 'auto',
      server: { serverFacts: () => Promise.resolve(silent), silentMs: () => 0, wasAway: () => next.wasAway },
      machineUptimeMs: () => next.machineUptimeMs,
      lanes: it.store.lanes,
      scheduler: waking((lanes) => opened.push(lanes)),
      clock: it.clock,
      log: silentLog,
      meter: countingMeter(),
    });
    hold.onStream('up');
    await until(() => opened.length === 1);
    hold.onStream('down');
    return it.waiting();
  }

  test.each<[string, Parameters<typeof repeatedBy>[0], string[]]>([
    ['is told nothing again when a bridge was stopped or killed', { wasAway: false, machineUptimeMs: 1e9 }, []],
    ['is told again when it refused connections meanwhile', { wasAway: true, machineUptimeMs: 1e9 }, ['a', 'b']],
    ['is told again when the machine was started since', { wasAway: false, machineUptimeMs: 500 }, ['a', 'b']],
  ])('%s', async (_name, next, waiting) => {
    expect(await repeatedBy(next)).toEqual(waiting);
  });
});
