/**
 * The YAML file: read with a bound, parsed as YAML 1.2, with the line of every key kept for the problems.
 * Syntax errors are reported all, each with its line; a file with any gives no tree.
 */
import { readFileSync, statSync } from 'node:fs';
import { isMap, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document, Node } from 'yaml';
import type { ConfigProblem } from './problems';

const fileBytes = 16 * 1024 * 1024;

export interface FileLayer {
  /** undefined when the file could not be read or parsed */
  readonly tree: Readonly<Record<string, unknown>> | undefined;
  /** `line 12`: where the key, or the deepest existing part of the path, stands */
  whereIs(path: readonly string[]): string | null;
  readonly problems: readonly ConfigProblem[];
}

/** Reads and parses; never throws. */
export function readConfigFile(path: string): FileLayer {
  const text = readBounded(path, fileBytes);
  if (text.problem !== null) return failed([{ path: '', message: `${path}: ${text.problem}`, where: null }]);
  return parseConfigText(text.content);
}

/** The text of a configuration file. */
export function parseConfigText(text: string): FileLayer {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    return failed(
      document.errors.map((error) => ({
        path: '',
        message: `not valid YAML: ${describe(error.code, error.message)}`,
        where: `line ${lines.linePos(error.pos[0]).line}`,
      })),
    );
  }
  const tree = toTree(document);
  if (typeof tree === 'string') return failed([{ path: '', message: tree, where: null }]);
  return { tree, problems: [], whereIs: (path) => lineOf(document, lines, path) };
}

/** YAML's own messages quote the text around the error only for these codes; the others are fixed sentences. */
function describe(code: string, message: string): string {
  return code === 'UNRESOLVED_ALIAS' || code === 'BAD_ALIAS' ? 'an alias without its anchor' : message;
}

function toTree(document: Document): Record<string, unknown> | string {
  let tree: unknown;
  try {
    tree = document.toJS({ maxAliasCount: 100 });
  } catch {
    return 'not valid YAML: too many or unresolved aliases';
  }
  if (tree === null || tree === undefined) return {};
  if (typeof tree !== 'object' || Array.isArray(tree)) return 'must be a group of keys';
  return tree as Record<string, unknown>; // an object made from a YAML map: its keys are texts
}

function lineOf(document: Document, lines: LineCounter, path: readonly string[]): string | null {
  let node: unknown = document.contents;
  let position: number | undefined;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => String(item.key) === step);
      if (!pair) break;
      position = (pair.key as Node).range?.[0]; // a parsed document: keys are nodes
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      position = (node as Node | undefined)?.range?.[0] ?? position; // a parsed document: items are nodes
    } else break;
  }
  return position === undefined ? null : `line ${lines.linePos(position).line}`;
}

function failed(problems: readonly ConfigProblem[]): FileLayer {
  return { tree: undefined, problems, whereIs: () => null };
}

/** The content of a text file of at most that many bytes, or one sentence that says why not. Never throws. */
export function readBounded(
  path: string,
  maxBytes: number,
): { readonly content: string; readonly problem: null } | { readonly problem: string } {
  try {
    const { size } = statSync(path);
    if (size > maxBytes) return { problem: `larger than ${maxBytes} bytes` };
    return { content: readFileSync(path, 'utf8').replace(/^\uFEFF/, ''), problem: null };
  } catch (error) {
    const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '?';
    return { problem: reasons[code] ?? `cannot be read (${code})` };
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'may not be read by this user',
  EISDIR: 'is a folder, not a file',
};
