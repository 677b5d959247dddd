/**
 * The server's own small XML: text -> element tree -> text, one pass each way.
 * Independent of the bridge's codec on purpose, so that the two check each other.
 * Refuses DOCTYPE, comments, processing instructions, undefined entities, illegal characters, two roots, text outside
 * the root, and whatever passes its limits. No namespaces: names are compared as written, as XIMSS clients do.
 * A leading XML declaration is reported, not refused: the protocol never showed one (ximss-protocol.md 1.1).
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

export const defaultXmlLimits: XmlLimits = { depth: 32, attributeCount: 64, elementCount: 20_000 };

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
export function escapeText(text: string): string {
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

const namePattern = /[A-Za-z_:\u0080-\uffff][-.\w:\u0080-\uffff]*/y;
const spacePattern = /[ \t\r\n]*/y;
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
  let at = 0;
  let declared = false;
  if (text.startsWith('<?xml ')) {
    at = text.indexOf('?>') + 2;
    if (at < 2) throw new XmlError('unfinished declaration');
    declared = true;
  }

  const space = (): boolean => {
    spacePattern.lastIndex = at;
    spacePattern.test(text);
    const moved = spacePattern.lastIndex > at;
    at = spacePattern.lastIndex;
    return moved;
  };
  const name = (): string => {
    namePattern.lastIndex = at;
    if (!namePattern.test(text)) throw new XmlError('name expected');
    const found = text.slice(at, namePattern.lastIndex);
    at = namePattern.lastIndex;
    return found;
  };

  let elementCount = 0;
  /** Reads a start tag whose `<` stands at `at`; second value: it was an empty-element tag. */
  const startTag = (): [El, boolean] => {
    if (++elementCount > limits.elementCount) throw new XmlError('too many elements');
    at++;
    const element: El = { name: name(), attrs: {}, children: [] };
    let attributeCount = 0;
    for (;;) {
      const spaced = space();
      const c = text.charCodeAt(at);
      if (c === 0x3e) {
        at++;
        return [element, false];
      }
      if (c === 0x2f) {
        if (text.charCodeAt(at + 1) !== 0x3e) throw new XmlError('bad tag end');
        at += 2;
        return [element, true];
      }
      if (!spaced) throw new XmlError('space expected');
      if (++attributeCount > limits.attributeCount) throw new XmlError('too many attributes');
      const key = name();
      space();
      if (text.charCodeAt(at) !== 0x3d) throw new XmlError('= expected');
      at++;
      space();
      const quote = text[at];
      if (quote !== '"' && quote !== "'") throw new XmlError('quote expected');
      const end = text.indexOf(quote, at + 1);
      if (end < 0) throw new XmlError('unfinished attribute');
      const raw = text.slice(at + 1, end);
      if (raw.indexOf('<') >= 0) throw new XmlError('< in attribute');
      if (Object.hasOwn(element.attrs, key)) throw new XmlError('attribute given twice');
      if (key === '__proto__') throw new XmlError('reserved name');
      element.attrs[key] = decode(raw.replace(/[\t\n]/g, ' '));
      at = end + 1;
    }
  };

  space();
  if (text.charCodeAt(at) !== 0x3c) throw new XmlError('no element');
  const [root, rootEmpty] = startTag();
  const open: El[] = rootEmpty ? [] : [root];
  while (open.length > 0) {
    const parent = open[open.length - 1];
    if (parent === undefined) break;
    const lt = text.indexOf('<', at);
    if (lt < 0) throw new XmlError('unfinished element');
    if (lt > at) {
      const raw = text.slice(at, lt);
      if (raw.indexOf(']]>') >= 0) throw new XmlError(']]> in text');
      parent.children.push(decode(raw));
      at = lt;
    }
    const next = text.charCodeAt(at + 1);
    if (next === 0x2f) {
      at += 2;
      if (name() !== parent.name) throw new XmlError('end tag does not match');
      space();
      if (text.charCodeAt(at) !== 0x3e) throw new XmlError('> expected');
      at++;
      open.pop();
    } else if (next === 0x21) {
      if (!text.startsWith('<![CDATA[', at)) throw new XmlError('comment or doctype');
      const end = text.indexOf(']]>', at);
      if (end < 0) throw new XmlError('unfinished CDATA');
      parent.children.push(text.slice(at + 9, end));
      at = end + 3;
    } else {
      if (next === 0x3f) throw new XmlError('processing instruction');
      const [child, empty] = startTag();
      parent.children.push(child);
      if (!empty) {
        if (open.length >= limits.depth) throw new XmlError('too deep');
        open.push(child);
      }
    }
  }
  space();
  if (at !== text.length) throw new XmlError('something follows the root element');
  return { root, declared };
}
