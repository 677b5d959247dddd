/**
 * Bytes <-> documents. One document is one element; on TCP each is followed by one zero byte (docs/XIMSS.md 1.1).
 * Strict UTF-8, bounded in size, depth, number of elements and attributes. Refused by name: DOCTYPE, processing
 * instructions, comments, entities beyond XML's five, attributes given twice, a second root, text beside the root.
 * Liberal on purpose: a leading XML declaration, CDATA, and characters that XML 1.0 forbids (a far user's client may
 * well send a bell), which are removed and counted. Pure: it owns no socket; `sax` runs over whole documents only, so
 * one parser serves every connection and an idle connection holds no buffer.
 */
import { isUtf8 } from 'node:buffer';
import { parser as makeSax, type SAXParser } from 'sax';
import { Fault } from '../../core/fault';
import { cleanXmlText } from '../../core/text';
import { serialise, type Child, type Element } from './element';

export interface Limits {
  readonly documentBytes: number;
  readonly depth: number;
  readonly elementCount: number;
  readonly attributeCount: number;
  readonly attributeLength: number;
}

export const defaultLimits: Limits = {
  documentBytes: 1_048_576,
  depth: 32,
  elementCount: 50_000,
  attributeCount: 64,
  attributeLength: 65_536,
};

export interface Codec {
  readonly limits: Limits;
  /** One document. Throws Fault xml-malformed, xml-forbidden or xml-limit; afterwards the codec is as good as new. */
  decode(bytes: Uint8Array): Element;
  /** Documents as TCP wants them, a zero byte behind each. */
  encode(documents: readonly Element[]): Buffer;
}

const malformed = (why: string): Fault => new Fault('xml-malformed', { cause: why });
const forbidden = (what: string): Fault => new Fault('xml-forbidden', { cause: what });
const beyond = (what: string): Fault => new Fault('xml-limit', { cause: what });

const illegal = /[\x01-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/;
const entity = /&(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9a-fA-F]{1,6});/y;
const declaration = /^\ufeff?<\?xml[ \t\r\n][^?<]*\?>/;
const cdataStart = '<![CDATA[';

/** Text ready for the parser: declaration and illegal characters gone, line ends as XML wants them, markup checked. */
function prepare(bytes: Uint8Array, limits: Limits): { text: string; removedCount: number } {
  if (bytes.length > limits.documentBytes) throw beyond('document size');
  if (!isUtf8(bytes) || bytes.includes(0)) throw malformed('not UTF-8 text');
  const raw = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const cleaned = illegal.test(raw) ? cleanXmlText(raw) : { text: raw, removedCount: 0 };
  let text = cleaned.text.replace(declaration, '');
  if (text.includes('\r')) text = text.replace(/\r\n?/g, '\n');
  checkMarkup(text);
  return { text, removedCount: cleaned.removedCount };
}

/** Everything of `&`, `<!` and `<?` outside CDATA is decided here, since sax decides it too kindly. Linear. */
function checkMarkup(text: string): void {
  let from = 0;
  for (;;) {
    const cdata = text.indexOf(cdataStart, from);
    checkPart(text, from, cdata < 0 ? text.length : cdata);
    if (cdata < 0) return;
    const end = text.indexOf(']]>', cdata + cdataStart.length);
    if (end < 0) throw malformed('CDATA without end');
    from = end + 3;
  }
}

function checkPart(text: string, from: number, to: number): void {
  for (let at = text.indexOf('<', from); at >= 0 && at < to; at = text.indexOf('<', at + 1)) {
    const next = text[at + 1];
    if (next === '!') throw forbidden('DOCTYPE or comment');
    if (next === '?') throw forbidden('processing instruction');
  }
  for (let at = text.indexOf('&', from); at >= 0 && at < to; at = text.indexOf('&', at + 1)) {
    entity.lastIndex = at;
    if (!entity.test(text)) throw forbidden('entity');
  }
}

