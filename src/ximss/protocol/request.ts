/**
 * A request as data: what is asked, what its answers may be, how harmful it is to ask twice, and how it can end. What is
 * done with it stands in session.ts.
 */
import { Fault, farRefusal } from '../../core/fault';
import type { Dialect } from './dialect';
import { attr, type Element } from '../wire/element';

/** A request whose dialogue has more than one answer (a login by challenge). */
export interface Dialogue {
  /** Sees each data document first, and those without an id that come meanwhile; keeps one by returning true. */
  onData(document: Element): boolean;
  /** Asked at a positive response: false waits for another one with the same id. */
  isComplete(): boolean;
}

/** once: doing it twice is visible to people. repeatable: doing it twice changes nothing. */
export type Effect = 'once' | 'repeatable';

export interface Operation<R> {
  /** the request, without id */
  readonly request: Element;
  readonly effect: Effect;
  /** so many data documents are kept, further ones are dropped; all when left out */
  readonly dataMax?: number;
  /** Reads the data documents that came before a positive response. May throw a Fault. */
  parse(data: readonly Element[]): R;
}

/** How a request that was written ends when its session does. `isUncertain`: the server may have seen it. */
export function lossOf(effect: Effect, fault: Fault, isUncertain: boolean): Fault {
  if (effect === 'once' && isUncertain) return new Fault('unknown-outcome', { cause: fault });
  return fault.code === 'timeout' ? fault : new Fault('unavailable', { cause: fault });
}

/** The refusal a response carries, null when it is positive (docs/XIMSS.md 1.3, A1). */
export function refusalOf(response: Element, dialect: Pick<Dialect, 'errorBy'>): Fault | null {
  const text = attr(response, 'errorText');
  const digits = attr(response, 'errorNum');
  if (text === null && digits === null) return null;
  const number = digits !== null && /^\d{1,9}$/.test(digits) ? Number(digits) : null;
  if (dialect.errorBy === 'number' && (number ?? 0) === 0) return null;
  return farRefusal(number, text);
}
