/**
 * Text and time as they stand on both wires. Cleaning removes what XML 1.0 cannot carry and changes nothing else: no
 * Unicode normalisation, no trimming, no line-break mapping.
 */

/** Everything outside XML 1.0 Char (section 2.2): controls but tab, LF, CR; lone surrogates; U+FFFE and U+FFFF. */
const illegal = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

/** Text without the characters that would end an XML stream. `removedCount` in code points. Never throws. */
export function cleanXmlText(text: string): { readonly text: string; readonly removedCount: number } {
  let removedCount = 0;
  const clean = text.replace(illegal, () => {
    removedCount += 1;
    return '';
  });
  return { text: clean, removedCount };
}

/** Signs that turn the direction of text (Unicode 9, UAX 9), and controls: in a name they only deceive. */
const deceiving = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;
const nameCount = 200;

/** A name that a stranger gave, as it may be shown: one line, no tricks, cut; null when nothing is left. Never throws. */
export function plainName(text: string): string | null {
  const plain = cleanXmlText(text.slice(0, 10 * nameCount))
    .text.replace(deceiving, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return plain === '' ? null : excerpt(plain, nameCount);
}

const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' });

/**
 * The beginning of a text: at most `limitCount` code points (at least 1), the ellipsis included, cut between graphemes,
 * so that no emoji or accented letter is halved. Work is bounded by the limit, not by the text. Never throws.
 */
export function excerpt(text: string, limitCount: number): string {
  if (text.length <= limitCount) return text;
  const head = text.slice(0, 2 * limitCount + 2);
  const points = [...head];
  if (points.length <= limitCount) return text; // then head is the whole text
  let end = 0;
  let count = 0;
  for (const { segment } of segmenter.segment(head)) {
    count += [...segment].length;
    if (count > limitCount - 1) break;
    end += segment.length;
  }
  // one grapheme longer than the limit (stacked marks): better halved than nothing
  const kept = end > 0 ? head.slice(0, end) : points.slice(0, limitCount - 1).join('');
  return `${kept}…`;
}

/** 9999-12-31T23:59:59.999Z: four digits is all that both formats have for a year. */
const lastMs = 253_402_300_799_999;
const iso = (ms: number): string => new Date(Math.min(lastMs, Math.max(0, Math.trunc(ms) || 0))).toISOString();

/** `YYYYMMDDThhmmss` in UTC, ISO 8601 basic format, as XIMSS writes time. Outside the years 1970-9999 the nearest. */
export function formatBasicTime(ms: number): string {
  return iso(ms).slice(0, 19).replace(/[-:]/g, '');
}

/** ms since the epoch of `YYYYMMDDThhmmss`, with or without a final Z; null when it is no time (also 30 February). */
export function parseBasicTime(text: string): number | null {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z?$/.exec(text)?.slice(1);
  if (!parts) return null;
  const [year, month, day, hour, minute, second] = parts;
  const stamp = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const ms = Date.parse(`${stamp}Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(stamp) ? ms : null;
}

/** XEP-0082 DateTime in UTC, with milliseconds only where there are any. Outside the years 1970-9999 the nearest. */
export function formatDateTime(ms: number): string {
  return iso(ms).replace('.000Z', 'Z');
}

/** `2026-11-21 14:02` in UTC, for people. Outside the years 1970-9999 the nearest. */
export function formatMinute(ms: number): string {
  return iso(ms).slice(0, 16).replace('T', ' ');
}

/** ms since the epoch of an XEP-0082 DateTime (fraction cut to ms, any offset); null when it is none. */
export function parseDateTime(text: string): number | null {
  const parts = /^(-?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$/.exec(text)?.slice(1);
  const [stamp, fraction, zone] = parts ?? [];
  if (stamp === undefined || zone === undefined) return null;
  const local = Date.parse(`${stamp}Z`);
  if (Number.isNaN(local) || !new Date(local).toISOString().startsWith(stamp)) return null;
  const ms = Date.parse(`${stamp}${(fraction ?? '').slice(0, 4)}${zone}`);
  return Number.isNaN(ms) ? null : ms;
}
