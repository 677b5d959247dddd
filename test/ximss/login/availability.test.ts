/** Whether the server is there: tried every one to two seconds however long it is away, told to all at once. */
import { Fault } from '../../../src/core/fault';
import { makeAvailability } from '../../../src/ximss/login/availability';
import { manualClock } from '../../support/clock';
import { rememberingLog } from '../support';

const hourMs = 3_600_000;
const open = new AbortController().signal;
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 4; turn += 1) await new Promise(setImmediate);
};

function setUp() {
  const clock = manualClock();
  const log = rememberingLog();
  const state = { isThere: false, probeCount: 0, backCount: 0 };
  const availability = makeAvailability({
    probe: () => {
      state.probeCount += 1;
      return state.isThere ? Promise.resolve() : Promise.reject(new Fault('unavailable', { cause: 'ECONNREFUSED' }));
    },
    probeTimeoutMs: 5_000,
    server: 'cgp.example.net:11024',
    onBack: () => (state.backCount += 1),
    clock,
    log,
  });
  const warnings = () => log.lines.filter(({ level }) => level === 'warn');
  /** Lets simulated time pass in small steps. */
  const pass = async (ms: number, stepMs = 500): Promise<void> => {
    for (let passed = 0; passed < ms; passed += stepMs) {
      clock.advance(stepMs);
      await turns();
    }
  };
  return { clock, log, state, availability, warnings, pass };
}

test('two hours away: tried every one to two seconds, one warning; back within two seconds of its return, all told', async () => {
  const { state, availability, warnings, pass, log } = setUp();
  availability.lost(new Fault('unavailable', { cause: 'ECONNREFUSED', text: 'no way' }));
  const waiting = Array.from({ length: 500 }, () => availability.whenThere(open));
  await pass(2 * hourMs);
  expect(state.probeCount).toBeGreaterThan(3_600);
  expect(state.probeCount).toBeLessThan(7_200);
  expect(availability.fault()?.code).toBe('unavailable');
  expect(warnings()).toMatchObject([
    {
      fields: {
        server: 'cgp.example.net:11024',
        why: 'ECONNREFUSED',
        text: 'no way',
        hint: 'see ximss.server; run: xmpp-ximss-bridge doctor',
      },
    },
  ]);
  state.isThere = true;
  await pass(2_000);
  await Promise.all(waiting);
  expect([availability.fault(), state.backCount]).toEqual([null, 1]);
  expect(log.lines.at(-1)).toMatchObject({ level: 'info', message: 'the XIMSS server answers again' });
});

test('a pause ends early when the server has come back, and not while it is away', async () => {
  const { state, availability, pass } = setUp();
  const ends: string[] = [];
  void availability.pause(hourMs, open).then(() => ends.push('long'));
  availability.lost(new Fault('timeout'));
  void availability.pause(1_000, open).then(() => ends.push('short'));
  await pass(10_000);
  expect(ends).toEqual([]);
  state.isThere = true;
  await pass(2_000);
  expect(ends.sort()).toEqual(['long', 'short']);
});

test('another reason is another warning', async () => {
  const { availability, warnings } = setUp();
  availability.lost(new Fault('unavailable'));
  availability.lost(new Fault('unavailable'));
  availability.lost(new Fault('no-tls'));
  availability.lost(new Fault('no-tls'));
  await turns();
  expect(warnings().map(({ fields }) => (fields as { fault: string }).fault)).toEqual(['unavailable', 'no-tls']);
});

test('a check of a server that is there changes nothing and logs nothing', async () => {
  const { state, availability, log } = setUp();
  state.isThere = true;
  availability.check();
  availability.check();
  await turns();
  expect([state.probeCount, availability.fault(), log.lines]).toEqual([1, null, []]);
});

test('stopped, it tries no more and keeps no timer', async () => {
  const { clock, state, availability, pass } = setUp();
  availability.lost(new Fault('unavailable'));
  await turns();
  availability.stop();
  await pass(10_000);
  expect([state.probeCount, clock.sleeping()]).toEqual([0, 0]);
});
