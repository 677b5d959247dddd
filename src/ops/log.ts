/**
 * The root of all logging: pino, one JSON line per record on stdout, level as a word, no host name.
 * It refuses to write secrets, message bodies and the payload of foreign exceptions: what is known to carry one is
 * redacted by key, and of an exception that is not ours only the kind, the code and the frames are kept, unless its
 * message is known to quote nothing.
 */
import { types } from 'node:util';
import { destination, pino, stdTimeFunctions } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import type { LogLevel as Level } from '../core/admin/table';
import { Fault } from '../core/fault';
import type { RootLog } from '../core/runtime';

export interface LogOptions {
  readonly level: Level;
  /** where the lines go; stdout, written at once, when left out */
  readonly stream?: DestinationStream;
}

/** Keys whose value is never written, at the top of the fields and up to two levels below. */
const forbiddenKeys = [
  'password',
  'secret',
  'token',
  'authorization',
  'body',
  'subject',
  'excerpt',
  'authData',
  'nonce',
  'xml',
  'url', // may carry a password
];
const causesMax = 5;
const framesMax = 12;
const messageMax = 300;

/**
 * The root logger; satisfies core/runtime.RootLog. Fields `fault` and `err` take a Fault or anything thrown. Children are kept
 * in mind, so that a change of level reaches them: they are made when the program starts, one for each part.
 */
export function makeLog({ level, stream }: LogOptions): Logger & RootLog {
  const children: { level: string }[] = [];
  const root = pino(
    {
      level,
      onChild: (child) => void children.push(child),
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeThrown, fault: describeThrown },
      redact: { paths: forbiddenKeys.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), censor: '[redacted]' },
    },
    stream ?? destination({ fd: 1, sync: true }),
  );
  const changeLevel = (wanted: Level): void => {
    for (const one of [root, ...children]) one.level = wanted;
  };
  return Object.assign(root, { changeLevel });
}

/** What may be logged of anything thrown. Texts and plain objects pass as they are. Never throws. */
function describeThrown(thrown: unknown): unknown {
  if (!isError(thrown)) return thrown;
  const causes = causesOf(thrown);
  return { ...describeError(thrown), ...(causes.length > 0 ? { causes: causes.map(describeError) } : {}) };
}

/** Also for errors of another realm, such as those of Node's own modules under a test runner. */
function isError(thrown: unknown): thrown is Error {
  return thrown instanceof Error || types.isNativeError(thrown);
}

function causesOf(error: Error): Error[] {
  const causes: Error[] = [];
  let cause = error.cause;
  while (isError(cause) && causes.length < causesMax && cause !== error && !causes.includes(cause)) {
    causes.push(cause);
    cause = cause.cause;
  }
  return causes;
}

function describeError(error: Error): object {
  if (error instanceof Fault) {
    const { code, text, number, stanza } = error;
    return { code, text, ...(number === undefined ? {} : { number }), ...(stanza ? { stanza } : {}) };
  }
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  const message = isQuiet(error) ? { message: error.message.slice(0, messageMax) } : {};
  return { name: error.name, ...code, ...message, stack: framesOf(error) };
}

/**
 * May the message be logged? Parsers (SyntaxError) and servers (ReplyError) quote what they were given; the language's
 * own errors, ours, and those of the system quote names and addresses only.
 */
const quietNames = ['Error', 'TypeError', 'RangeError', 'ReferenceError', 'AbortError', 'TimeoutError'];
function isQuiet(error: Error): boolean {
  return quietNames.includes(error.name) || 'syscall' in error;
}

/** The call frames without the message, which the stack otherwise repeats. */
function framesOf(error: Error): string[] {
  const lines = (error.stack ?? '').split('\n').map((line) => line.trim());
  return lines.filter((line) => /^at .*(:\d+:\d+\)?|<anonymous>\)?)$/.test(line)).slice(0, framesMax);
}
