/** Requests and responses on a wire that the test holds in its hand. */
import { Fault } from '../../../src/core/fault';
import { attr, el, type Element } from '../../../src/ximss/wire/element';
import { refusalOf, type Effect } from '../../../src/ximss/protocol/request';
import { Session, type SessionEvents } from '../../../src/ximss/session/session';
import type { Transport } from '../../../src/ximss/wire/transport';

function setUp(changes: { repeatsAreSafe?: boolean } = {}) {
  let now = 0;
  const sent: Element[] = [];
  const writes: number[] = [];
  const seen: string[] = [];
  const state = { isWritable: true, isPaused: false };
  const events: SessionEvents = {
    onAsync: (document) => void seen.push(`async ${document.name}`),
    onOddity: (kind) => void seen.push(kind),
    onTrouble: (fault) => void seen.push(fault === null ? 'fine' : 'trouble'),
    onEnd: (fault) => void seen.push(`end ${fault.code}`),
  };
  const session = new Session(
    {
      keepAliveMs: 1_000,
      requestTimeoutMs: 100,
      dialect: { errorBy: 'presence' },
      monotonic: () => now,
      onTraffic: () => undefined,
      ticker: { add: () => undefined, remove: () => undefined },
    },
    events,
  );
  const transport: Transport = {
    repeatsAreSafe: changes.repeatsAreSafe ?? false,
    isEncrypted: false,
    isWritable: () => state.isWritable,
    send: (documents) => {
      sent.push(...documents);
      writes.push(documents.length);
    },
    pause: () => void (state.isPaused = true),
    resume: () => void (state.isPaused = false),
    retryNow: () => undefined,
    destroy: (fault) => session.onClose(fault, true),
  };
  session.attach(transport);
  const ids = (): string[] => sent.map((document) => attr(document, 'id') ?? 'none');
  const answer = (id: string, more: Record<string, string> = {}): void =>
    void session.onDocument(el('response', { id, ...more }));
  const turn = (): Promise<void> => new Promise(setImmediate);
  const later = (ms: number): void => {
    now += ms;
    session.tick();
  };
  return { session, state, sent, writes, seen, ids, answer, turn, later };
}

const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'done',
    (error: unknown) => (error instanceof Fault ? error.code : String(error)),
  );

test('what is asked in one turn leaves in one write; answers find their requests in any order', async () => {
  const { session, turn, writes, ids, answer } = setUp();
  const asked = ['a', 'b', 'c'].map((name) => session.request(el(name), 'repeatable'));
  expect(writes).toEqual([]);
  await turn();
  expect([writes, ids()]).toEqual([[3], ['1', '2', '3']]);
  void session.onDocument(el('data', { id: '2' }, 'x'));
  answer('3');
  answer('2');
  answer('1', { errorNum: '5', errorText: 'no' });
  await expect(asked[0]).rejects.toMatchObject({ code: 'refused', number: 5, text: 'no' });
  expect(await asked[1]).toEqual([el('data', { id: '2' }, 'x')]);
  expect(await asked[2]).toEqual([]);
});

test('no more than the window is under way; the rest follows the answers', async () => {
  const { session, turn, writes, answer } = setUp();
  const asked = Array.from({ length: 200 }, () => session.request(el('a'), 'repeatable'));
  await turn();
  await turn();
  expect(writes).toEqual([128]);
  for (let id = 1; id <= 128; id += 1) answer(String(id));
  await turn();
  expect(writes).toEqual([128, 72]);
  for (let id = 129; id <= 200; id += 1) answer(String(id));
  await Promise.all(asked);
});

test('while the wire is full nothing is written, and afterwards it is', async () => {
  const { session, state, turn, writes } = setUp();
  state.isWritable = false;
  void code(session.request(el('a'), 'once'));
  await turn();
  expect(writes).toEqual([]);
  state.isWritable = true;
  session.onWritable();
  await turn();
  expect(writes).toEqual([1]);
});

test('the queue is bounded', async () => {
  const { session, state } = setUp();
  state.isWritable = false;
  const asked = Array.from({ length: 4_097 }, () => code(session.request(el('a'), 'once')));
  expect(await asked[4_096]).toBe('unavailable');
  expect(session.isBusy).toBe(true);
  session.destroy(new Fault('unavailable'));
  expect(new Set(await Promise.all(asked))).toEqual(new Set(['unavailable']));
});

test('ids begin anew after a million and step over those that are under way', async () => {
  const { session, turn, ids, answer } = setUp();
  void code(session.request(el('patient'), 'repeatable'));
  await turn();
  (session as unknown as { nextId: number }).nextId = 1_000_000; // a million requests later
  void code(session.request(el('a'), 'repeatable'));
  void code(session.request(el('b'), 'repeatable'));
  await turn();
  expect(ids()).toEqual(['1', '1000000', '2']);
  answer('1');
});

describe('how a request ends when the session does', () => {
  test.each<[string, Effect, boolean, boolean, string]>([
    ['written, visible when repeated', 'once', true, true, 'unknown-outcome'],
    ['written, but the wire knows that it was not done', 'once', true, false, 'unavailable'],
    ['written, harmless when repeated', 'repeatable', true, true, 'unavailable'],
    ['not written, visible when repeated', 'once', false, true, 'unavailable'],
    ['not written, harmless when repeated', 'repeatable', false, true, 'unavailable'],
  ])('%s', async (_, effect, isWritten, isUncertain, expected) => {
    const { session, state, turn, seen } = setUp();
    state.isWritable = isWritten;
    const outcome = code(session.request(el('a'), effect));
    await turn();
    session.onClose(new Fault('unavailable'), isUncertain);
    session.onClose(new Fault('internal'), true);
    session.destroy(new Fault('internal'));
    expect(await outcome).toBe(expected);
    expect(seen).toEqual(['end unavailable']);
    expect(await code(session.request(el('b'), effect))).toBe('unavailable');
  });
});

