/** The HTTP binding: what its numbers promise, against the test server. */
import { until } from '../../support/wait';
import { Fault } from '../../../src/core/fault';
import { makeCodec } from '../../../src/ximss/wire/codec';
import { el } from '../../../src/ximss/wire/element';
import { HttpTransport } from '../../../src/ximss/wire/http';
import { systemClock } from '../../../src/ops/clock';
import { chat, linkOf } from '../support';
import { juliet, startScenario, romeo, type Scenario } from '../scenario';

describe('against the test server', () => {
  let scenario: Scenario;
  afterEach(async () => {
    await scenario.end();
    expect(scenario.server.strict.violations).toEqual([]);
  });

  test.each([
    ['lost after it was done', 'loseResponse'],
    ['lost before it was done', 'drop'],
  ] as const)('an answer %s costs nothing: each message arrives once', async (_, action) => {
    scenario = await startScenario('http');
    const actor = scenario.server.client('romeo@example.net');
    await scenario.online();
    scenario.server.faults.add({ action, request: '#sync', count: 3 });
    const bodies = ['a', 'b', 'c', 'd'];
    await Promise.all(
      scenario.far.deliver(
        juliet,
        romeo,
        bodies.map((body) => chat(body)),
      ),
    );
    await scenario.far.deliver(juliet, romeo, [chat('e')])[0];
    expect(actor.of('im').map(({ text }) => text)).toEqual([...bodies, 'e']);
    expect(scenario.server.sessions().filter(({ transport }) => transport === 'http')).toHaveLength(1);
  });

  test('a lost get is asked again; each message comes once and in order', async () => {
    scenario = await startScenario('http');
    const actor = scenario.server.client('romeo@example.net');
    await scenario.online();
    scenario.server.faults.add({ action: 'dropAfter', request: '#get', nth: 2, count: 2 });
    const bodies = Array.from({ length: 40 }, (_, index) => `${index}`);
    for (const body of bodies) {
      actor.sendIM('juliet@example.net', body);
      await new Promise(setImmediate);
    }
    await until(() => scenario.heard.bodies().length >= bodies.length);
    expect(scenario.heard.bodies()).toEqual(bodies);
  });

  test.each([500, 502, 503, 404])('status %d is tried again', async (status) => {
    scenario = await startScenario('http');
    const actor = scenario.server.client('romeo@example.net');
    await scenario.online();
    scenario.server.faults.add({ action: 'status', status, request: '#sync', count: 2 });
    await scenario.far.deliver(juliet, romeo, [chat('x')])[0];
    expect(actor.of('im').map(({ text }) => text)).toEqual(['x']);
  });

  test('550 at the first try: certainly not sent, and a new session', async () => {
    scenario = await startScenario('http');
    await scenario.online();
    scenario.server.faults.add({ action: 'status', status: 550, request: '#sync' });
    await expect(scenario.far.deliver(juliet, romeo, [chat('x')])[0]).rejects.toMatchObject({ code: 'unavailable' });
    await until(() => scenario.statuses().filter((status) => status === 'online').length === 2);
  });

  test('a server that was not even reached has certainly not done it', async () => {
    scenario = await startScenario('http');
    await scenario.online();
    await scenario.server.stop();
    await until(() => scenario.statuses().at(-1) === 'waiting'); // the waiting get has found it out
    const { far } = scenario;
    await expect(far.deliver(juliet, romeo, [chat('x')])[0]).rejects.toMatchObject({ code: 'unavailable' });
    await scenario.server.start();
    await scenario.status('online');
  });

  test('550 after a lost answer: nobody can know', async () => {
    scenario = await startScenario('http');
    await scenario.online();
    scenario.server.faults.add({ action: 'loseResponse', request: '#sync' });
    scenario.server.faults.add({ action: 'status', status: 550, request: '#sync', nth: 2 });
    await expect(scenario.far.deliver(juliet, romeo, [chat('x')])[0]).rejects.toMatchObject({
      code: 'unknown-outcome',
    });
    await until(() => scenario.statuses().filter((status) => status === 'online').length === 2);
  });

  test('while nothing gets through the link waits, and the same session goes on afterwards', async () => {
    scenario = await startScenario('http');
    const actor = scenario.server.client('romeo@example.net');
    await scenario.online();
    const rule = scenario.server.faults.add({ action: 'drop', request: '#sync', count: 1_000 });
    const sent = scenario.far.deliver(juliet, romeo, [chat('patient')])[0];
    await scenario.status('waiting');
    await expect(scenario.far.roster(juliet)).rejects.toMatchObject({ code: 'unavailable' });
    scenario.server.faults.remove(rule);
    await sent;
    await scenario.status('online');
    expect(actor.of('im').map(({ text }) => text)).toEqual(['patient']);
    expect(scenario.statuses()).toEqual(['connecting', 'online', 'waiting', 'online']);
  });

  test.each([
    ['no XML', '<<<'],
    ['a DOCTYPE', '<!DOCTYPE x>'],
    ['a zero byte', '\0'],
    ['50 MB', 'x'.repeat(50_000_000)],
  ])('garbage in an answer (%s): asked again', async (_, bytes) => {
    scenario = await startScenario('http');
    const actor = scenario.server.client('romeo@example.net');
    await scenario.online();
    scenario.server.faults.add({ action: 'garbage', request: '#sync', bytes });
    await scenario.far.deliver(juliet, romeo, [chat('x')])[0];
    expect(actor.of('im').map(({ text }) => text)).toEqual(['x']);
    scenario.server.faults.add({ action: 'garbage', request: '#get', bytes });
    actor.sendIM('juliet@example.net', 'back'); // ends the get that waits
    actor.sendIM('juliet@example.net', 'again');
    await until(() => scenario.heard.bodies().length === 2);
    expect([...scenario.meter.counts.keys()].filter((name) => name.startsWith('faults_total ximss xml-'))).toHaveLength(
      1,
    );
    expect(scenario.statuses()).toEqual(['connecting', 'online']);
  });

  test('a server that answers nothing but garbage is left', async () => {
    scenario = await startScenario('http');
    await scenario.online();
    const rule = scenario.server.faults.add({ action: 'garbage', request: '#sync', bytes: '<', count: 1_000 });
    const outcome = scenario.far.deliver(juliet, romeo, [chat('x')])[0];
    await expect(outcome).rejects.toMatchObject({ code: 'unknown-outcome' });
    scenario.server.faults.remove(rule);
    await until(() => scenario.statuses().at(-1) === 'online');
  });

  test('an account that must act first leaves no session behind', async () => {
    scenario = await startScenario('http');
    scenario.server.account('juliet@example.net').mustChangePassword = true;
    scenario.far.open(linkOf('juliet@example.org', 'juliet@example.net', 'secret'));
    await scenario.status('refused');
    await until(() => scenario.server.sessions().length === 0);
  });

  test('a session that is dropped is ended on the server too', async () => {
    scenario = await startScenario('http', {}, { requestTimeoutMs: 300 });
    scenario.server.faults.add({ action: 'refuse', request: 'signalBind' });
    await scenario.online();
    await until(() => scenario.server.sessions().length === 1);
  });
});

