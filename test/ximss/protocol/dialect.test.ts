/** Assumptions turned the other way, on both sides at once: whole conversations under another dialect. */
import { until } from '../../support/wait';
import { account, chat } from '../support';
import { juliet, startScenario, romeo, type Scenario } from '../scenario';

let scenario: Scenario;
afterEach(async () => {
  await scenario.end();
  expect(scenario.server.strict.violations).toEqual([]);
});

test.each<[string, ...Parameters<typeof startScenario>]>([
  ['a bare bind gives messages', 'tcp', {}, { dialect: { bind: 'bare' } }],
  ['text in a body child', 'tcp', {}, { dialect: { messageContent: 'body' } }],
  ['no type, no ids', 'tcp', {}, { dialect: { messageType: 'omit', errorReports: 'without-ids' } }],
  ['the server sends format A always', 'http', { dialect: { formatB: 'never' } }, {}],
  ['the server sends format B always', 'tcp', { dialect: { formatB: 'always' } }, {}],
  ['the server answers out of order', 'tcp', { dialect: { inOrder: false } }, {}],
  [
    'the server sends stored messages behind the response',
    'tcp',
    { dialect: { offlineDelivery: 'afterResponse' } },
    {},
  ],
  ['the server gives no ids', 'tcp', { dialect: { iqid: 'none' } }, {}],
  [
    'the server refuses neither a name nor a second session of it',
    'tcp',
    { dialect: { sameClientID: 'unbindOld' } },
    {},
  ],
])('%s: messages go both ways', async (_, ...how) => {
  scenario = await startScenario(...how);
  const actor = scenario.server.client('romeo@example.net');
  actor.sendIM('juliet@example.net', 'stored');
  await scenario.online();
  await scenario.far.deliver(juliet, romeo, [chat('out')])[0];
  expect(actor.of('im').map(({ text }) => text)).toEqual(['out']);
  actor.sendIM('juliet@example.net', 'in');
  await until(() => scenario.heard.bodies().length === 2);
  expect(scenario.heard.bodies()).toEqual(['stored', 'in']);
});

test('a server that reports failures later: the bounce names the envelope', async () => {
  scenario = await startScenario('tcp', { dialect: { unknownPeer: 'report' } });
  await scenario.online();
  const nobody = account('nobody@example.net');
  const envelope = chat('x', { id: 'm1' });
  await scenario.far.deliver(juliet, nobody, [envelope])[0];
  await until(() => scenario.heard.events.length === 1);
  expect(scenario.heard.events).toMatchObject([
    { peer: nobody, event: { kind: 'bounce', of: envelope.id, what: 'message', fault: { code: 'refused' } } },
  ]);
});

test('a server that shows show beside presence, and one that marks no pending request', async () => {
  scenario = await startScenario('tcp', { dialect: { presenceShow: true, askAttribute: false } });
  const actor = scenario.server.client('romeo@example.net');
  await scenario.online();
  const subscribe = { ...chat(''), event: { kind: 'verb' as const, verb: 'subscribe' as const, status: null } };
  await scenario.far.deliver(juliet, romeo, [subscribe])[0];
  actor.subscribed('juliet@example.net');
  actor.setPresence('out-lunch');
  const shows = (): string[] =>
    scenario.heard.events.flatMap(({ event }) => (event.kind === 'presence' ? [event.show] : []));
  await until(() => shows().some((show) => show === 'xa' || show === 'away'));
  expect(await scenario.far.roster(juliet)).toMatchObject([{ account: romeo, subscription: 'to', isPending: false }]);
});
