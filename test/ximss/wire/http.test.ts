/** The HTTP binding: what its numbers promise, against the test server and against a model server that loses anything. */
import fc from 'fast-check';
import { testCertificate } from '../../support/cert';
import { until } from '../../support/wait';
import { Fault } from '../../../src/core/fault';
import { makeCodec } from '../../../src/ximss/wire/codec';
import { attr, childrenOf, el, serialise, textOf, type Element } from '../../../src/ximss/wire/element';
import { HttpTransport } from '../../../src/ximss/wire/http';
import { systemClock } from '../../../src/ops/clock';
import { mayHaveArrived } from '../../../src/ximss/wire/http-answer';
import type { HttpAnswer, HttpRequest } from '../../../src/ximss/wire/http-client';
import type { TransportEvents } from '../../../src/ximss/wire/transport';
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
});

test.each([
  [undefined, true],
  [new Error('x'), true],
  [Object.assign(new Error('x'), { code: 'ECONNRESET' }), true],
  [Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), false],
  [Object.assign(new Error('x'), { code: 'ENOTFOUND' }), false],
])('a failure with cause %s: may the request have arrived? %s', (cause, expected) => {
  expect(mayHaveArrived(new Fault('unavailable', { cause }))).toBe(expected);
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

describe('against a model server that loses, repeats and delays anything', () => {
  /** What happens to one exchange: nothing, lost on the way there, lost on the way back, a bad answer, done twice. */
  type Mishap = 'fine' | 'lost' | 'lost-back' | 'bad' | 'twice';
  const mishap = fc.constantFrom<Mishap>('fine', 'fine', 'lost', 'lost-back', 'bad', 'twice');

  /** The server's side of section 3.2, as the document tells it. */
  function makeModel(mishaps: readonly Mishap[], pushes: readonly number[]) {
    const done: string[] = [];
    const acks: number[] = [];
    const queue: string[] = [];
    let lastSeq = 0;
    let lastAnswer = '';
    let respSeq = 0;
    let kept: string | null = null;
    let turn = 0;
    let pushed = 0;

    const sync = (seq: number, body: string): string => {
      if (seq === lastSeq) return lastAnswer;
      if (seq !== lastSeq + 1) return '<XIMSS><response errorText="XIMSS request sequence error"/></XIMSS>';
      const batch = childrenOf(makeCodec().decode(Buffer.from(body)));
      for (const request of batch) done.push(textOf(request));
      lastSeq = seq;
      return (lastAnswer = `<XIMSS>${batch.map((one) => serialise(el('response', { id: attr(one, 'id') ?? '' }))).join('')}</XIMSS>`);
    };
    const get = (ack: number): string => {
      acks.push(ack);
      if (ack === respSeq) kept = null;
      if (kept !== null) return kept;
      // messages arrive while the client waits
      for (let count = pushes[pushed % pushes.length] ?? 0; count > 0; count -= 1) queue.push(String(queue.length));
      pushed += 1;
      const news = queue.slice(told);
      if (news.length === 0) return '<XIMSS/>\r\n';
      told = queue.length;
      respSeq += 1;
      return (kept = `<XIMSS respSeq="${respSeq}">${news.map((text) => serialise(el('readIM', { peer: 'a@b.c' }, text))).join('')}</XIMSS>`);
    };
    let told = 0;
    const handle = ({ method, path, body }: HttpRequest): string => {
      const number = (name: string): number => Number(new URL(path, 'http://x').searchParams.get(name));
      return method === 'POST' ? sync(number('reqSeq'), body ?? '') : get(number('ackSeq'));
    };
    const exchange = async (request: HttpRequest): Promise<HttpAnswer> => {
      const what = mishaps[turn++] ?? 'fine';
      await new Promise(setImmediate);
      if (what === 'lost') throw new Fault('unavailable');
      let text = handle(request);
      if (what === 'twice') text = handle(request); // a proxy repeated it
      if (what === 'lost-back') throw new Fault('unavailable');
      return { status: what === 'bad' ? 502 : 200, cookies: [], body: Buffer.from(text) };
    };
    return { exchange, done, queue, acks, answeredCount: () => respSeq };
  }

  const requestTimeoutMs = 12_345;
  const clock = {
    dice: () => 0,
    monotonic: () => 0,
    /** Pauses end at the next turn, deadlines never. */
    sleep: (ms: number, signal: AbortSignal): Promise<void> =>
      new Promise((resolve, reject) => {
        const onAbort = (): void => reject(new Error('aborted'));
        signal.addEventListener('abort', onAbort);
        if (ms === requestTimeoutMs || ms > 20_000) return;
        setImmediate(() => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        });
      }),
  };

  async function play(mishaps: readonly Mishap[], pushes: readonly number[], messageCount: number, safeAfter: number) {
    const model = makeModel(mishaps, pushes);
    const got: string[] = [];
    const answered: string[] = [];
    let unsafeCount = 0;
    const early: number[] = [];
    const waiting: Element[] = Array.from({ length: messageCount }, (_, index) =>
      el('sendIM', { id: String(index) }, `m${index}`),
    );
    let ended: Fault | null = null;
    const pump = (): void => {
      if (waiting.length > 0 && transport.isWritable()) transport.send(waiting.splice(0, 3));
    };
    const events: TransportEvents = {
      onDocument: (document) => {
        if (document.name === 'response') return void answered.push(attr(document, 'id') ?? 'none');
        got.push(textOf(document));
        unsafeCount += 1;
        return (async () => {
          for (let turn = 0; turn < safeAfter; turn += 1) await new Promise(setImmediate);
          unsafeCount -= 1;
        })();
      },
      onUnreadable: () => undefined,
      onTrouble: () => undefined,
      onWritable: () => pump(),
      onClose: (fault) => void (ended = fault),
    };
    const exchange = (request: HttpRequest): Promise<HttpAnswer> => {
      if (request.method === 'GET' && unsafeCount > 0) early.push(unsafeCount);
      return model.exchange(request);
    };
    const transport = new HttpTransport(
      {
        exchange,
        codec: makeCodec(),
        clock,
        urlId: 'S',
        cookie: null,
        isEncrypted: false,
        requestTimeoutMs,
      },
      events,
    );
    transport.start();
    pump();
    const isDone = (): boolean => answered.length === messageCount && got.length >= 8;
    await until(() => isDone() || ended !== null, { everyMs: 0 });
    expect(ended).toBeNull();
    transport.destroy(new Fault('unavailable'));
    return { model, got, answered, early };
  }

  test('every message is done once and in order; every document comes once and in order; nothing is acknowledged before it is safe', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(mishap, { maxLength: 40 }).filter((all) => all.filter((what) => what === 'bad').length < 6),
        fc
          .array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 6 })
          .filter((all) => all.some((n) => n > 0)),
        fc.integer({ min: 0, max: 12 }),
        fc.integer({ min: 0, max: 3 }),
        async (mishaps, pushes, messageCount, safeAfter) => {
          const { model, got, answered, early } = await play(mishaps, pushes, messageCount, safeAfter);
          const all = Array.from({ length: messageCount }, (_, index) => String(index));
          expect(model.done).toEqual(all.map((index) => `m${index}`));
          expect(answered).toEqual(all);
          expect(got).toEqual(model.queue.slice(0, got.length));
          expect(early).toEqual([]);
          expect([...model.acks].sort((a, b) => a - b)).toEqual(model.acks);
        },
      ),
      { numRuns: 150 },
    );
  });
});
