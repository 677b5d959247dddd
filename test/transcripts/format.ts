/**
 * Reads and writes transcripts: text files that say what goes over both wires, line by line. The format is described in
 * README.md beside this file. It refuses whatever it does not know, with the number of the line; it plays nothing.
 */
import { escapeXml, parseXml, type Element } from '../support/xmpp/xml';

/** Who a line is about: a person, `server` (the XMPP server itself), `ximss` (the XIMSS server itself). */
export type Step =
  | { readonly do: 'sends'; readonly who: string; readonly xml: Element }
  | { readonly do: 'receives'; readonly who: string; readonly xml: Element }
  | { readonly do: 'receives nothing'; readonly who: string }
  /** the next request of this name is answered with these documents instead of the usual ones */
  | { readonly do: 'answers'; readonly request: string; readonly documents: readonly Element[] }
  /** the next request of this name gets no answer */
  | { readonly do: 'ignores'; readonly request: string }
  /** the XIMSS connections are cut without a word */
  | { readonly do: 'hangs up' };

/** The key of what the gateway itself shows a Jabber person: its presence. Not watched where no line names it. */
export const gateway = 'the gateway';

export interface Transcript {
  /** the sentence of the first line */
  readonly requirement: string;
  /** Jabber users who have a XIMSS account of the same name, linked before the first line */
  readonly linked: readonly string[];
  /** people of the XIMSS side who end the transcript with a word to each linked user */
  readonly contacts: readonly string[];
  /** contacts whose presence the linked user sees at the end: it ends the transcript too */
  readonly seen: readonly string[];
  /** rosterItem elements on the XIMSS side */
  readonly roster: readonly Element[];
  /** item elements of the Jabber roster; null: the bridge may neither read nor write it */
  readonly jabberRoster: readonly Element[] | null;
  /** configuration keys laid over the runner's, dotted */
  readonly config: Readonly<Record<string, unknown>>;
  /** the header as it was written, for writing it again */
  readonly header: readonly string[];
  readonly steps: readonly Step[];
}

const stepLine =
  /^(\w+) (sends|receives nothing|receives from the gateway|receives|answers|ignores|hangs up)(?: (\w+))?$/;
const list = (text: string): string[] => text.split(',').flatMap((name) => (name.trim() === '' ? [] : [name.trim()]));

/** Throws an Error that names the line. */
export function parseTranscript(text: string): Transcript {
  const lines = text.split('\n');
  const first = /^# (.+)$/.exec(lines[0] ?? '')?.[1];
  if (first === undefined) throw new Error('line 1: the first line is "# " and the requirement');
  const header: string[] = [];
  const head = {
    linked: ['juliet'],
    contacts: ['romeo'],
    seen: [] as string[],
    roster: [] as Element[],
    config: {} as Record<string, unknown>,
  };
  let jabberRoster: Element[] | null = null;
  let at = 1;
  for (; at < lines.length && !stepLine.test(lines[at] ?? ''); at += 1) {
    const line = lines[at] ?? '';
    header.push(line);
    if (line === '' || line.startsWith('#')) continue;
    const [, key, value = ''] = /^([\w-]+):(?: (.*))?$/.exec(line) ?? [];
    if (key === 'linked') head.linked = list(value);
    else if (key === 'contacts') head.contacts = list(value);
    else if (key === 'seen') head.seen = list(value);
    else if (key === 'ximss-roster') head.roster.push(parseXml(value));
    else if (key === 'jabber-roster')
      jabberRoster = [...(jabberRoster ?? []), ...(value === '' ? [] : [parseXml(value)])];
    else if (key === 'config') Object.assign(head.config, configOf(value, at));
    else throw new Error(`line ${at + 1}: not understood: ${line}`);
  }
  while (header.at(-1) === '') header.pop();
  const steps: Step[] = [];
  while (at < lines.length) {
    const line = lines[at] ?? '';
    const from = at;
    at += 1;
    if (line === '') continue;
    const [, who = '', verb, request] = stepLine.exec(line) ?? [];
    if (verb === undefined) throw new Error(`line ${from + 1}: not understood: ${line}`);
    const block: string[] = [];
    for (; (lines[at] ?? '') !== ''; at += 1) block.push(lines[at] ?? '');
    steps.push(stepOf(who, verb, request, block.join('\n'), from + 1));
  }
  return { requirement: first, header, steps, jabberRoster, ...head };
}

