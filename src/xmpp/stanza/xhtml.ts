/** The text of XHTML-IM (XEP-0071): for messages that have nothing else. Formatting is left out, lines and addresses are kept. Pure. */
import { attr, childOf, type Element } from './element';
import { ns } from './ns';

/** Elements that stand on lines of their own. */
const blocks: ReadonlySet<string> = new Set([
  'p',
  'div',
  'blockquote',
  'pre',
  'li',
  'h1',
  'h2',
  'h3',
  'h4',
  'h5',
  'h6',
]);
/** Elements whose content is not for reading. */
const unread: ReadonlySet<string> = new Set(['script', 'style', 'head', 'title']);

/** The text, null when the message has no XHTML or none with words. Never throws: depth is bounded by the parser. */
export function xhtmlText(message: Element): string | null {
  const html = childOf(message, 'html', ns.xhtmlIm);
  const body = html && childOf(html, 'body', ns.xhtml);
  if (!body) return null;
  const text = textOf(body)
    .replace(/[ \t]*\n[ \t]*/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
  return text === '' ? null : text;
}

function textOf(element: Element): string {
  const name = element.getName();
  if (unread.has(name)) return '';
  if (name === 'br') return '\n';
  if (name === 'img') return attr(element, 'alt') ?? attr(element, 'src') ?? '';
  // white space is layout, as in any HTML; lines are made by elements
  const inner = element.children
    .map((child) => (typeof child === 'string' ? child.replace(/\s+/g, ' ') : textOf(child)))
    .join('');
  if (name === 'a') return withAddress(inner, attr(element, 'href') ?? '');
  return blocks.has(name) ? `\n${inner}\n` : inner;
}

function withAddress(text: string, address: string): string {
  return address === '' || text.includes(address) || !/^[a-z][a-z0-9+.-]*:/i.test(address)
    ? text
    : `${text} (${address})`;
}
