/** The server away and back: all links wait for one answer, log in in their order, and the log stays short. */
import { until } from '../support/wait';
import { jid, linkOf } from './support';
import { startScenario, type Scenario } from './scenario';

let scenario: Scenario;
afterEach(async () => {
  await scenario.end();
});

const linkCount = 20;
const names = Array.from({ length: linkCount }, (_, n) => `user${n}`);
const users = names.map((name) => linkOf(`${name}@example.org`, `${name}@example.net`, 'pw').user);
const onlineCount = () => users.filter((user) => scenario.far.status(user) === 'online').length;
const warnings = () => scenario.log.lines.filter(({ level }) => level === 'warn');

async function allOnline(): Promise<void> {
  for (const name of names) scenario.server.addAccount(`${name}@example.net`, 'pw');
  for (const name of names) scenario.far.open(linkOf(`${name}@example.org`, `${name}@example.net`, 'pw'));
  await until(() => onlineCount() === linkCount);
}

test.each(['tcp', 'http'] as const)(
  'over %s: twenty links, one warning, one probe at a time, all are back',
  async (wire) => {
    scenario = await startScenario(wire);
    await allOnline();
    await scenario.server.stop();
    await until(() => scenario.far.absence() !== null && onlineCount() === 0, { deadlineMs: 10_000 });
    expect(new Set(users.map((user) => scenario.far.status(user)))).toEqual(new Set(['waiting']));
    await scenario.server.start();
    await until(() => onlineCount() === linkCount, { deadlineMs: 10_000 });
    expect(scenario.far.absence()).toBeNull();
    expect(warnings().map(({ message }) => message)).toEqual([
      'the XIMSS server cannot be used; it is tried every 1 to 2 seconds',
    ]);
  },
);

test('the urgent log in first', async () => {
  const urgent = jid('user19@example.org');
  scenario = await startScenario('tcp', { loginsPerSecond: 50 });
  scenario.heard.urgency = (user) => (user === urgent ? 1 : 0);
  await allOnline();
  await scenario.server.stop();
  await until(() => scenario.far.absence() !== null && onlineCount() === 0);
  scenario.heard.statuses.length = 0;
  await scenario.server.start();
  await until(() => onlineCount() === linkCount, { deadlineMs: 10_000 });
  const order = scenario.heard.statuses.filter(({ status }) => status === 'online').map(({ user }) => user);
  // the first eight may have been on their way before the urgent one asked
  expect(order.findIndex((user) => user === urgent)).toBeLessThan(10);
});

test('a server without TLS where it is required: one warning in words, and "waiting" for all', async () => {
  scenario = await startScenario('tcp', {}, { starttls: 'required' });
  for (const name of names) scenario.far.open(linkOf(`${name}@example.org`, `${name}@example.net`, 'pw'));
  await until(() => users.every((user) => scenario.far.status(user) === 'waiting'));
  expect(warnings()).toMatchObject([
    { fields: { fault: 'no-tls', hint: 'see ximss.starttls; run: xmpp-ximss-bridge doctor' } },
  ]);
  expect(scenario.far.absence()?.code).toBe('no-tls');
});

test('a connection that is lost ten times in a row is back each time, and nobody calls the server away', async () => {
  scenario = await startScenario('tcp');
  await scenario.online();
  for (let n = 2; n <= 11; n += 1) {
    scenario.server.dropAll();
    await until(() => scenario.statuses().filter((status) => status === 'online').length === n);
  }
  expect(warnings()).toEqual([]);
});
