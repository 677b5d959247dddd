/** Operations before login, over both wires: what provisioning uses. */
import { systemClock } from '../../src/ops/clock';
import { makePrelogin, type Prelogin } from '../../src/ximss/prelogin';
import { account, baseSettings, countingMeter, jid, linkOf, rememberingLog, serverAt } from './support';
import { startScenario, type Scenario } from './scenario';
import { until } from '../support/wait';

const { signal } = new AbortController();
const newcomer = account('newcomer@example.net');

describe.each(['tcp', 'http'] as const)('over %s', (wire) => {
  let scenario: Scenario;
  let prelogin: Prelogin;
  const begin = async (...more: Parameters<typeof startScenario> extends [unknown?, ...infer Rest] ? Rest : never) => {
    scenario = await startScenario(wire, ...more);
    const server =
      wire === 'tcp' ? `ximss://127.0.0.1:${scenario.server.tcpPort}` : `http://127.0.0.1:${scenario.server.httpPort}`;
    prelogin = makePrelogin({
      settings: { ...baseSettings, server: serverAt(server), requestTimeoutMs: 1_000 },
      clock: systemClock,
      log: rememberingLog(),
      meter: countingMeter(),
    });
  };
  afterEach(async () => {
    prelogin.close();
    await scenario.end();
    expect(scenario.server.strict.violations).toEqual([]);
  });

  test('an account is made once and can then be used', async () => {
    await begin();
    await prelogin.signup(newcomer, 'fresh', 'New Comer', signal);
    await expect(prelogin.signup(newcomer, 'fresh', null, signal)).rejects.toMatchObject({ code: 'refused' });
    scenario.far.open(linkOf('newcomer@example.org', newcomer, 'fresh'));
    await until(() => scenario.far.status(jid('newcomer@example.org')) === 'online');
  });

  test('no signup where it is switched off', async () => {
    await begin({ signup: false });
    await expect(prelogin.signup(newcomer, 'fresh', null, signal)).rejects.toMatchObject({ code: 'refused' });
  });

  test('silence, absence and impatience have their names', async () => {
    await begin();
    scenario.server.faults.add({ action: 'never', request: 'signup' });
    await expect(prelogin.signup(newcomer, 'fresh', null, signal)).rejects.toMatchObject({ code: 'timeout' });
    await expect(prelogin.signup(newcomer, 'fresh', null, AbortSignal.abort())).rejects.toMatchObject({
      code: 'timeout',
    });
    await scenario.server.stop();
    await expect(prelogin.signup(newcomer, 'fresh', null, signal)).rejects.toMatchObject({ code: 'unavailable' });
  });
});

test('a new password does not go out in clear text when TLS is required', async () => {
  const scenario = await startScenario('http');
  for (const server of [
    `ximss://127.0.0.1:${scenario.server.tcpPort}`,
    `http://127.0.0.1:${scenario.server.httpPort}`,
  ]) {
    const settings = { ...baseSettings, server: serverAt(server), starttls: 'required' as const };
    const prelogin = makePrelogin({ settings, clock: systemClock, log: rememberingLog(), meter: countingMeter() });
    await expect(prelogin.signup(newcomer, 'fresh', null, signal)).rejects.toMatchObject({ code: 'no-tls' });
    prelogin.close();
  }
  await scenario.end();
});
