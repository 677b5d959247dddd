/**
 * How the demo speaks: numbered acts, and each document on a wire as one line that fits the terminal (100 columns where
 * nobody knows), without what a reader skips; with `--verbose` whole. Between two acts it pauses when a terminal watches.
 */
import { pause } from '../support/wait';

const isTty = process.stdout.isTTY;
const isVerbose = process.argv.includes('--verbose');
const columns = Math.max(60, process.stdout.columns ?? 100);
const betweenActsMs = 1_500;
const indent = ' '.repeat(8);

const paint = (code: string, text: string): string => (isTty ? `\u001b[${code}m${text}\u001b[0m` : text);
const began = performance.now();
const stamp = (): string => `${((performance.now() - began) / 1000).toFixed(2).padStart(6)}s `;
/** As many columns as terminals give a character: a pictograph has two. */
const columnsOf = (character: string): number => (/\p{Emoji_Presentation}/u.test(character) ? 2 : 1);
const widthOf = (characters: readonly string[]): number => characters.reduce((sum, one) => sum + columnsOf(one), 0);
const fitted = (text: string, width: number): string => {
  const characters = [...text];
  if (widthOf(characters) <= width) return text;
  while (widthOf(characters) > width - 1) characters.pop();
  return `${characters.join('')}…`;
};
/** Without ids, namespaces, languages, capabilities and resources. */
const readable = (xml: string): string =>
  xml
    .replace(/\s+/g, ' ')
    .replace(/<c [^>]*\/>/g, '')
    .replace(/ (?:id|iqid|xmlns|xml:lang|clientID|urlID)=(?:"[^"]*"|'[^']*')/g, '')
    .replace(/(["']\S+@\S+)\/\w+(["'])/g, '$1$2')
    .replace(/^<(\w+)([^>]*)><\/\1>$/, '<$1$2/>');
/** Who reads it stands in the route already. */
const withoutReader = (xml: string): string => xml.replace(/^(<[^>]*?) to="[^"]*"/, '$1');

let actCount = 0;

export const print = {
  /** Begins the next act. */
  async act(title: string): Promise<void> {
    actCount += 1;
    if (isTty && actCount > 1) await pause(betweenActsMs);
    console.log(`\n${paint('1', fitted(`${actCount}. ${title}`, columns))}`);
  },
  /** A line for people, not cut: it may be there to be copied. */
  note(text: string): void {
    console.log(`${indent}${text}`.trimEnd());
  },
  /** One document on a wire: `juliet → Jabber`, `XIMSS → bridge`. */
  hop(route: string, xml: string): void {
    const head = `${stamp()}${route.padEnd(16)}`;
    const short = route.startsWith('Jabber') ? withoutReader(readable(xml)) : readable(xml);
    const text = isVerbose ? xml.replace(/\s+/g, ' ') : fitted(short, columns - head.length);
    const colour = route.includes('XIMSS') ? '33' : '36';
    console.log(`${paint('2', head.slice(0, 8))}${paint(colour, head.slice(8))}${text}`);
  },
  /** Something that was to be shown has happened. */
  done(text: string): void {
    console.log(`${indent}${paint('32', fitted(`✓ ${text}`, columns - indent.length))}`);
  },
};
