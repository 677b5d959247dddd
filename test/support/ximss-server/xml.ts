/**
 * The server's own small XML: text -> element tree -> text, one pass each way.
 * Independent of the bridge's codec on purpose, so that the two check each other.
 * Refuses DOCTYPE, comments, processing instructions, undefined entities, illegal characters, two roots, text outside
 * the root, and whatever passes its limits. No namespaces: names are compared as written, as XIMSS clients do.
 * A leading XML declaration is reported, not refused: the protocol never showed one (docs/XIMSS.md 1.1).
 */

export interface El {
  name: string;
  attrs: Record<string, string>;
  children: (El | string)[];
}

export interface XmlLimits {
  depth: number;
  attributeCount: number;
  elementCount: number;
}

const defaultXmlLimits: XmlLimits = { depth: 32, attributeCount: 64, elementCount: 20_000 };

/** The text is not the XML this server reads. The message never quotes more than a name. */
export class XmlError extends Error {}

/** Builds an element; attributes that are undefined are left out. */
export function el(name: string, attrs: Record<string, string | undefined> = {}, ...children: (El | string)[]): El {
  const kept: Record<string, string> = {};
  for (const key in attrs) {
    const value = attrs[key];
    if (value !== undefined) kept[key] = value;
  }
  return { name, attrs: kept, children };
}

/** All direct text of an element, joined. */
export function textOf(element: El): string {
  let text = '';
  for (const child of element.children) if (typeof child === 'string') text += child;
  return text;
}

/** Direct child elements. */
export function elements(element: El): El[] {
  return element.children.filter((child): child is El => typeof child !== 'string');
}

/** First direct child of that name, or undefined. */
export function childOf(element: El, name: string): El | undefined {
  for (const child of element.children) if (typeof child !== 'string' && child.name === name) return child;
  return undefined;
}

const escapes: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
  '\0': '',
};
const inAttribute: Record<string, string> = { ...escapes, '\n': '&#10;', '\t': '&#9;' };

/** Escapes character data. Control characters other than NUL pass: a far user may well send them. */
function escapeText(text: string): string {
  return /[&<>\r\0]/.test(text) ? text.replace(/[&<>\r\0]/g, (c) => escapes[c] ?? c) : text;
}

function escapeAttribute(text: string): string {
  return /[&<>"\r\n\t\0]/.test(text) ? text.replace(/[&<>"\r\n\t\0]/g, (c) => inAttribute[c] ?? c) : text;
}

/** Serialises with double quotes, attributes in insertion order (so `id` stays first), no declaration. */
export function toXml(element: El): string {
  let out = '<' + element.name;
  for (const key in element.attrs) out += ' ' + key + '="' + escapeAttribute(element.attrs[key] ?? '') + '"';
  if (element.children.length === 0) return out + '/>';
  out += '>';
  for (const child of element.children) out += typeof child === 'string' ? escapeText(child) : toXml(child);
  return out + '</' + element.name + '>';
}

const [lessThan, greaterThan, slash, bang, question, equals] = [0x3c, 0x3e, 0x2f, 0x21, 0x3f, 0x3d];
const namePattern = /[A-Za-z_:\u0080-\uffff][-.\w:\u0080-\uffff]*/y;
const illegal = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/;
const named = new Map(Object.entries({ amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }));

function decodeEntity(whole: string, body: string): string {
  const known = named.get(body);
  if (known !== undefined) return known;
  const code = /^#(?:[0-9]{1,7}|x[0-9a-fA-F]{1,6})$/.test(body)
    ? body[1] === 'x'
      ? parseInt(body.slice(2), 16)
      : parseInt(body.slice(1), 10)
    : -1;
  const isChar =
    code === 9 || code === 10 || code === 13 || (code >= 0x20 && code < 0xd800) || (code > 0xdfff && code < 0x110000);
  if (!isChar || code === 0xfffe || code === 0xffff) throw new XmlError(`bad reference ${whole.slice(0, 20)}`);
  return String.fromCodePoint(code);
}

function decode(raw: string): string {
  if (raw.indexOf('&') < 0) return raw;
  return raw.replace(/&([^;&]*)(;?)/g, (whole, body: string, end: string) => {
    if (end === '') throw new XmlError('bare ampersand');
    return decodeEntity(whole, body);
  });
}

/** Parses one document. Throws XmlError. `declared` tells that an XML declaration stood in front. */
export function parseXml(source: string, limits: XmlLimits = defaultXmlLimits): { root: El; declared: boolean } {
  if (illegal.test(source)) throw new XmlError('illegal character');
  const text = source.indexOf('\r') < 0 ? source : source.replace(/\r\n?/g, '\n');
  if (!text.startsWith('<?xml ')) return { root: new Reader(text, 0, limits).document(), declared: false };
  const end = text.indexOf('?>');
  if (end < 0) throw new XmlError('unfinished declaration');
  return { root: new Reader(text, end + 2, limits).document(), declared: true };
}

