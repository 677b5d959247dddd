/**
 * Bytes of a stream to stanzas. What a stanza may cost is bounded: one that is too large or too deep is skipped without being
 * kept and reported by its outer tag, so that one user's stanza does not end everybody's stream. Comments, processing
 * instructions, DTDs and entities are refused (RFC 6120 section 11.1), so are bad UTF-8 and XML that is not well formed: write()
 * throws the Fault, and the parser is of no more use. It does not check that namespace prefixes are bound; an
 * unbound one matches nothing.
 */
import { Fault } from '../../core/fault';
import { Element } from '../stanza/element';
import { oneBreak, parseTag, parseText } from './tag';
import { makeLexer } from './lexer';

export interface ParserEvents {
  /** the opening tag of the stream */
  onHeader(header: Element): void;
  onStanza(stanza: Element): void;
  /** A stanza over a limit. `shell` is its outer tag without content, null when that tag itself was too large. */
  onOversize(shell: Element | null, fault: Fault): void;
  /** the closing tag of the stream */
  onEnd(): void;
}

export interface ParserLimits {
  readonly stanzaBytes: number;
  /** levels of elements in a stanza */
  readonly depthCount: number;
  /** What the stanza with this opening tag may have instead, in bytes; `stanzaBytes` when left out. Its tokens may not. */
  readonly bytesFor?: (outer: Element) => number;
}

export interface Parser {
  /** Throws xml-malformed or xml-forbidden; xml-limit when the stream's opening tag is too large. */
  write(bytes: Uint8Array): void;
  /** Nothing is reported any more. */
  end(): void;
}

const illegal = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/;
const declaration = /^\?xml[ \t\r\n][^<]*\?$/;

/** A parser for one stream. */
export function makeParser(limits: ParserLimits, events: ParserEvents): Parser {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let header: Element | null = null;
  let isFirst = true; // nothing but an XML declaration may come before
  let depth = 0; // open elements, the stream's root among them
  let sizeBytes = 0; // of the present stanza
  let limitBytes = limits.stanzaBytes; // for the present stanza
  let path: Element[] = []; // from the present stanza down to the open element
  let skipping: { readonly shell: Element | null; readonly fault: Fault } | null = null;

  const skip = (why: string): void => {
    const outer = path[0];
    const shell = outer ? new Element(outer.name, outer.attrs) : null;
    if (shell) shell.parent = header;
    skipping = { shell, fault: new Fault('xml-limit', { cause: why }) };
    path = [];
  };

  /** True when the token still belongs to a stanza that is kept. */
  const isKept = (token: string, isCut: boolean): boolean => {
    sizeBytes += Buffer.byteLength(token) + 2;
    if (!skipping && (isCut || sizeBytes > limitBytes)) skip('bytes');
    return !skipping;
  };

  const finish = (stanza: Element): void => {
    stanza.parent = header;
    events.onStanza(stanza);
  };

  const finishSkipped = (): void => {
    const done = skipping;
    skipping = null;
    if (done) events.onOversize(done.shell, done.fault);
  };

  const openStream = (element: Element, isEmpty: boolean): void => {
    header = element;
    depth = 1;
    events.onHeader(element);
    if (isEmpty) closeStream(element.name);
  };

  const closeStream = (name: string): void => {
    if (name !== header?.name) throw malformed('the stream is closed by another name');
    lexer.end();
    events.onEnd();
  };

  const open = (raw: string): void => {
    const { name, attrs, isEmpty } = parseTag(raw);
    const element = new Element(name);
    element.attrs = attrs;
    if (depth === 0) return openStream(element, isEmpty);
    if (depth === 1) limitBytes = limits.bytesFor?.(element) ?? limits.stanzaBytes;
    path.at(-1)?.append(element);
    if (isEmpty && depth > 1) return;
    if (isEmpty) return finish(element);
    path.push(element);
    depth += 1;
    if (depth > limits.depthCount + 1) skip('depth');
  };

  const close = (name: string): void => {
    if (depth <= 1) return closeStream(name);
    const element = path.pop();
    if (element?.name !== name) throw malformed('a tag is closed by another name');
    depth -= 1;
    if (depth === 1) finish(element);
  };

  const passOver = (raw: string): void => {
    if (raw.startsWith('/')) depth -= 1;
    else if (!raw.endsWith('/')) depth += 1;
    if (depth === 1) finishSkipped();
  };

  const onTag = (raw: string, isCut: boolean): void => {
    const mayDeclare = isFirst;
    isFirst = false;
    if (raw.startsWith('?')) {
      if (mayDeclare && declaration.test(raw)) return;
      throw new Fault('xml-forbidden', { cause: 'a processing instruction' });
    }
    if (isCut && depth === 0) throw new Fault('xml-limit', { cause: 'the opening tag of the stream' });
    if (depth === 1 && !skipping) {
      sizeBytes = 0;
      limitBytes = limits.stanzaBytes;
    }
    if (!isKept(raw, isCut)) passOver(raw);
    else if (raw.startsWith('/')) close(raw.slice(1).trimEnd());
    else open(raw);
  };

  const addText = (raw: string, isCut: boolean, read: (raw: string) => string): void => {
    if (raw === '' && !isCut) return;
    const parent = path.at(-1);
    if (!parent && !skipping) throw malformed('text outside of a stanza');
    if (isKept(raw, isCut)) parent?.children.push(read(raw));
  };

  const lexer = makeLexer(limits.stanzaBytes, {
    onTag,
    onText(raw, isCut) {
      if (path.length > 0 || skipping) return addText(raw, isCut, parseText);
      if (depth === 0 && raw !== '') isFirst = false;
      if (/[^ \t\r\n]/.test(raw)) throw malformed('text outside of a stanza');
    },
    onCdata: (text, isCut) => addText(text, isCut, oneBreak),
  });

  return {
    write(bytes) {
      const text = decode(decoder, bytes);
      if (illegal.test(text)) throw malformed('a character that XML forbids');
      lexer.write(text);
    },
    end: () => lexer.end(),
  };
}

function decode(decoder: InstanceType<typeof TextDecoder>, bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes, { stream: true });
  } catch (cause) {
    throw new Fault('xml-malformed', { cause });
  }
}

function malformed(why: string): Fault {
  return new Fault('xml-malformed', { cause: why });
}