test.each([
  ['nothing', '<XIMSS/>'],
  ['the same answer again', '<XIMSS respSeq="0"><alert>x</alert></XIMSS>'],
])('a server that does not wait and says %s is not asked in a hot loop', async (_, text) => {
  const pauses: number[] = [];
  const asked: string[] = [];
  const transport = new HttpTransport(
    {
      exchange: (request) => {
        asked.push(request.path);
        return Promise.resolve({ status: 200, cookies: [], body: Buffer.from(text) });
      },
      codec: makeCodec(),
      clock: {
        dice: () => 0,
        monotonic: () => 0,
        sleep: (ms, signal) => {
          if (ms <= 1_000) pauses.push(ms);
          return new Promise((_resolve, reject) =>
            signal.addEventListener('abort', () => reject(new Error('aborted'))),
          );
        },
      },
      urlId: 'S',
      cookie: null,
      isEncrypted: false,
      requestTimeoutMs: 5_000,
    },
    {
      onDocument: () => undefined,
      onUnreadable: () => undefined,
      onTrouble: () => undefined,
      onWritable: () => undefined,
      onClose: () => undefined,
    },
  );
  transport.start();
  await until(() => pauses.length === 1);
  expect(asked).toEqual(['/Session/S/get?ackSeq=0&maxWait=30']);
  transport.destroy(new Fault('unavailable'));
});

test('a goodbye waits for the answer of the waiting get, which may be on its way', async () => {
  const heard: string[] = [];
  let answerGet: (text: string) => void = () => undefined;
  const answer = (text: string) => ({ status: 200, cookies: [], body: Buffer.from(text) });
  const transport = new HttpTransport(
    {
      exchange: ({ method }, signal) =>
        method === 'POST'
          ? Promise.resolve(answer('<XIMSS><response id="1"/></XIMSS>'))
          : new Promise((resolve, reject) => {
              answerGet = (text) => resolve(answer(text));
              signal.addEventListener('abort', () => reject(new Error('aborted')));
            }),
      codec: makeCodec(),
      clock: systemClock,
      urlId: 'S',
      cookie: null,
      isEncrypted: false,
      requestTimeoutMs: 5_000,
    },
    {
      onDocument: (document) => void heard.push(document.name),
      onUnreadable: () => undefined,
      onTrouble: () => undefined,
      onWritable: () => undefined,
      onClose: () => void heard.push('closed'),
    },
  );
  transport.start();
  transport.send([el('bye', { id: '1' })]);
  await new Promise(setImmediate);
  answerGet('<XIMSS respSeq="1"><readIM peer="a@b.c">late</readIM></XIMSS>');
  await until(() => heard.includes('closed'), { what: () => heard.join() });
  expect(heard).toEqual(['readIM', 'response', 'closed']);
});

test('a repeat that waits out a pause goes out at once when the server is known to be back', async () => {
  let isAway = true;
  const pauses: number[] = [];
  const heard: string[] = [];
  const transport = new HttpTransport(
    {
      exchange: ({ method }) => {
        if (isAway) return Promise.reject(new Fault('unavailable'));
        if (method === 'GET') return new Promise(() => undefined);
        return Promise.resolve({ status: 200, cookies: [], body: Buffer.from('<XIMSS><response id="1"/></XIMSS>') });
      },
      codec: makeCodec(),
      clock: {
        dice: () => 0.5,
        monotonic: () => 0,
        sleep: (ms, signal) => {
          pauses.push(ms);
          return new Promise((_resolve, reject) =>
            signal.addEventListener('abort', () => reject(new Error('aborted'))),
          );
        },
      },
      urlId: 'S',
      cookie: null,
      isEncrypted: false,
      requestTimeoutMs: 5_000,
    },
    {
      onDocument: (document) => void heard.push(document.name),
      onUnreadable: () => undefined,
      onTrouble: (fault) => void heard.push(fault === null ? 'fine' : 'trouble'),
      onWritable: () => undefined,
      onClose: () => undefined,
    },
  );
  transport.send([el('noop', { id: '1' })]);
  await until(() => heard.includes('trouble') && pauses.some((ms) => ms < 5_000));
  isAway = false;
  transport.retryNow();
  await until(() => heard.includes('response'), { what: () => heard.join() });
  transport.destroy(new Fault('unavailable'));
});