interface Open {
  name: string;
  attrs: Record<string, string>;
  children: Child[];
  attributeCount: number;
}

/** The tree builder behind the sax events. One document at a time. */
class Builder {
  private stack: Open[] = [];
  private top: Open | null = null;
  private starting: Open | null = null;
  private root: Element | null = null;
  private elementCount = 0;

  constructor(private readonly limits: Limits) {}

  start(name: string): void {
    if (this.top === null && this.root !== null) throw malformed('a second root element');
    if (this.stack.length >= this.limits.depth) throw beyond('depth');
    this.elementCount += 1;
    if (this.elementCount > this.limits.elementCount) throw beyond('number of elements');
    this.starting = { name, attrs: {}, children: [], attributeCount: 0 };
  }

  attribute(name: string, value: string): void {
    const element = this.starting;
    if (element === null) return;
    if (Object.hasOwn(element.attrs, name)) throw malformed('an attribute given twice');
    element.attributeCount += 1;
    if (element.attributeCount > this.limits.attributeCount) throw beyond('number of attributes');
    if (value.length > this.limits.attributeLength) throw beyond('length of an attribute');
    if (name === '__proto__') throw forbidden('attribute name');
    element.attrs[name] = value;
  }

  opened(): void {
    const element = this.starting;
    if (element === null) return;
    this.starting = null;
    this.stack.push(element);
    this.top = element;
  }

  text(text: string): void {
    if (this.top === null) {
      if (text.trim() !== '') throw malformed('text beside the root element');
      return;
    }
    const { children } = this.top;
    const last = children.length - 1;
    const previous = children[last];
    if (typeof previous === 'string') children[last] = previous + text;
    else children.push(text);
  }

  closed(): void {
    const done = this.stack.pop();
    if (done === undefined) return;
    const element: Element = { name: done.name, attrs: done.attrs, children: done.children };
    this.top = this.stack.at(-1) ?? null;
    if (this.top === null) this.root = element;
    else this.top.children.push(element);
  }

  finish(): Element {
    if (this.root === null || this.top !== null) throw malformed('no whole element');
    return this.root;
  }
}

/** A codec with these limits. Documents are decoded one by one and synchronously, so all connections may share
 * it. `onRemoved` hears how many characters that XML 1.0 does not allow a document had. */
export function makeCodec(changes: Partial<Limits> = {}, onRemoved: (count: number) => void = () => undefined): Codec {
  const limits: Limits = { ...defaultLimits, ...changes };
  let sax: SAXParser | null = null;
  let builder = new Builder(limits);

  const freshSax = (): SAXParser => {
    const parser = makeSax(true, { position: false });
    parser.onerror = (error) => {
      throw malformed(error.message.split(/[:\n]/)[0] ?? '');
    };
    parser.onopentagstart = (tag) => builder.start(tag.name);
    parser.onattribute = ({ name, value }) => {
      builder.attribute(name, value);
      // sax drops a second attribute of the same name silently; taken away here, the second one is an event too.
      Reflect.deleteProperty(parser.tag.attributes, name);
    };
    parser.onopentag = () => builder.opened();
    parser.ontext = (text) => builder.text(text);
    parser.oncdata = (text) => builder.text(text);
    parser.onclosetag = () => builder.closed();
    return parser;
  };

  const decode = (bytes: Uint8Array): Element => {
    const { text, removedCount } = prepare(bytes, limits);
    builder = new Builder(limits);
    const parser = sax ?? freshSax();
    sax = null; // a parser that threw is not used again
    parser.write(text).close();
    const document = builder.finish();
    builder = new Builder(limits);
    sax = parser;
    if (removedCount > 0) onRemoved(removedCount);
    return document;
  };

  const encode = (documents: readonly Element[]): Buffer => {
    let text = '';
    for (const document of documents) text += `${serialise(document)}\0`;
    return Buffer.from(text, 'utf8');
  };

  return { limits, decode, encode };
}
