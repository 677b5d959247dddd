/** Operations before login, over both wires: what provisioning and the doctor use. */
import { systemClock } from '../../src/ops/clock';
import { makePrelogin, type Prelogin } from '../../src/ximss/port';
import { account, baseSettings, countingMeter, jid, linkOf, rememberingLog } from './support';
import { makeStage, type Stage } from './stage';
import { until } from '../support/wait';

const { signal } = new AbortController();
const newcomer = account('newcomer@example.net');

describe.each(['tcp', 'http'] as const)('over %s', (wire) => {
  let stage: Stage;
  let door: Prelogin;
  const begin = async (...more: Parameters<typeof makeStage> extends [unknown?, ...infer Rest] ? Rest : never) => {
    stage = await makeStage(wire, ...more);
    const server =
      wire === 'tcp' ? `ximss://127.0.0.1:${stage.server.tcpPort}` : `http://127.0.0.1:${stage.server.httpPort}`;
    door = makePrelogin({
      settings: { ...baseSettings, server, requestTimeoutMs: 1_000 },
      clock: systemClock,
      log: rememberingLog(),
      meter: countingMeter(),
    });
  };
  afterEach(async () => {
    door.close();
    await stage.end();
    expect(stage.server.strict.violations).toEqual([]);
  });

  test('an account is made once and can then be used', async () => {
    await begin();
    await door.signup(newcomer, 'fresh', 'New Comer', signal);
    await expect(door.signup(newcomer, 'fresh', null, signal)).rejects.toMatchObject({ code: 'refused' });
    stage.far.open(linkOf('newcomer@example.org', newcomer, 'fresh'));
    await until(() => stage.far.status(jid('newcomer@example.org')) === 'online');
  });

  test('what the server offers', async () => {
    await begin();
    expect(await door.features(signal)).toMatchObject({
      domain: 'example.net',
      hasStarttls: false,
      hasSignup: true,
      sasl: ['PLAIN', 'CRAM-MD5', 'DIGEST-MD5'],
    });
  });

  test('a lost password is mailed', async () => {
    await begin();
    await door.recoverPassword(account('juliet@example.net'), signal);
  });

  test('no signup where it is switched off', async () => {
    await begin({ signup: false });
    await expect(door.signup(newcomer, 'fresh', null, signal)).rejects.toMatchObject({ code: 'refused' });
    expect((await door.features(signal)).hasSignup).toBe(false);
  });

  test('silence, absence and impatience have their names', async () => {
    await begin();
    stage.server.faults.add({ action: 'never', request: 'signup' });
    await expect(door.signup(newcomer, 'fresh', null, signal)).rejects.toMatchObject({ code: 'timeout' });
    await expect(door.features(AbortSignal.abort())).rejects.toMatchObject({ code: 'timeout' });
    await stage.server.stop();
    await expect(door.features(signal)).rejects.toMatchObject({ code: 'unavailable' });
  });
});

test('a new password does not go out in clear text when TLS is required', async () => {
  const stage = await makeStage('http');
  for (const server of [`ximss://127.0.0.1:${stage.server.tcpPort}`, `http://127.0.0.1:${stage.server.httpPort}`]) {
    const settings = { ...baseSettings, server, starttls: 'required' as const };
    const door = makePrelogin({ settings, clock: systemClock, log: rememberingLog(), meter: countingMeter() });
    await expect(door.signup(newcomer, 'fresh', null, signal)).rejects.toMatchObject({ code: 'no-tls' });
    door.close();
  }
  await stage.end();
});