describe('deadlines', () => {
  test('an answer that does not come ends the session', async () => {
    const { session, turn, later, seen } = setUp();
    const [message, question] = [session.request(el('m'), 'once'), session.request(el('q'), 'repeatable')].map(code);
    await turn();
    later(99);
    expect(seen).toEqual([]);
    later(1);
    expect(await Promise.all([message, question])).toEqual(['unknown-outcome', 'timeout']);
    expect(seen).toEqual(['end timeout']);
  });

  test('what cannot be written in time was not sent; the session stays', async () => {
    const { session, state, turn, later, seen } = setUp();
    state.isWritable = false;
    const outcome = code(session.request(el('m'), 'once'));
    await turn();
    later(100);
    expect([await outcome, seen]).toEqual(['unavailable', []]);
  });

  test('a wire that repeats by itself has no deadline while it does, and one when an answer lacks the response', async () => {
    const { session, state, turn, later, seen } = setUp({ repeatsAreSafe: true });
    const outcome = code(session.request(el('m'), 'once'));
    await turn();
    state.isWritable = false;
    later(10_000);
    expect(seen).toEqual([]);
    state.isWritable = true;
    later(1);
    expect([await outcome, seen]).toEqual(['unknown-outcome', ['end timeout']]);
  });

  test('while the reading rests no deadline runs, and for one timeout after it', async () => {
    const { session, state, turn, later, seen, answer } = setUp();
    const outcome = code(session.request(el('m'), 'once'));
    await turn();
    session.pause();
    expect(state.isPaused).toBe(true);
    later(10_000);
    session.resume();
    later(99);
    expect([state.isPaused, seen]).toEqual([false, []]);
    answer('1');
    expect(await outcome).toBe('done');
  });

  test('silence is broken in time, but only by a session that says nothing else', async () => {
    const { session, turn, later, sent, answer } = setUp();
    later(999);
    await turn();
    expect(sent).toEqual([]);
    void code(session.request(el('a'), 'repeatable'));
    await turn();
    answer('1');
    later(999);
    await turn();
    expect(sent).toHaveLength(1);
    later(1);
    await turn();
    expect(sent.map(({ name }) => name)).toEqual(['a', 'noop']);
  });
});

test('a document that cannot be written is a mistake of ours and ends this session only', async () => {
  const { session, seen, turn } = setUp();
  session.attach({
    repeatsAreSafe: false,
    isEncrypted: false,
    isWritable: () => true,
    pause: () => undefined,
    resume: () => undefined,
    retryNow: () => undefined,
    destroy: (fault) => session.onClose(fault, false),
    send: () => {
      throw new Fault('internal');
    },
  });
  const outcome = code(session.request(el('a'), 'once'));
  await turn();
  expect([await outcome, seen]).toEqual(['unavailable', ['end internal']]);
});

test('what nobody asked for is named and ignored', async () => {
  const { session, seen, turn } = setUp();
  void code(session.request(el('a'), 'repeatable'));
  await turn();
  for (const document of [
    el('response', { id: '7' }),
    el('response'),
    el('data', { id: '7' }),
    el('alert'),
    el('rosterItem', { peer: 'x' }),
  ]) {
    void session.onDocument(document);
  }
  session.onUnreadable(new Fault('xml-malformed'));
  expect(seen).toEqual([
    'unasked-response',
    'unasked-response',
    'unasked-data',
    'async alert',
    'async rosterItem',
    'unreadable',
  ]);
});

test('one answer has a bounded number of data documents', async () => {
  const { session, turn, seen } = setUp();
  const outcome = code(session.request(el('rosterList'), 'repeatable'));
  await turn();
  for (let count = 0; count <= 50_000; count += 1) void session.onDocument(el('rosterItem', { id: '1' }));
  expect([await outcome, seen]).toEqual(['unavailable', ['end xml-limit']]);
});

test.each([
  ['nothing', {}, 'presence', null],
  ['a text', { errorText: 'no' }, 'presence', { text: 'no' }],
  ['an empty text', { errorText: '' }, 'presence', {}],
  ['a number', { errorNum: '500' }, 'presence', { number: 500 }],
  ['a number of 0', { errorNum: '0' }, 'presence', { number: 0 }],
  ['a number that is none', { errorNum: 'x' }, 'presence', { number: undefined }],
  ['a text, by number', { errorText: 'no' }, 'number', null],
  ['a number of 0, by number', { errorNum: '0', errorText: 'ok' }, 'number', null],
  ['a number, by number', { errorNum: '5', errorText: 'no' }, 'number', { number: 5, text: 'no' }],
] as const)('a response with %s', (_, attrs, errorBy, expected) => {
  const refusal = refusalOf(el('response', { id: '1', ...attrs }), { errorBy });
  if (expected === null) expect(refusal).toBeNull();
  else expect(refusal).toMatchObject({ code: 'refused', ...expected });
});
