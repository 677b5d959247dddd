import { pino } from 'pino';
import type { Log } from '../../src/bridge/ports';
import { Fault } from '../../src/core/fault';
import { makeLog } from '../../src/ops/log';
import type { LogLevel as Level } from '../../src/core/admin/table';

function capture(level: Level = 'trace'): { log: Log; lines: () => Record<string, unknown>[]; raw: () => string } {
  const written: string[] = [];
  const log: Log = makeLog({ level, stream: { write: (line: string) => void written.push(line) } });
  return {
    log,
    lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>), // pino writes one object a line
    raw: () => written.join(''),
  };
}

test('a line has level, time and message, and says nothing about the host', () => {
  const { log, lines } = capture();
  log.info({}, 'ready');
  expect(lines()).toEqual([{ level: 'info', time: expect.any(String) as unknown, msg: 'ready' }]);
  expect(Number.isNaN(Date.parse(String(lines()[0]?.['time'])))).toBe(false);
});

test('what is below the level is not written', () => {
  const { log, lines } = capture('warn');
  log.info({}, 'no');
  log.child({ part: 'xmpp' }).warn({}, 'yes');
  expect(lines()).toMatchObject([{ level: 'warn', part: 'xmpp', msg: 'yes' }]);
});

const secrets: [string, object][] = [
  ['a password', { password: 'hunter2' }],
  ['a body one level down', { event: { body: 'hunter2' } }],
  ['a body two levels down', { envelope: { event: { body: 'hunter2', subject: 'hunter2' } } }],
  ['an excerpt', { event: { excerpt: 'hunter2' } }],
  ['a token in headers', { request: { headers: { authorization: 'Bearer hunter2' } } }],
  ['a URL', { url: 'redis://:hunter2@localhost' }],
  ['the text that a parser quotes', { err: parserError() }],
  ['a parser error as a cause', { fault: new Fault('bad-request', { cause: parserError() }) }],
  ['what a server quotes', { err: Object.assign(new Error('ERR unknown, args: hunter2'), { name: 'ReplyError' }) }],
  ['a message with several lines', { err: Object.assign(new Error('a\nat hunter2'), { name: 'Other' }) }],
  ['extra properties of an error', { err: Object.assign(new Error('x'), { input: 'hunter2' }) }],
];
test.each(secrets)('%s is not written', (_, fields) => {
  const { log, raw } = capture();
  log.error(fields, 'something');
  log.child(fields).error({}, 'something');
  expect(raw()).toContain('something');
  expect(raw()).not.toContain('hunter2');
});

function parserError(): unknown {
  try {
    return JSON.parse('hunter2');
  } catch (error) {
    return error;
  }
}

test('a Fault is written with its code, its text and its chain of causes', () => {
  const { log, lines } = capture();
  const socket = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), {
    code: 'ECONNREFUSED',
    syscall: 'connect',
  });
  const fault = new Fault('unavailable', { number: 7, cause: new Error('login', { cause: socket }) });
  log.warn({ fault }, 'lost');
  expect(lines()[0]?.['fault']).toMatchObject({
    code: 'unavailable',
    text: 'The other network cannot be reached now.',
    number: 7,
    causes: [
      { name: 'Error', message: 'login' },
      { code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 127.0.0.1:1' },
    ],
  });
});

test('a fault that is only its code stays as it is', () => {
  const { log, lines } = capture();
  log.warn({ fault: 'timeout' }, 'late');
  expect(lines()[0]?.['fault']).toBe('timeout');
});

test('causes that go in a circle end', () => {
  const { log, lines } = capture();
  const a = new Error('a');
  a.cause = new Error('b', { cause: a });
  log.error({ err: a }, 'round');
  expect(lines()[0]?.['err']).toMatchObject({ message: 'a', causes: [{ message: 'b' }] });
});

test('an exception keeps its frames', () => {
  const { log, lines } = capture();
  log.error({ err: new TypeError('x is not a function') }, 'mistake');
  expect(lines()[0]?.['err']).toMatchObject({
    name: 'TypeError',
    message: 'x is not a function',
    stack: expect.arrayContaining([expect.stringContaining('log.test.ts')]) as unknown,
  });
});

test('levels are those of pino', () => {
  expect(Object.keys(pino.levels.values)).toEqual(['trace', 'debug', 'info', 'warn', 'error', 'fatal']);
});
