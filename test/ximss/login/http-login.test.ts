/** Logging in over HTTP: the ways in, what is never done, a login that is lost. */
import { testCertificate } from '../../support/cert';
import { until } from '../../support/wait';
import { linkOf } from '../support';
import { makeStage, type Stage } from '../stage';

let stage: Stage;
afterEach(async () => {
  await stage.end();
  expect(stage.server.strict.violations).toEqual([]);
});

describe('logging in', () => {
  const { ca, cert, key } = testCertificate();
  test.each<[string, ...Parameters<typeof makeStage>]>([
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
    stage = await makeStage(wire, options, settings);
    const actor = stage.server.client('romeo@example.net');
    await stage.online();
    actor.sendIM('juliet@example.net', 'x');
    await until(() => stage.heard.bodies().length === 1);
    const wanted = (typeof settings === 'object' && settings.dialect?.protocolVersion) || '6.1';
    expect(stage.server.sessions().find(({ transport }) => transport === wire)?.version).toBe(
      wanted === 'omit' ? null : wanted,
    );
  });

  test('no password in clear text when TLS is required', async () => {
    stage = await makeStage('http', {}, { login: 'plain', starttls: 'required' });
    stage.far.open(linkOf('juliet@example.org', 'juliet@example.net', 'secret'));
    await stage.status('waiting');
    expect(stage.heard.statuses.at(-1)?.fault?.code).toBe('no-tls');
  });

  test('not to a server that is not trusted', async () => {
    stage = await makeStage('https', {}, { ca: null });
    stage.far.open(linkOf('juliet@example.org', 'juliet@example.net', 'secret'));
    await stage.status('waiting');
    expect(stage.heard.statuses.at(-1)?.fault?.code).toBe('unavailable');
  });

  test.each(['drop', 'never'] as const)('a login that is lost (%s) is tried again', async (action) => {
    stage = await makeStage('http', {}, { requestTimeoutMs: 300 });
    stage.server.faults.add({ action, request: '#login' });
    await stage.online();
    expect(stage.statuses()).toEqual(['connecting', 'waiting', 'connecting', 'online']);
  });
});