/** One pass over one text; a class because inner functions would be made anew for every message. */
class Reader {
  private elementCount = 0;
  /** Whether the start tag read last was an empty-element tag. */
  private wasEmpty = false;

  constructor(
    private readonly text: string,
    private at: number,
    private readonly limits: XmlLimits,
  ) {}

  document(): El {
    this.space();
    if (this.text.charCodeAt(this.at) !== lessThan) throw new XmlError('no element');
    const root = this.startTag();
    if (!this.wasEmpty) this.content(root);
    this.space();
    if (this.at !== this.text.length) throw new XmlError('something follows the root element');
    return root;
  }

  private content(root: El): void {
    const { text } = this;
    const open: El[] = [root];
    for (let parent: El | undefined = root; parent !== undefined; parent = open[open.length - 1]) {
      const lt = text.indexOf('<', this.at);
      if (lt < 0) throw new XmlError('unfinished element');
      if (lt > this.at) this.characters(parent, lt);
      const next = text.charCodeAt(lt + 1);
      if (next === slash) {
        this.endTag(parent);
        open.pop();
      } else if (next === bang) {
        this.cdata(parent);
      } else if (next === question) {
        throw new XmlError('processing instruction');
      } else {
        const child = this.startTag();
        parent.children.push(child);
        if (this.wasEmpty) continue;
        if (open.length >= this.limits.depth) throw new XmlError('too deep');
        open.push(child);
      }
    }
  }

  private characters(parent: El, end: number): void {
    const raw = this.text.slice(this.at, end);
    if (raw.indexOf(']]>') >= 0) throw new XmlError(']]> in text');
    parent.children.push(decode(raw));
    this.at = end;
  }

  private cdata(parent: El): void {
    if (!this.text.startsWith('<![CDATA[', this.at)) throw new XmlError('comment or doctype');
    const end = this.text.indexOf(']]>', this.at);
    if (end < 0) throw new XmlError('unfinished CDATA');
    parent.children.push(this.text.slice(this.at + 9, end));
    this.at = end + 3;
  }

  /** Reads a start tag whose `<` stands at `at`. */
  private startTag(): El {
    if (++this.elementCount > this.limits.elementCount) throw new XmlError('too many elements');
    this.at++;
    const element: El = { name: this.name(), attrs: {}, children: [] };
    let attributeCount = 0;
    for (;;) {
      const isSpaced = this.space();
      const c = this.text.charCodeAt(this.at);
      this.wasEmpty = c === slash;
      if (this.wasEmpty) this.at++;
      if (this.text.charCodeAt(this.at) === greaterThan) {
        this.at++;
        return element;
      }
      if (this.wasEmpty) throw new XmlError('bad tag end');
      if (!isSpaced) throw new XmlError('space expected');
      if (++attributeCount > this.limits.attributeCount) throw new XmlError('too many attributes');
      this.attribute(element.attrs);
    }
  }

  private attribute(attrs: Record<string, string>): void {
    const { text } = this;
    const key = this.name();
    this.space();
    if (text.charCodeAt(this.at) !== equals) throw new XmlError('= expected');
    this.at++;
    this.space();
    const quote = text.charAt(this.at);
    if (quote !== '"' && quote !== "'") throw new XmlError('quote expected');
    const end = text.indexOf(quote, this.at + 1);
    if (end < 0) throw new XmlError('unfinished attribute');
    const raw = text.slice(this.at + 1, end);
    if (raw.indexOf('<') >= 0) throw new XmlError('< in attribute');
    if (Object.hasOwn(attrs, key)) throw new XmlError('attribute given twice');
    if (key === '__proto__') throw new XmlError('reserved name');
    attrs[key] = decode(/[\t\n]/.test(raw) ? raw.replace(/[\t\n]/g, ' ') : raw);
    this.at = end + 1;
  }

  private endTag(parent: El): void {
    this.at += 2;
    if (this.name() !== parent.name) throw new XmlError('end tag does not match');
    this.space();
    if (this.text.charCodeAt(this.at) !== greaterThan) throw new XmlError('> expected');
    this.at++;
  }

  private space(): boolean {
    const from = this.at;
    for (let c = this.text.charCodeAt(this.at); c === 0x20 || c === 0x0a || c === 0x09;) {
      c = this.text.charCodeAt(++this.at);
    }
    return this.at > from;
  }

  private name(): string {
    namePattern.lastIndex = this.at;
    if (!namePattern.test(this.text)) throw new XmlError('name expected');
    const found = this.text.slice(this.at, namePattern.lastIndex);
    this.at = namePattern.lastIndex;
    return found;
  }
}
