/**
 * An XML element as an immutable value, and its text form for XIMSS: double quotes, attributes in the order given (the
 * id first), no declaration (docs/XIMSS.md 1.1 and 1.2). Characters that XML 1.0 cannot carry are left
 * out. It knows no namespaces: names are compared as written, as XIMSS peers do. It never parses; that is codec.ts.
 */
import { cleanXmlText } from '../../core/text';
import { Fault } from '../../core/fault';

export type Child = Element | string;

export interface Element {
  readonly name: string;
  readonly attrs: Readonly<Record<string, string>>;
  readonly children: readonly Child[];
}

const noChildren: readonly Child[] = Object.freeze([]);

/** Builds an element; attributes that are undefined are left out, empty texts too. */
export function el(
  name: string,
  attrs: Readonly<Record<string, string | undefined>> = {},
  ...children: readonly Child[]
): Element {
  const kept: Record<string, string> = {};
  for (const key in attrs) {
    const value = attrs[key];
    if (value !== undefined) kept[key] = value;
  }
  const filled = children.filter((child) => child !== '');
  return { name, attrs: kept, children: filled.length === 0 ? noChildren : filled };
}

/** The same element with an id, which stands first. */
export function withId(element: Element, id: string): Element {
  const { name, attrs, children } = element;
  return { name, attrs: { id, ...attrs }, children };
}

/** An attribute's value, null when it is absent. */
export function attr(element: Element, name: string): string | null {
  return Object.hasOwn(element.attrs, name) ? (element.attrs[name] ?? null) : null;
}

/** The first direct child of that name, or null. */
export function childOf(element: Element, name: string): Element | null {
  for (const child of element.children) if (typeof child !== 'string' && child.name === name) return child;
  return null;
}

/** Direct child elements, all or those of one name. */
export function childrenOf(element: Element, name?: string): Element[] {
  const matches = (child: Child): child is Element =>
    typeof child !== 'string' && (name === undefined || child.name === name);
  return element.children.filter(matches);
}

/** The direct text, joined; '' when there is none. */
export function textOf(element: Element): string {
  let text = '';
  for (const child of element.children) if (typeof child === 'string') text += child;
  return text;
}

/** Text of the first child of that name, null when there is no such child. */
export function childText(element: Element, name: string): string | null {
  const child = childOf(element, name);
  return child === null ? null : textOf(child);
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
  '\n': '&#10;',
  '\t': '&#9;',
};
const inText = /[&<>\r]/;
const inAttribute = /[&<>"\r\n\t]/;
const suspicious = /[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]/;
const nameForm = /^[A-Za-z_][\w.:-]*$/;

function clean(text: string): string {
  return suspicious.test(text) ? cleanXmlText(text).text : text;
}

function escapeText(text: string): string {
  const kept = clean(text);
  return inText.test(kept) ? kept.replace(/[&<>\r]/g, (char) => entities[char] ?? char) : kept;
}

function escapeAttribute(text: string): string {
  const kept = clean(text);
  return inAttribute.test(kept) ? kept.replace(/[&<>"\r\n\t]/g, (char) => entities[char] ?? char) : kept;
}

function checkName(name: string): string {
  if (!nameForm.test(name)) throw new Fault('internal', { cause: 'an XML name that cannot be written' });
  return name;
}

/** The element as text. Throws Fault `internal` for a name that is no plain XML name: names come from our code. */
export function serialise(element: Element): string {
  let out = `<${checkName(element.name)}`;
  for (const key in element.attrs) out += ` ${checkName(key)}="${escapeAttribute(element.attrs[key] ?? '')}"`;
  if (element.children.length === 0) return `${out}/>`;
  out += '>';
  for (const child of element.children) out += typeof child === 'string' ? escapeText(child) : serialise(child);
  return `${out}</${element.name}>`;
}
