/** Assumptions turned the other way, on both sides at once: whole conversations under another dialect. */
import { until } from '../../support/wait';
import { account, chat } from '../support';
import { juliet, makeStage, romeo, type Stage } from '../stage';

let stage: Stage;
afterEach(async () => {
  await stage.end();
  expect(stage.server.strict.violations).toEqual([]);
});

test.each<[string, ...Parameters<typeof makeStage>]>([
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
  stage = await makeStage(...how);
  const actor = stage.server.client('romeo@example.net');
  actor.sendIM('juliet@example.net', 'stored');
  await stage.online();
  await stage.far.deliver(juliet, romeo, [chat('out')])[0];
  expect(actor.of('im').map(({ text }) => text)).toEqual(['out']);
  actor.sendIM('juliet@example.net', 'in');
  await until(() => stage.heard.bodies().length === 2);
  expect(stage.heard.bodies()).toEqual(['stored', 'in']);
});

test('a server that reports failures later: the bounce names the message', async () => {
  stage = await makeStage('tcp', { dialect: { unknownPeer: 'report' } });
  await stage.online();
  const nobody = account('nobody@example.net');
  await stage.far.deliver(juliet, nobody, [chat('x', { id: 'm1' })])[0];
  await until(() => stage.heard.events.length === 1);
  expect(stage.heard.events).toMatchObject([
    { peer: nobody, event: { kind: 'bounce', of: 'm1', what: 'message', fault: { code: 'refused' } } },
  ]);
});

test('a server that shows show beside presence, and one that marks no pending request', async () => {
  stage = await makeStage('tcp', { dialect: { presenceShow: true, askAttribute: false } });
  const actor = stage.server.client('romeo@example.net');
  await stage.online();
  const subscribe = { ...chat(''), event: { kind: 'verb' as const, verb: 'subscribe' as const, status: null } };
  await stage.far.deliver(juliet, romeo, [subscribe])[0];
  actor.subscribed('juliet@example.net');
  actor.setPresence('out-lunch');
  const shows = (): string[] =>
    stage.heard.events.flatMap(({ event }) => (event.kind === 'presence' ? [event.show] : []));
  await until(() => shows().some((show) => show === 'xa' || show === 'away'));
  expect(await stage.far.roster(juliet)).toMatchObject([{ account: romeo, subscription: 'to', isPending: false }]);
});
