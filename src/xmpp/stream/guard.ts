/**
 * The last check of what goes out: every stanza of ours passes here. A foreign or missing `from`, a missing `to`, a character that XML forbids or
 * a stanza over the server's limit would end the stream for everybody (RFC 6120 section 4.9.3), so none leaves.
 */
import { Fault } from '../../core/fault';
import { cleanXmlText } from '../../core/text';
import type { Log, Meter } from '../../bridge/ports';
import { attr, type Element } from '../stanza/element';
import { ghostResource } from '../stanza/write';

export interface GuardOptions {
  /** the component's domain, prepared */
  readonly domain: string;
  readonly stanzaBytes: number;
  /** to the stream; false when it is down */
  readonly send: (text: string) => boolean;
  /** how long the longest tag of a stanza is, in characters */
  readonly onTag: (chars: number) => void;
  readonly meter: Meter;
  readonly log: Log;
}

export interface Guard {
  /** The text of a stanza. Throws Fault internal (addresses) or too-large. */
  serialise(stanza: Element): string;
  /** Writes in order, all or, when the stream is down, none or a beginning. */
  send(kind: string, texts: readonly string[]): boolean;
  /** Both for one stanza; what may not leave is logged and counts as not written. */
  write(stanza: Element): boolean;
}

/** Cheap look for what `cleanXmlText` would remove; surrogate pairs make it look twice. */
const suspect = /[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]/;

export function makeGuard(options: GuardOptions): Guard {
  const { domain, stanzaBytes, meter, log } = options;
  const ourTail = `@${domain}`;

  const isOurs = (from: string): boolean => {
    const slash = from.indexOf('/');
    const bare = slash < 0 ? from : from.slice(0, slash);
    return bare === domain || bare.endsWith(ourTail);
  };

  /**
   * As the writer makes it: a ghost's resource is the one it has, and only on messages and presence proper; what answers (errors, iq)
   * comes from the address that was asked.
   */
  const hasRightResource = (stanza: Element, from: string): boolean => {
    const kind = stanza.getName();
    const type = attr(stanza, 'type');
    if (kind === 'iq' || type === 'error') return true;
    const resource = from.includes('/') ? from.slice(from.indexOf('/') + 1) : null;
    const isFromGhost = from.includes('@');
    const isFull = kind === 'message' || type === null || type === 'unavailable';
    return resource === (isFromGhost && isFull ? ghostResource : null);
  };

  const clean = (text: string): string => {
    if (!suspect.test(text)) return text;
    const { text: cleaned, removedCount } = cleanXmlText(text);
    if (removedCount > 0) meter.count('xml_chars_removed_total', { part: 'xmpp' }, removedCount);
    return cleaned;
  };

  const serialise = (stanza: Element): string => {
    const from = attr(stanza, 'from') ?? '';
    if (!isOurs(from)) throw new Fault('internal', { cause: 'a stanza whose from is not ours' });
    if (!hasRightResource(stanza, from)) throw new Fault('internal', { cause: 'a stanza from a wrong resource' });
    if ((attr(stanza, 'to') ?? '') === '') throw new Fault('internal', { cause: 'a stanza without to' });
    const text = clean(stanza.toString());
    const isLarge = text.length * 3 > stanzaBytes && Buffer.byteLength(text) > stanzaBytes;
    if (isLarge) throw new Fault('too-large', { cause: stanza.getName() });
    return text;
  };

  const send = (kind: string, texts: readonly string[]): boolean => {
    for (const text of texts) {
      if (!options.send(text)) return false;
      options.onTag(longestTagOf(text));
    }
    meter.count('stanzas_total', { dir: 'out', kind }, texts.length);
    return true;
  };

  return {
    serialise,
    send,
    write(stanza) {
      try {
        return send(stanza.getName(), [serialise(stanza)]);
      } catch (thrown) {
        const { code, cause } = thrown instanceof Fault ? thrown : new Fault('internal', { cause: thrown });
        meter.count('faults_total', { part: 'xmpp', code });
        log.error({ fault: code, kind: stanza.getName(), cause }, 'a stanza was not written');
        return false;
      }
    },
  };
}

/** Characters from a `<` to its `>`; in what we write neither stands anywhere else. */
function longestTagOf(text: string): number {
  let longest = 0;
  for (let from = text.indexOf('<'); from >= 0;) {
    const to = text.indexOf('>', from);
    if (to < 0) break;
    longest = Math.max(longest, to + 1 - from);
    from = text.indexOf('<', to);
  }
  return longest;
}
