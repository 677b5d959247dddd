/** Operations before login, over both wires: what provisioning uses. */
import { systemClock } from '../../src/ops/clock';
import { makePrelogin, type Prelogin } from '../../src/ximss/prelogin';
import { account, baseSettings, countingMeter, jid, linkOf, rememberingLog, serverAt } from './support';
import { makeStage, type Stage } from './stage';
import { until } from '../support/wait';

const { signal } = new AbortController();
const newcomer = account('newcomer@example.net');

describe.each(['tcp', 'http'] as const)('over %s', (wire) => {
  let stage: Stage;
  let prelogin: Prelogin;
  const begin = async (...more: Parameters<typeof makeStage> extends [unknown?, ...infer Rest] ? Rest : never) => {
    stage = await makeStage(wire, ...more);
    const server =
      wire === 'tcp' ? `ximss://127.0.0.1:${stage.server.tcpPort}` : `http://127.0.0.1:${stage.server.httpPort}`;
    prelogin = makePrelogin({
      settings: { ...baseSettings, server: serverAt(server), requestTimeoutMs: 1_000 },
      clock: systemClock,
      log: rememberingLog(),
      meter: countingMeter(),
    });
  };
  afterEach(async () => {
    prelogin.close();
    await stage.end();
    expect(stage.server.strict.violations).toEqual([]);
  });

  test('an account is made once and can then be used', async () => {
    await begin();
    await prelogin.signup(newcomer, 'fresh', 'New Comer', signal);
    await expect(prelogin.signup(newcomer, 'fresh', null, signal)).rejects.toMatchObject({ code: 'refused' });
    stage.far.open(linkOf('newcomer@example.org', newcomer, 'fresh'));
    await until(() => stage.far.status(jid('newcomer@example.org')) === 'online');
  });

  test('no signup where it is switched off', async () => {
    await begin({ signup: false });
    await expect(prelogin.signup(newcomer, 'fresh', null, signal)).rejects.toMatchObject({ code: 'refused' });
  });

  test('silence, absence and impatience have their names', async () => {
    await begin();
    stage.server.faults.add({ action: 'never', request: 'signup' });
    await expect(prelogin.signup(newcomer, 'fresh', null, signal)).rejects.toMatchObject({ code: 'timeout' });
    await expect(prelogin.signup(newcomer, 'fresh', null, AbortSignal.abort())).rejects.toMatchObject({
      code: 'timeout',
    });
    await stage.server.stop();
    await expect(prelogin.signup(newcomer, 'fresh', null, signal)).rejects.toMatchObject({ code: 'unavailable' });
  });
});

test('a new password does not go out in clear text when TLS is required', async () => {
  const stage = await makeStage('http');
  for (const server of [`ximss://127.0.0.1:${stage.server.tcpPort}`, `http://127.0.0.1:${stage.server.httpPort}`]) {
    const settings = { ...baseSettings, server: serverAt(server), starttls: 'required' as const };
    const prelogin = makePrelogin({ settings, clock: systemClock, log: rememberingLog(), meter: countingMeter() });
    await expect(prelogin.signup(newcomer, 'fresh', null, signal)).rejects.toMatchObject({ code: 'no-tls' });
    prelogin.close();
  }
  await stage.end();
});
