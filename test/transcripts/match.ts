/**
 * Compares what came with what a transcript expects. Everything must be equal (attributes in any order, children in
 * theirs) but for placeholders: `{any}` and `{time}` stand for what nobody can know, any other `{name}` is bound by its
 * first use and is the same ever after. White space between elements is layout.
 */
import { Element, type Child } from '../support/xmpp/xml';
import { isLayout } from './format';

/** Values of the placeholders of one transcript. */
export type Bound = Map<string, string>;

const placeholder = /\{([a-z][A-Za-z0-9]*)\}/g;
const patterns: Readonly<Record<string, string>> = {
  any: '[\\s\\S]*?',
  time: '\\d{4}-?\\d\\d-?\\d\\dT\\d\\d:?\\d\\d:?\\d\\d(?:\\.\\d+)?Z?',
};

/** Null when it fits, and `bound` knows the new names; else what is different, and `bound` is as it was. */
export function difference(expected: Element, actual: Element, bound: Bound): string | null {
  const tried = new Map(bound);
  const found = elementDifference(expected, actual, tried, expected.name);
  if (found === null) for (const [name, value] of tried) bound.set(name, value);
  return found;
}

/** The element with placeholders replaced by what they are bound to. Throws for one that is not bound. */
export function filled(element: Element, bound: Bound): Element {
  return mapped(element, (text) =>
    text.replace(placeholder, (_, name: string) => {
      const value = bound.get(name);
      if (value === undefined) throw new Error(`{${name}} is sent before anything has said what it is`);
      return value;
    }),
  );
}

/** What was sent, with the placeholders of what has been received before in it. */
export const recognised = (actual: Element, bound: Bound): Element =>
  mapped(actual, (text) => withPlaceholders(text, bound));

function withPlaceholders(text: string, bound: Bound): string {
  for (const [name, value] of bound)
    if (value.length >= 8 && text.includes(value)) return text.replace(value, `{${name}}`);
  return text;
}

/** What came, as a transcript should write it: values that are different each time become placeholders. */
export function generalised(actual: Element, bound: Bound): Element {
  const known = (text: string): string => withPlaceholders(text, bound);
  const attribute = (text: string, key: string): string => {
    const named = known(text);
    if (named !== text) return named;
    if (key === 'stamp' || key === 'gmtTime') return '{time}';
    if (key === 'ver') return '{any}';
    if ((key !== 'id' && key !== 'iqid') || !isMade(text)) return text;
    const name = `id${[...bound.keys()].filter((one) => /^id\d+$/.test(one)).length + 1}`;
    bound.set(name, text);
    return `{${name}}`;
  };
  return mapped(actual, known, attribute);
}

/** An id that a program has made up, not one that a transcript chose. */
const isMade = (id: string): boolean => /^\d+$/.test(id) || /[0-9a-f]{8}/.test(id) || id.length >= 20;

function mapped(
  element: Element,
  text: (value: string) => string,
  attribute: (value: string, key: string) => string = text,
): Element {
  const attrs = Object.entries(element.attrs).map(([key, value]) => [key, attribute(value, key)]);
  const children = element.children.map((child): Child =>
    typeof child === 'string' ? text(child) : mapped(child, text, attribute),
  );
  return new Element(element.name, Object.fromEntries(attrs) as Record<string, string>, children);
}

function elementDifference(expected: Element, actual: Element, bound: Bound, path: string): string | null {
  if (expected.name !== actual.name) return `want <${expected.name}>, got <${actual.name}>`;
  for (const key of new Set([...Object.keys(expected.attrs), ...Object.keys(actual.attrs)])) {
    const [want, got] = [expected.attrs[key], actual.attrs[key]];
    if (want === undefined) return `${path}: ${key}="${got ?? ''}" was not expected`;
    if (got === undefined) return `${path}: ${key}="${want}" is missing`;
    if (!textFits(want, got, bound)) return `${path}: want ${key}="${want}", got "${got}"`;
  }
  const [wanted, given] = [childrenOf(expected), childrenOf(actual)];
  for (let at = 0; at < Math.max(wanted.length, given.length); at += 1) {
    const [want, got] = [wanted[at], given[at]];
    if (want === undefined) return `${path}: ${shown(got)} was not expected`;
    if (got === undefined) return `${path}: ${shown(want)} is missing`;
    if (typeof want === 'string' || typeof got === 'string') {
      if (typeof want !== typeof got) return `${path}: want ${shown(want)}, got ${shown(got)}`;
      if (!textFits(String(want), String(got), bound)) return `${path}: want "${shown(want)}", got "${shown(got)}"`;
      continue;
    }
    const inside = elementDifference(want, got, bound, `${path}/${want.name}`);
    if (inside !== null) return inside;
  }
  return null;
}

const shown = (child: Child | undefined): string => String(child);

/** Neighbouring texts as one, without layout. */
function childrenOf(element: Element): Child[] {
  const children: Child[] = [];
  for (const child of element.children) {
    const last = children.at(-1);
    if (typeof child === 'string' && isLayout(child, element)) continue;
    if (typeof child === 'string' && typeof last === 'string') children[children.length - 1] = last + child;
    else children.push(child);
  }
  return children;
}

function textFits(want: string, got: string, bound: Bound): boolean {
  if (!want.includes('{')) return want === got;
  const names: string[] = [];
  const source = want
    .split(placeholder)
    .map((part, index) => {
      if (index % 2 === 0) return escaped(part);
      const known = bound.get(part);
      if (patterns[part] !== undefined) return patterns[part];
      if (known !== undefined) return escaped(known);
      if (names.includes(part)) return `\\k<${part}>`;
      names.push(part);
      return `(?<${part}>[\\s\\S]+?)`;
    })
    .join('');
  const found = new RegExp(`^${source}$`).exec(got);
  if (found === null) return false;
  for (const name of names) bound.set(name, found.groups?.[name] ?? '');
  return true;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