function configOf(value: string, at: number): Record<string, unknown> {
  const [, key, json] = /^([\w.]+) = (.+)$/.exec(value) ?? [];
  if (key === undefined || json === undefined) throw new Error(`line ${at + 1}: want "config: key = value"`);
  const parsed: unknown = JSON.parse(json);
  return { [key]: parsed };
}

function stepOf(who: string, verb: string, request: string | undefined, block: string, line: number): Step {
  const elements = elementsOf(block, line);
  const one = (): Element => {
    const [only, more] = elements;
    if (only === undefined || more !== undefined) throw new Error(`line ${line}: want one element after this line`);
    return only;
  };
  const named = (): string => {
    if (request === undefined || who !== 'ximss') throw new Error(`line ${line}: want "ximss ${verb} REQUEST"`);
    return request;
  };
  switch (verb) {
    case 'sends':
      return { do: 'sends', who, xml: one() };
    case 'receives':
      return { do: 'receives', who, xml: one() };
    case 'receives from the gateway':
      return { do: 'receives', who: gateway, xml: one() };
    case 'receives nothing':
      return { do: 'receives nothing', who };
    case 'answers':
      return { do: 'answers', request: named(), documents: elements };
    case 'ignores':
      return { do: 'ignores', request: named() };
    default:
      return { do: 'hangs up' };
  }
}

function elementsOf(block: string, line: number): Element[] {
  try {
    return parseXml(`<block>${block}</block>`).elements();
  } catch (error) {
    throw new Error(`line ${line}: ${error instanceof Error ? error.message : 'not XML'}`, { cause: error });
  }
}

// ---- writing

const widest = 110;

/** The text of a transcript, as parseTranscript reads it. */
export function formatTranscript({ requirement, header, steps, linked }: Transcript): string {
  const parts = steps.map((step) => formatStep(step, linked[0] ?? 'juliet'));
  return `${[`# ${requirement}`, ...header].join('\n').trimEnd()}\n\n${parts.join('\n\n')}\n`;
}

function formatStep(step: Step, reader: string): string {
  switch (step.do) {
    case 'receives':
      return `${step.who === gateway ? `${reader} receives from the gateway` : `${step.who} receives`}\n${indented(step.xml)}`;
    case 'sends':
      return `${step.who} sends\n${indented(step.xml)}`;
    case 'receives nothing':
      return `${step.who} receives nothing`;
    case 'answers':
      return `ximss answers ${step.request}\n${step.documents.map((one) => indented(one)).join('\n')}`;
    case 'ignores':
      return `ximss ignores ${step.request}`;
    case 'hangs up':
      return 'ximss hangs up';
  }
}

/** On one line if it is short, else a line for each child; an element with text stays as it is. */
function indented(element: Element, depth = 1): string {
  const space = '  '.repeat(depth);
  const whole = `${space}${written(element)}`;
  const children = element.elements();
  const hasText = element.children.some((child) => typeof child === 'string' && child.trim() !== '');
  if (whole.length <= widest || hasText || children.length === 0) return whole;
  const inside = children.map((child) => indented(child, depth + 1));
  return [`${space}${openTag(element)}`, ...inside, `${space}</${element.name}>`].join('\n');
}

const openTag = ({ name, attrs }: Element): string =>
  `<${name}${Object.entries(attrs)
    .map(([key, value]) => ` ${key}="${escapeXml(value)}"`)
    .join('')}>`;

/** Without the white space that is only layout. */
function written(element: Element): string {
  const inside = element.children
    .filter((child) => typeof child !== 'string' || !isLayout(child, element))
    .map((child) => (typeof child === 'string' ? textOf(child) : written(child)));
  const tag = openTag(element);
  return inside.length === 0 ? `${tag.slice(0, -1)}/>` : `${tag}${inside.join('')}</${element.name}>`;
}

/** Quotes as they are; line ends as references, since an empty line ends a step. */
const textOf = (text: string): string =>
  escapeXml(text).replaceAll('&quot;', '"').replaceAll('&apos;', "'").replaceAll('\n', '&#10;');

/** White space beside elements. */
export const isLayout = (text: string, parent: Element): boolean => text.trim() === '' && parent.elements().length > 0;

/** The element as it goes over the wire. */
export const wireText = (element: Element): string => written(element);
