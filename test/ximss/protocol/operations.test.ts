/** The typed operations, one by one, against the test server. */
import { systemClock } from '../../../src/ops/clock';
import { connect, noEvents } from '../../../src/ximss/login/connect';
import { el, type Element } from '../../../src/ximss/wire/element';
import { makeXimssContext } from '../../../src/ximss/context';
import * as ops from '../../../src/ximss/protocol/operations';
import type { Operation } from '../../../src/ximss/protocol/request';
import type { Session } from '../../../src/ximss/session/session';
import { baseSettings, countingMeter, rememberingLog, serverAt } from '../support';
import { startScenario, type Scenario } from '../scenario';

let scenario: Scenario;
let session: Session;
const pushed: Element[] = [];

beforeEach(async () => {
  scenario = await startScenario('tcp');
  const settings = { ...baseSettings, server: serverAt(`ximss://127.0.0.1:${scenario.server.tcpPort}`) };
  const context = makeXimssContext({ settings, clock: systemClock, log: rememberingLog(), meter: countingMeter() });
  pushed.length = 0;
  const events = { ...noEvents, onAsync: (document: Element) => void pushed.push(document) };
  const credentials = { name: 'juliet@example.net', password: 'secret' };
  ({ session } = await connect(context, credentials, events, new AbortController().signal));
});

afterEach(async () => {
  await session.perform(ops.bye()).catch(() => undefined);
  await scenario.end();
  expect(scenario.server.strict.violations).toEqual([]);
});

const vCard = el('vCard', {}, el('FN', {}, 'Juliet <C>'));

test.each<[string, Operation<unknown>, unknown]>([
  ['noop', ops.noop(), undefined],
  ['bind', ops.signalBind({ clientID: 'x' }), undefined],
  ['unbind', ops.signalUnbind(), undefined],
  ['an empty roster', ops.rosterList(), []],
  ['a directory search', ops.listDirectory('(mail=nobody)', 4, ['cn', 'mail']), expect.any(Array)],
])('%s', async (_, operation, expected) => {
  expect(await session.perform(operation)).toEqual(expected);
});

test('the time of the server', async () => {
  const now = await session.perform(ops.readTime());
  expect(Math.abs((now ?? 0) - Date.now())).toBeLessThan(60_000);
});

test('a file that is not there is refused; a profile that is written is read again', async () => {
  await expect(session.perform(ops.fileRead('profile.vcf', 'vcard'))).rejects.toMatchObject({
    code: 'refused',
    text: 'file is not found',
  });
  await session.perform(ops.fileWriteVCard('profile.vcf', vCard));
  const file = await session.perform(ops.fileRead('profile.vcf', 'vcard'));
  expect(file).toMatchObject({ fileName: 'profile.vcf', vCard });
});

test('the vCard of another account comes as an iqRead with our id', async () => {
  await session.perform(ops.signalBind({ clientID: 'x' }));
  scenario.server.client('romeo@example.net').request(
    'fileWrite',
    { type: 'vcard', fileName: 'profile.vcf' },
    {
      name: 'vCard',
      attrs: {},
      children: [{ name: 'FN', attrs: {}, children: ['Romeo'] }],
    },
  );
  const payload = el('vCard', { xmlns: 'vcard-temp' });
  await session.perform(ops.iqSend({ type: 'get', peer: 'romeo@example.net', iqid: 'q7', payload }));
  await session.perform(ops.noop());
  expect(pushed.filter(({ name }) => name === 'iqRead')).toMatchObject([
    { attrs: { peer: 'romeo@example.net', iqid: 'q7', type: 'result' } },
  ]);
});

test('an unknown operation is refused by its number', async () => {
  await expect(session.request(el('noSuchThing'), 'repeatable')).rejects.toMatchObject({
    code: 'refused',
    number: 500,
  });
  scenario.server.strict.violations.length = 0; // it was recorded, rightly
});

test('the session message: what is missing is null', () => {
  expect(ops.readSession(null)).toMatchObject({ urlId: null, mustChangePassword: false, needsSecondFactor: false });
  expect(ops.readSession(el('session', { urlID: 'S', changePassword: '1', x2auth: '0' }))).toMatchObject({
    urlId: 'S',
    mustChangePassword: true,
    needsSecondFactor: false,
  });
});
