/**
 * Characters of a stream to tokens: texts, tags, CDATA sections, each whole however the reads were cut. Work is linear in the input,
 * memory is bounded: of a token longer than the bound only the outline is kept. It knows no nesting and no names; it refuses
 * comments and document types (RFC 6120 section 11.1) as soon as they begin. XML 1.0 sections 2.4, 2.7, 3.1.
 */
import { Fault } from '../../core/fault';

export interface TokenEvents {
  /** Raw character data between two tags, perhaps empty. `isCut`: too long, the text is not given. */
  readonly onText: (raw: string, isCut: boolean) => void;
  /** A tag without its angle brackets. `isCut`: too long, only its first characters and its last are given. */
  readonly onTag: (raw: string, isCut: boolean) => void;
  readonly onCdata: (text: string, isCut: boolean) => void;
}

export interface Lexer {
  /** Throws xml-forbidden and xml-malformed; then, and after end(), nothing more is reported. */
  write(text: string): void;
  end(): void;
}

const cdataMark = '![CDATA[';
/** Kept of a tag that is too long: enough to see what kind it is. */
const outlineChars = 64;

type Mode = 'text' | 'tag' | 'declaration' | 'cdata' | 'over';

/** `maxChars` bounds what is kept of one token. */
export function makeLexer(maxChars: number, events: TokenEvents): Lexer {
  let mode: Mode = 'text';
  let kept = ''; // what has come of the present token
  let isCut = false;
  let quote = ''; // the quote that is open inside the present tag
  let tail = ''; // the last two characters inside a CDATA section

  const keep = (piece: string): void => {
    if (!isCut && kept.length + piece.length <= maxChars) kept += piece;
    else if (piece !== '') {
      isCut = true;
      kept = (kept + piece.slice(0, outlineChars)).slice(0, outlineChars) + piece.slice(-1);
    }
  };

  /** Ends the token and says which kind the next one is. */
  const finish = (next: Mode, report: (token: string, isCut: boolean) => void): void => {
    const token = kept;
    const wasCut = isCut;
    kept = '';
    isCut = false;
    mode = next;
    report(token, wasCut);
  };

  const scanText = (text: string, from: number): number => {
    const at = text.indexOf('<', from);
    keep(text.slice(from, at < 0 ? undefined : at));
    if (at < 0) return text.length;
    finish('tag', events.onText);
    return at + 1;
  };

  /** Index of the '>' outside of quotes, -1 when it has not come; remembers the quote that is open. */
  const endOfTag = (text: string, from: number): number => {
    let at = from;
    while (at < text.length) {
      if (quote !== '') {
        const close = text.indexOf(quote, at);
        if (close < 0) return -1;
        quote = '';
        at = close + 1;
        continue;
      }
      const code = text.charCodeAt(at);
      if (code === 62) return at;
      if (code === 60) throw new Fault('xml-malformed', { cause: 'a tag inside a tag' });
      if (code === 34 || code === 39) quote = text.charAt(at);
      at += 1;
    }
    return -1;
  };

  const scanTag = (text: string, from: number): number => {
    if (kept === '' && text.startsWith('!', from)) {
      mode = 'declaration';
      return from;
    }
    const at = endOfTag(text, from);
    keep(text.slice(from, at < 0 ? undefined : at));
    if (at < 0) return text.length;
    finish('text', events.onTag);
    return at + 1;
  };

  const scanDeclaration = (text: string, from: number): number => {
    const to = Math.min(text.length, from + cdataMark.length - kept.length);
    kept += text.slice(from, to);
    if (!cdataMark.startsWith(kept)) throw new Fault('xml-forbidden', { cause: 'a comment or a document type' });
    if (kept.length < cdataMark.length) return to;
    kept = '';
    tail = '';
    mode = 'cdata';
    return to;
  };

  const scanCdata = (text: string, from: number): number => {
    const rest = tail + text.slice(from);
    const at = rest.indexOf(']]>');
    if (at < 0) {
      // The last two characters may belong to the end mark: they are kept when it is known that they do not.
      keep(rest.slice(0, -2));
      tail = rest.slice(-2);
      return text.length;
    }
    keep(rest.slice(0, at));
    finish('text', events.onCdata);
    return from + at + 3 - tail.length;
  };

  const step = (text: string, at: number): number => {
    switch (mode) {
      case 'text':
        return scanText(text, at);
      case 'tag':
        return scanTag(text, at);
      case 'declaration':
        return scanDeclaration(text, at);
      case 'cdata':
        return scanCdata(text, at);
      case 'over':
        return text.length;
    }
  };

  return {
    write(text) {
      let at = 0;
      while (at < text.length) at = step(text, at);
    },
    end() {
      mode = 'over';
    },
  };
}
