/**
 * What an HTTP answer is worth (docs/XIMSS.md 3.2): a root to read, a session that is gone, a bad answer; and how
 * long failing is worth repeating. Pure but for the counting.
 */
import { Fault, toFault } from '../../core/fault';
import type { Codec } from './codec';
import { attr, type Element } from './element';
import type { HttpAnswer } from './http-client';

/** The status that means "no such session". */
export const lostStatus = 550;
/** The server closes a session it has not heard of for so long (1.1); repeating after that is pointless. */
const lifetimeMs = 600_000;
/** Answers in a row that say no, or cannot be read, before the session is given up. */
const badAnswerLimitCount = 6;

/** How often, and since when, one of the two loops has failed in a row. */
export class Failures {
  count = 0;
  badAnswerCount = 0;
  private sinceMs = 0;

  add(nowMs: number, isAnswer: boolean): void {
    if (this.count === 0) this.sinceMs = nowMs;
    this.count += 1;
    if (isAnswer) this.badAnswerCount += 1;
  }

  clear(): void {
    this.count = 0;
    this.badAnswerCount = 0;
  }

  isHopeless(nowMs: number): boolean {
    return this.badAnswerCount >= badAnswerLimitCount || (this.count > 0 && nowMs - this.sinceMs >= lifetimeMs);
  }
}

const goneCause = 'the session is gone (550)';
/** The end of a session that the server does not know any more. */
export const gone = (): Fault => new Fault('unavailable', { cause: goneCause });

/** True for the fault of `gone`. */
export const isGone = (fault: Fault): boolean => fault.cause === goneCause;

/** The server answered, but not with what can be used. */
export class BadAnswer extends Fault {}

/** The root of a good answer. Throws BadAnswer for another status, another root, or what the codec refuses. */
export function readRoot(answer: HttpAnswer, codec: Codec): Element {
  const { status, body } = answer;
  if (status < 200 || status > 299) throw new BadAnswer('unavailable', { cause: `HTTP status ${status}` });
  let root: Element;
  try {
    root = codec.decode(body);
  } catch (error) {
    const fault = toFault(error);
    throw new BadAnswer(fault.code, { cause: fault.cause });
  }
  if (root.name !== 'XIMSS') throw new BadAnswer('xml-malformed', { cause: 'the root is not XIMSS' });
  return root;
}

/** `respSeq` of a waiting get's answer (3.2); null when it has none that can be used. */
export function sequenceOf(root: Element): number | null {
  const text = attr(root, 'respSeq');
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

const notConnected = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

/** False when there was not even a connection, so that the server cannot have seen the request. */
export function mayHaveArrived({ cause }: Fault): boolean {
  const code = cause instanceof Error && 'code' in cause ? cause.code : null;
  return typeof code !== 'string' || !notConnected.has(code);
}
