/** Long texts in parts that each fit a stanza. Pure; the parts joined are the text. */
import { Fault } from '../../core/fault';

/** A UTF-16 unit is at most this long on the wire: `&amp;`, or three bytes of UTF-8. */
const worstBytes = 5;
/** Less room than this for text is no room. */
const leastBytes = 64;

/** What everything but the text takes of a stanza, at most, in all ordinary cases. */
const frameBytes = 24 * 1024;

/**
 * The parts of a text. `room` says how many bytes of escaped UTF-8 one stanza has for it; it is asked only when the text is
 * not obviously short. Characters are not cut in half. Throws Fault too-large when there is no room at all.
 */
export function splitText(text: string, stanzaBytes: number, room: () => number): string[] {
  if (text.length * worstBytes + frameBytes <= stanzaBytes) return [text];
  const bytes = room();
  if (bytes < leastBytes) throw new Fault('too-large');
  if (escapedBytes(text) <= bytes) return [text];
  const parts: string[] = [];
  const unitCount = Math.floor(bytes / worstBytes);
  for (let at = 0; at < text.length;) {
    const end = endBefore(text, at + unitCount);
    parts.push(text.slice(at, end));
    at = end;
  }
  return parts;
}

function escapedBytes(text: string): number {
  return Buffer.byteLength(text) + 4 * (text.match(/[&<>]/g)?.length ?? 0);
}

/** Not between the halves of a surrogate pair. */
function endBefore(text: string, at: number): number {
  if (at >= text.length) return text.length;
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code <= 0xdfff ? at - 1 : at;
}
