/**
 * XML for the test clients, on purpose not the code under test: an element tree, its writer, a parser for one whole
 * element (sax), and a splitter that cuts an XMPP byte stream into its header and stanzas. The splitter decodes
 * UTF-8 across reads and looks at nothing but tags and quotes, so that load generators can skip the parsing.
 */
import { StringDecoder } from 'node:string_decoder';
import sax from 'sax';

export type Attrs = Readonly<Record<string, string>>;
export type Child = Element | string;

const maxStanzaChars = 64 * 1024 * 1024;

/** One element. Names are as written (with their prefix); namespaces are found through xmlns attributes. */
export class Element {
  constructor(
    readonly name: string,
    readonly attrs: Attrs = {},
    readonly children: readonly Child[] = [],
    readonly parent?: Element,
  ) {}

  /** The namespace in force (default xmlns of the nearest element that has one); '' for a bare stanza. */
  get ns(): string {
    return this.attrs['xmlns'] ?? this.parent?.ns ?? '';
  }

  /** Child elements, all or those of a name and, when given, a namespace. */
  elements(name?: string, ns?: string): Element[] {
    return this.children.filter(
      (child): child is Element =>
        child instanceof Element &&
        (name === undefined || child.name === name) &&
        (ns === undefined || child.ns === ns),
    );
  }

  /** The first child element of that name and namespace. */
  child(name: string, ns?: string): Element | undefined {
    return this.elements(name, ns)[0];
  }

  /** The element's own text, or that of its first child of that name; '' when there is none. */
  text(name?: string): string {
    if (name !== undefined) return this.child(name)?.text() ?? '';
    return this.children.filter((child) => typeof child === 'string').join('');
  }

  toString(): string {
    const attrs = Object.entries(this.attrs).map(([name, value]) => ` ${name}="${escapeXml(value)}"`);
    const inside = this.children.map((child) => (typeof child === 'string' ? escapeXml(child) : child.toString()));
    return inside.length === 0
      ? `<${this.name}${attrs.join('')}/>`
      : `<${this.name}${attrs.join('')}>${inside.join('')}</${this.name}>`;
  }
}

/** An element; attributes that are undefined are left out. */
export function xml(
  name: string,
  attrs: Readonly<Record<string, string | undefined>> = {},
  ...children: Child[]
): Element {
  const given = Object.entries(attrs).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return new Element(name, Object.fromEntries(given), children);
}

/** Text made safe for content and attributes. Removes nothing: an illegal character stays, for tests that want one. */
export function escapeXml(text: string): string {
  const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };
  return text.replace(/[&<>"']/g, (char) => names[char] ?? char);
}

/** Parses exactly one element; throws on anything that is not well-formed. */
export function parseXml(text: string): Element {
  const parser = sax.parser(true);
  const open: { element: Element; children: Child[] }[] = [];
  let root: Element | undefined;
  parser.onerror = (error) => {
    throw error;
  };
  parser.onopentag = (tag) => {
    const children: Child[] = [];
    const parent = open.at(-1);
    // Without sax's namespace mode every attribute is a plain string.
    const element = new Element(tag.name, tag.attributes as Record<string, string>, children, parent?.element);
    if (parent) parent.children.push(element);
    else root = element;
    open.push({ element, children });
  };
  parser.onclosetag = () => void open.pop();
  parser.ontext = (part) => void open.at(-1)?.children.push(part);
  parser.oncdata = (part) => void open.at(-1)?.children.push(part);
  parser.write(text).close();
  if (root === undefined) throw new Error('no element');
  return root;
}

export interface SplitterEvents {
  /** The stream's opening tag, as text. */
  onHeader(tag: string): void;
  /** One whole child of the stream, as text. */
  onStanza(text: string): void;
  /** The stream's closing tag. */
  onEnd(): void;
}

export interface Splitter {
  /** Feeds bytes as they arrive. Throws when one stanza passes 64 Mi characters. */
  write(bytes: Buffer): void;
  /** The next bytes belong to a new stream (after SASL). */
  reset(): void;
}

/** Cuts a stream into header and stanzas. Comments, CDATA and processing instructions inside stanzas are not for XMPP and not handled. */
export function makeSplitter(events: SplitterEvents): Splitter {
  let decoder = new StringDecoder('utf8');
  let buffer = '';
  let depth = 0;
  let start = 0;
  let at = 0;

  const reset = (): void => {
    decoder = new StringDecoder('utf8');
    buffer = '';
    depth = start = at = 0;
  };
  const onTag = (from: number, to: number): void => {
    const first = buffer[from + 1];
    if (first === '?' || first === '!') return;
    if (first === '/') {
      depth -= 1;
      if (depth === 0) events.onEnd();
    } else if (depth === 0) {
      depth = 1;
      return events.onHeader(buffer.slice(from, to));
    } else {
      if (depth === 1) start = from;
      if (buffer[to - 2] !== '/') depth += 1;
      else if (depth > 1) return;
    }
    if (depth === 1) events.onStanza(buffer.slice(start, to));
  };
  const write = (bytes: Buffer): void => {
    buffer += decoder.write(bytes);
    if (buffer.length > maxStanzaChars) throw new Error('a stanza is larger than the test client takes');
    const stream = decoder;
    for (;;) {
      const from = buffer.indexOf('<', at);
      const to = from < 0 ? -1 : tagEnd(buffer, from);
      if (to < 0) break;
      at = to;
      onTag(from, to);
      if (decoder !== stream) return; // reset by the event: what was read belonged to the old stream
    }
    const done = depth <= 1 ? at : start;
    buffer = buffer.slice(done);
    at -= done;
    start = 0;
  };
  return { write, reset };
}

/** Index after the tag's '>', quotes respected; -1 when it is not complete. */
function tagEnd(text: string, from: number): number {
  let at = from;
  for (;;) {
    const close = text.indexOf('>', at);
    if (close < 0) return -1;
    const quoteAt = firstQuote(text, at, close);
    if (quoteAt < 0) return close + 1;
    const partner = text.indexOf(text[quoteAt] ?? '"', quoteAt + 1);
    if (partner < 0) return -1;
    at = partner + 1;
  }
}

function firstQuote(text: string, from: number, to: number): number {
  for (let at = from; at < to; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 34 || code === 39) return at;
  }
  return -1;
}
