/** The HTTP binding: what its numbers promise, against the test server. */
import { until } from '../../support/wait';
import { Fault } from '../../../src/core/fault';
import { makeCodec } from '../../../src/ximss/wire/codec';
import { el } from '../../../src/ximss/wire/element';
import { HttpTransport } from '../../../src/ximss/wire/http';
import { systemClock } from '../../../src/ops/clock';
import { chat, linkOf } from '../support';
import { juliet, makeStage, romeo, type Stage } from '../stage';

describe('against the test server', () => {
  let stage: Stage;
  afterEach(async () => {
    await stage.end();
    expect(stage.server.strict.violations).toEqual([]);
  });

  test.each([
    ['lost after it was done', 'loseResponse'],
    ['lost before it was done', 'drop'],
  ] as const)('an answer %s costs nothing: each message arrives once', async (_, action) => {
    stage = await makeStage('http');
    const actor = stage.server.client('romeo@example.net');
    await stage.online();
    stage.server.faults.add({ action, request: '#sync', count: 3 });
    const bodies = ['a', 'b', 'c', 'd'];
    await Promise.all(
      stage.far.deliver(
        juliet,
        romeo,
        bodies.map((body) => chat(body)),
      ),
    );
    await stage.far.deliver(juliet, romeo, [chat('e')])[0];
    expect(actor.of('im').map(({ text }) => text)).toEqual([...bodies, 'e']);
    expect(stage.server.sessions().filter(({ transport }) => transport === 'http')).toHaveLength(1);
  });

  test('a lost get is asked again; each message comes once and in order', async () => {
    stage = await makeStage('http');
    const actor = stage.server.client('romeo@example.net');
    await stage.online();
    stage.server.faults.add({ action: 'dropAfter', request: '#get', nth: 2, count: 2 });
    const bodies = Array.from({ length: 40 }, (_, index) => `${index}`);
    for (const body of bodies) {
      actor.sendIM('juliet@example.net', body);
      await new Promise(setImmediate);
    }
    await until(() => stage.heard.bodies().length >= bodies.length);
    expect(stage.heard.bodies()).toEqual(bodies);
  });

  test.each([500, 502, 503, 404])('status %d is tried again', async (status) => {
    stage = await makeStage('http');
    const actor = stage.server.client('romeo@example.net');
    await stage.online();
    stage.server.faults.add({ action: 'status', status, request: '#sync', count: 2 });
    await stage.far.deliver(juliet, romeo, [chat('x')])[0];
    expect(actor.of('im').map(({ text }) => text)).toEqual(['x']);
  });

  test('550 at the first try: certainly not sent, and a new session', async () => {
    stage = await makeStage('http');
    await stage.online();
    stage.server.faults.add({ action: 'status', status: 550, request: '#sync' });
    await expect(stage.far.deliver(juliet, romeo, [chat('x')])[0]).rejects.toMatchObject({ code: 'unavailable' });
    await until(() => stage.statuses().filter((status) => status === 'online').length === 2);
  });

  test('a server that was not even reached has certainly not done it', async () => {
    stage = await makeStage('http');
    await stage.online();
    await stage.server.stop();
    await until(() => stage.statuses().at(-1) === 'waiting'); // the waiting get has found it out
    const { far } = stage;
    await expect(far.deliver(juliet, romeo, [chat('x')])[0]).rejects.toMatchObject({ code: 'unavailable' });
    await stage.server.start();
    await stage.status('online');
  });

  test('550 after a lost answer: nobody can know', async () => {
    stage = await makeStage('http');
    await stage.online();
    stage.server.faults.add({ action: 'loseResponse', request: '#sync' });
    stage.server.faults.add({ action: 'status', status: 550, request: '#sync', nth: 2 });
    await expect(stage.far.deliver(juliet, romeo, [chat('x')])[0]).rejects.toMatchObject({ code: 'unknown-outcome' });
    await until(() => stage.statuses().filter((status) => status === 'online').length === 2);
  });

  test('while nothing gets through the link waits, and the same session goes on afterwards', async () => {
    stage = await makeStage('http');
    const actor = stage.server.client('romeo@example.net');
    await stage.online();
    const rule = stage.server.faults.add({ action: 'drop', request: '#sync', count: 1_000 });
    const sent = stage.far.deliver(juliet, romeo, [chat('patient')])[0];
    await stage.status('waiting');
    await expect(stage.far.roster(juliet)).rejects.toMatchObject({ code: 'unavailable' });
    stage.server.faults.remove(rule);
    await sent;
    await stage.status('online');
    expect(actor.of('im').map(({ text }) => text)).toEqual(['patient']);
    expect(stage.statuses()).toEqual(['connecting', 'online', 'waiting', 'online']);
  });

  test.each([
    ['no XML', '<<<'],
    ['a DOCTYPE', '<!DOCTYPE x>'],
    ['a zero byte', '\0'],
    ['50 MB', 'x'.repeat(50_000_000)],
  ])('garbage in an answer (%s): asked again', async (_, bytes) => {
    stage = await makeStage('http');
    const actor = stage.server.client('romeo@example.net');
    await stage.online();
    stage.server.faults.add({ action: 'garbage', request: '#sync', bytes });
    await stage.far.deliver(juliet, romeo, [chat('x')])[0];
    expect(actor.of('im').map(({ text }) => text)).toEqual(['x']);
    stage.server.faults.add({ action: 'garbage', request: '#get', bytes });
    actor.sendIM('juliet@example.net', 'back'); // ends the get that waits
    actor.sendIM('juliet@example.net', 'again');
    await until(() => stage.heard.bodies().length === 2);
    expect([...stage.meter.counts.keys()].filter((name) => name.startsWith('faults_total ximss xml-'))).toHaveLength(1);
    expect(stage.statuses()).toEqual(['connecting', 'online']);
  });

  test('a server that answers nothing but garbage is left', async () => {
    stage = await makeStage('http');
    await stage.online();
    const rule = stage.server.faults.add({ action: 'garbage', request: '#sync', bytes: '<', count: 1_000 });
    const outcome = stage.far.deliver(juliet, romeo, [chat('x')])[0];
    await expect(outcome).rejects.toMatchObject({ code: 'unknown-outcome' });
    stage.server.faults.remove(rule);
    await until(() => stage.statuses().at(-1) === 'online');
  });

  test('a session that was given up is replaced by its id, so that one licence is enough', async () => {
    stage = await makeStage('http', { maxSessions: 1 });
    await stage.online();
    const [first] = stage.server.sessions();
    stage.server.faults.add({ action: 'garbage', request: '#sync', bytes: '<', count: 6 });
    stage.server.faults.add({ action: 'drop', request: '#get' }); // our KILL does not arrive
    await expect(stage.far.deliver(juliet, romeo, [chat('x')])[0]).rejects.toMatchObject({ code: 'unknown-outcome' });
    await until(() => stage.statuses().at(-1) === 'online' && stage.server.sessions()[0]?.urlID !== first?.urlID);
    expect(stage.server.sessions()).toHaveLength(1);
    expect(stage.heard.statuses.map(({ fault }) => fault?.code)).not.toContain('too-many-sessions');
  });

  test('an account that must act first leaves no session behind', async () => {
    stage = await makeStage('http');
    stage.server.account('juliet@example.net').mustChangePassword = true;
    stage.far.open(linkOf('juliet@example.org', 'juliet@example.net', 'secret'));
    await stage.status('refused');
    await until(() => stage.server.sessions().length === 0);
  });

  test('a session that is dropped is ended on the server too', async () => {
    stage = await makeStage('http', {}, { requestTimeoutMs: 300 });
    stage.server.faults.add({ action: 'refuse', request: 'signalBind' });
    await stage.online();
    await until(() => stage.server.sessions().length === 1);
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
        ...{ dice: () => 0, monotonic: () => 0 },
        sleep: (ms, signal) => {
          if (ms <= 1_000) pauses.push(ms);
          return new Promise((_resolve, reject) =>
            signal.addEventListener('abort', () => reject(new Error('aborted'))),
          );
        },
      },
      ...{ urlId: 'S', cookie: null, isEncrypted: false, requestTimeoutMs: 5_000 },
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
      exchange: ({ method }) =>
        method === 'POST'
          ? Promise.resolve(answer('<XIMSS><response id="1"/></XIMSS>'))
          : new Promise((resolve) => (answerGet = (text) => resolve(answer(text)))),
      codec: makeCodec(),
      clock: systemClock,
      ...{ urlId: 'S', cookie: null, isEncrypted: false, requestTimeoutMs: 5_000 },
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
