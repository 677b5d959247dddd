/** Closing at any moment leaves nothing behind: no session on the server, no connection, no timer. */
import { systemClock } from '../../src/ops/clock';
import { makeFarPort } from '../../src/ximss/port';
import { until } from '../support/wait';
import { baseSettings, countingMeter, jid, linkOf, rememberingListener, rememberingLog, serverAt } from './support';
import { startScenario, type Scenario } from './scenario';

const roundCount = 120;

/** The machine's clock, which knows its sleepers. */
function countingClock() {
  const sleepers = new Set<object>();
  const sleep = async (ms: number, signal: AbortSignal): Promise<void> => {
    const self = {};
    sleepers.add(self);
    try {
      await systemClock.sleep(ms, signal);
    } finally {
      sleepers.delete(self);
    }
  };
  return { ...systemClock, dice: () => 0, sleep, sleepers };
}

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate);
};

describe.each(['tcp', 'http'] as const)('over %s', (wire) => {
  let scenario: Scenario;
  beforeEach(async () => {
    scenario = await startScenario(wire);
  });
  afterEach(async () => {
    await scenario.end();
  });
  const server = (): string =>
    wire === 'tcp' ? `ximss://127.0.0.1:${scenario.server.tcpPort}` : `http://127.0.0.1:${scenario.server.httpPort}`;

  test('a link that is closed so many turns after it was opened', async () => {
    const clock = countingClock();
    const settings = { ...baseSettings, server: serverAt(server()) };
    const heard = rememberingListener();
    const far = makeFarPort({ settings, clock, log: rememberingLog(), meter: countingMeter() });
    far.start(heard);
    const user = jid('juliet@example.org');
    const closings: Promise<void>[] = [];
    for (let round = 0; round < roundCount; round += 1) {
      far.open(linkOf('juliet@example.org', 'juliet@example.net', 'secret'));
      await turns(round % 40);
      closings.push(far.close(user));
    }
    await Promise.all(closings);
    await until(() => scenario.server.sessions().length === 0, {
      what: () => `the end of ${scenario.server.sessions().length} sessions`,
    });
    await far.stop(AbortSignal.timeout(2_000));
    await until(() => clock.sleepers.size === 0, { what: () => `the end of ${clock.sleepers.size} timers` });
    expect(heard.statuses.filter(({ status }) => status === 'closed')).toHaveLength(roundCount);
  });

  test('a trial that is given up so many turns after it began', async () => {
    const clock = countingClock();
    const settings = { ...baseSettings, server: serverAt(server()) };
    const far = makeFarPort({
      settings,
      clock,
      log: rememberingLog(),
      meter: countingMeter(),
    });
    for (let round = 0; round < roundCount; round += 1) {
      const stopper = new AbortController();
      const trial = far.verify(linkOf('a@b.c', 'juliet@example.net', '').account, 'secret', stopper.signal);
      const outcome = trial.catch(() => undefined);
      await turns(round % 40);
      stopper.abort();
      await outcome;
    }
    await until(() => scenario.server.sessions().length === 0);
    await until(() => clock.sleepers.size === 0, { what: () => `the end of ${clock.sleepers.size} timers` });
    await far.stop(AbortSignal.timeout(2_000));
  });
});
