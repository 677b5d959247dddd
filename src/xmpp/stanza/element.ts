/**
 * Elements: made and looked into. The only place that knows @xmpp/xml's element; nothing here knows a stanza's
 * meaning. Stanza namespaces differ (Prosody sends none, ejabberd jabber:component:accept or jabber:client), so stanzas are
 * matched by local name and payloads by their own namespace. RFC 6120 section 8.
 */
import { Element } from '@xmpp/xml';

export { Element } from '@xmpp/xml';

/** Attribute values; null leaves the attribute out. */
export type Attrs = Readonly<Record<string, string | null>>;
/** Children; null leaves the child out. */
export type Child = Element | string | null;

/** An element. Never throws. */
export function el(name: string, attrs: Attrs = {}, ...children: readonly Child[]): Element {
  const made = new Element(name);
  for (const key in attrs) {
    const value = attrs[key];
    if (value !== null && value !== undefined) made.attrs[key] = value;
  }
  for (const child of children) if (child !== null) made.append(child);
  return made;
}

/** An element with its namespace first: the usual payload. */
export function payload(name: string, xmlns: string, attrs: Attrs = {}, ...children: readonly Child[]): Element {
  return el(name, { xmlns, ...attrs }, ...children);
}

/** `<name>text</name>`, or nothing when there is no text. */
export function textEl(name: string, text: string | null): Element | null {
  return text === null ? null : el(name, {}, text);
}

/** An attribute, null when it is missing. */
export function attr(element: Element, name: string): string | null {
  return Object.hasOwn(element.attrs, name) ? (element.attrs[name] ?? null) : null;
}

/** The child elements. */
export function elements(element: Element): Element[] {
  return element.children.filter((child) => typeof child !== 'string');
}

/** All children of that name; without `xmlns` those in the parent's own namespace (`<body/>` of a message, not of XHTML). */
export function childrenOf(element: Element, name: string, xmlns?: string): Element[] {
  const wanted = xmlns ?? element.getNS();
  return elements(element).filter((child) => child.getName() === name && child.getNS() === wanted);
}

/** The first of `childrenOf`, null when there is none. */
export function childOf(element: Element, name: string, xmlns?: string): Element | null {
  for (const child of element.children) {
    if (typeof child === 'string' || child.getName() !== name) continue;
    if (child.getNS() === (xmlns ?? element.getNS())) return child;
  }
  return null;
}

/** The text of a child, null when there is no such child. */
export function childText(element: Element, name: string, xmlns?: string): string | null {
  return childOf(element, name, xmlns)?.getText() ?? null;
}

/** The same text by itself: a piece of what was read keeps the whole read (64 KiB) alive as long as it lives. */
export function ownText(text: string | null): string | null {
  return text === null ? null : Buffer.from(text, 'utf8').toString('utf8');
}
