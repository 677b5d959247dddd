/** A XIMSS server that sends far more than a document may hold: the session ends or the document does, and the link goes on. */
import { until } from '../support/wait';
import { el } from '../support/ximss-server/xml';
import { startScenario, type Scenario } from './scenario';

const largeBytes = 5_000_000;

let scenario: Scenario;
afterEach(() => scenario.end());

test.each(['tcp', 'http'] as const)('over %s a document of 5 MB is not taken, and the link goes on', async (wire) => {
  scenario = await startScenario(wire);
  await scenario.online();
  const romeo = scenario.server.client('romeo@example.net');
  const heard = () => scenario.heard.events.map(({ event }) => (event.kind === 'message' ? event.body : event.kind));
  romeo.iqSend('result', 'juliet@example.net', 'q1', el('vCard', { xmlns: 'vcard-temp' }, 'x'.repeat(largeBytes)));
  romeo.sendIM('juliet@example.net', 'x'.repeat(largeBytes));
  const said = (): boolean => {
    romeo.sendIM('juliet@example.net', 'after it'); // over HTTP the session ends with it: until there is another one
    return heard().includes('after it');
  };
  await until(said, { everyMs: 200, what: () => scenario.statuses().join(' ') });
  await scenario.status('online');
  expect(heard().every((body) => body.length < largeBytes)).toBe(true);
});
