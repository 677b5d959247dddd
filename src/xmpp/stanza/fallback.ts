/**
 * What of a body is only there for clients that do not know a feature (XEP-0428), and quotations (XEP-0461, 0393). Positions
 * count code points (XEP-0426). Liberal: a range that makes no sense is none. Pure.
 */
import { excerpt } from '../../core/text';
import { attr, childrenOf, type Element } from './element';
import { ns } from './ns';

/** A body in two: what stands in for a feature, and what the person wrote. */
export interface Split {
  readonly fallback: string;
  readonly own: string;
}

/** The body, split as the fallback marks for this feature say; null when there are none. Never throws. */
export function splitFallback(message: Element, feature: string, body: string): Split | null {
  const mark = childrenOf(message, 'fallback', ns.fallback).find((one) => attr(one, 'for') === feature);
  if (!mark) return null;
  const ranges = childrenOf(mark, 'body', ns.fallback);
  const [range] = ranges;
  const [start, end] = range ? [attr(range, 'start'), attr(range, 'end')] : [null, null];
  if (start === null && end === null) return { fallback: body, own: '' }; // all of it
  const points = [...body];
  const [from, to] = [position(start ?? '0'), Math.min(position(end ?? String(points.length)), points.length)];
  if (!(from <= to)) return null;
  const own = [...points.slice(0, from), ...points.slice(to)].join('');
  return { fallback: points.slice(from, to).join(''), own };
}

/** A position, NaN when it is none: it compares as false with everything. */
function position(text: string): number {
  return /^\d{1,9}$/.test(text) ? Number(text) : NaN;
}

/** Longest quotation, in characters, its sign included. */
const quotationCount = 80;
const sign = '> ';

/** Quoted lines as one: `> …`; null when nothing is quoted. Never throws. */
export function quotationOf(quoted: string): string | null {
  // a bound before the work: nobody sees more than the first words
  const lines = quoted.slice(0, 20 * quotationCount).split('\n');
  const words = lines.map((line) => line.replace(/^[>\s]+/, '').trim()).filter((line) => line !== '');
  return words.length === 0 ? null : sign + excerpt(words.join(' '), quotationCount - sign.length);
}

/** The lines of a text that quote something (`> `, XEP-0393 section 5.1.3). */
export function quotedLines(text: string): string {
  return text
    .split('\n')
    .filter((line) => line.startsWith('>'))
    .join('\n');
}

/** Does the message say that its body, or a part of it, stands in for this feature? */
export function isMarked(message: Element, feature: string): boolean {
  return childrenOf(message, 'fallback', ns.fallback).some((one) => attr(one, 'for') === feature);
}
