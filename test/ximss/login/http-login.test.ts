/** Logging in over HTTP: the ways in, what is never done, a login that is lost. */
import { testCertificate } from '../../support/cert';
import { until } from '../../support/wait';
import { linkOf } from '../support';
import { startScenario, type Scenario } from '../scenario';

let scenario: Scenario;
afterEach(async () => {
  await scenario.end();
  expect(scenario.server.strict.violations).toEqual([]);
});

describe('logging in', () => {
  const { ca, cert, key } = testCertificate();
  test.each<[string, ...Parameters<typeof startScenario>]>([
    ['by nonce', 'http', { plainWithoutTls: false }, { starttls: 'required' }],
    ['by nonce when a challenge is asked for', 'http', { plainWithoutTls: false }, { login: 'cram-md5' }],
    ['by form', 'http', {}, { login: 'plain' }],
    [
      'by form inside TLS, whatever TLS on TCP is set to',
      'https',
      { tls: { cert, key } },
      { ca, login: 'plain', starttls: 'required' },
    ],
    ['by HTTP Basic', 'http', {}, { login: 'plain', dialect: { clearTextLogin: 'plain' } }],
    ['without a version', 'http', {}, { dialect: { protocolVersion: 'omit' } }],
    ['in the later version', 'http', {}, { dialect: { protocolVersion: '6.2' } }],
  ])('%s', async (_, wire, options, settings) => {
    scenario = await startScenario(wire, options, settings);
    const actor = scenario.server.client('romeo@example.net');
    await scenario.online();
    actor.sendIM('juliet@example.net', 'x');
    await until(() => scenario.heard.bodies().length === 1);
    const wanted = (typeof settings === 'object' && settings.dialect?.protocolVersion) || '6.1';
    expect(scenario.server.sessions().find(({ transport }) => transport === wire)?.version).toBe(
      wanted === 'omit' ? null : wanted,
    );
  });

  test('no password in clear text when TLS is required', async () => {
    scenario = await startScenario('http', {}, { login: 'plain', starttls: 'required' });
    scenario.far.open(linkOf('juliet@example.org', 'juliet@example.net', 'secret'));
    await scenario.status('waiting');
    expect(scenario.heard.statuses.at(-1)?.fault?.code).toBe('no-tls');
  });

  test('not to a server that is not trusted', async () => {
    scenario = await startScenario('https', {}, { ca: null });
    scenario.far.open(linkOf('juliet@example.org', 'juliet@example.net', 'secret'));
    await scenario.status('waiting');
    expect(scenario.heard.statuses.at(-1)?.fault?.code).toBe('unavailable');
  });

  test.each(['drop', 'never'] as const)('a login that is lost (%s) is tried again', async (action) => {
    scenario = await startScenario('http', {}, { requestTimeoutMs: 300 });
    scenario.server.faults.add({ action, request: '#login' });
    await scenario.online();
    expect(scenario.statuses()).toEqual(['connecting', 'waiting', 'connecting', 'online']);
  });
});
