/** What the server says when it refuses a login, and what becomes of the link; letters outside ASCII in a password. */
import { until } from '../../support/wait';
import type { XimssServerOptions } from '../../support/ximss-server/server';
import type { FarSettings } from '../../../src/ximss/port';
import { juliet, startScenario, type Scenario } from '../scenario';
import { linkOf } from '../support';

let scenario: Scenario;
afterEach(async () => {
  await scenario.end();
  expect(scenario.server.strict.violations).toEqual([]);
});

const julietLink = (password = 'secret') => linkOf('juliet@example.org', 'juliet@example.net', password);
const warnings = () => scenario.log.lines.filter(({ level }) => level === 'warn');

test.each([
  ['internal error', '505'],
  ['Domain is suspended', '1'],
  ['account data is locked', '7'],
])('"%s" stops no link: it is tried again, with the words of the server in sight', async (errorText, errorNum) => {
  scenario = await startScenario('tcp', {}, { login: 'plain' });
  scenario.server.faults.add({ action: 'refuse', request: 'login', errorText, errorNum: Number(errorNum), count: 3 });
  scenario.far.open(julietLink());
  await scenario.status('online');
  const deferred = scenario.heard.statuses.filter(({ status }) => status === 'deferred');
  expect(deferred).toHaveLength(3);
  expect(deferred[0]?.fault).toMatchObject({ code: 'login-refused', text: errorText, number: Number(errorNum) });
  expect(warnings().map(({ fields }) => (fields as { text: string }).text)).toEqual([errorText]);
});

test('what is a wrong password can be told by its number', async () => {
  scenario = await startScenario('tcp', {}, { login: 'plain', dialect: { wrongPassword: 'go away; 4711' } });
  scenario.server.faults.add({ action: 'refuse', request: 'login', errorText: 'x', errorNum: 4711 });
  scenario.far.open(julietLink());
  await scenario.status('deferred');
  expect(scenario.heard.statuses.at(-1)?.fault?.code).toBe('not-authorized');
});

test('the operator can have a refused link tried again', async () => {
  scenario = await startScenario('tcp');
  scenario.far.open(julietLink('wrong'));
  await scenario.status('deferred');
  scenario.longPauses[0]?.end();
  await scenario.status('refused');
  scenario.server.setPassword('juliet@example.net', 'wrong');
  scenario.far.reconnect([juliet]);
  await scenario.status('online');
});

describe('a password with letters outside ASCII', () => {
  const password = 'pässwörd';
  const sent = () =>
    scenario.server.log
      .list()
      .filter(({ dir, xml }) => dir === 'in' && xml.startsWith('<login'))
      .map(({ xml }) => / method="([^"]*)"/.exec(xml)?.[1] ?? 'plain');

  test.each<[string, XimssServerOptions, Partial<FarSettings>, string[]]>([
    ['hashed as RFC 2831 says', { dialect: { digestCharsets: ['latin1'] } }, {}, ['DIGEST-MD5']],
    ['hashed in UTF-8', { dialect: { digestCharsets: ['utf8'] } }, {}, ['DIGEST-MD5', 'DIGEST-MD5']],
    [
      'hashed in neither: another mechanism',
      { dialect: { digestCharsets: [] } },
      {},
      ['DIGEST-MD5', 'DIGEST-MD5', 'CRAM-MD5'],
    ],
  ])('%s', async (_, options, settings, expected) => {
    scenario = await startScenario('tcp', options, settings);
    scenario.server.setPassword('juliet@example.net', password);
    scenario.far.open(julietLink(password));
    await scenario.status('online');
    expect(sent()).toEqual(expected);
    // what worked is what a reconnect begins with
    scenario.server.dropAll();
    await until(() => scenario.statuses().filter((status) => status === 'online').length === 2);
    expect(sent()).toEqual([...expected, expected.at(-1)]);
  });

  test('wrong all the same: each way once, then it counts as wrong once', async () => {
    scenario = await startScenario('tcp');
    scenario.far.open(julietLink(password));
    await scenario.status('deferred');
    expect(scenario.heard.statuses.at(-1)?.fault?.code).toBe('not-authorized');
    expect(sent()).toEqual(['DIGEST-MD5', 'DIGEST-MD5', 'CRAM-MD5']);
  });

  test('clear text is the last way, and only inside TLS', async () => {
    scenario = await startScenario('starttls', { sasl: ['PLAIN', 'DIGEST-MD5'], dialect: { digestCharsets: [] } });
    scenario.server.setPassword('juliet@example.net', password);
    scenario.far.open(julietLink(password));
    await scenario.status('online');
    expect(sent()).toEqual(['DIGEST-MD5', 'DIGEST-MD5', 'plain']);
  });
});
