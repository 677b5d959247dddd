/**
 * What can be wrong with a configuration, as a list: a path, a sentence, and where it stands (a line, a variable).
 * Values are shown only where they cannot be secrets.
 */
import type { z } from 'zod';
import type { Key } from './keys';

export interface ConfigProblem {
  /** dotted, list entries by number: `accounts.0.jid`; empty for the file as a whole */
  readonly path: string;
  readonly message: string;
  /** `line 12` or `BRIDGE_XMPP_SECRET`; null when it is nowhere, because it is missing */
  readonly where: string | null;
}

/** Everything that is wrong, at once. The message has one line per problem. */
export class ConfigProblems extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(line).join('\n'));
    this.name = 'ConfigProblems';
    this.problems = problems;
  }
}

function line({ path, message, where }: ConfigProblem): string {
  const subject = path === '' ? 'configuration' : path;
  return where === null ? `${subject}: ${message}` : `${subject}: ${message} (${where})`;
}

type Path = readonly PropertyKey[];
type Issue = z.core.$ZodIssue;

/** The problems of one schema issue. `tree` is what was checked, `keys` gives bounds and neighbours. */
export function problemsOf(issue: Issue, tree: unknown, keys: readonly Key[]): { path: string[]; message: string }[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], message: unknownKey(key, childrenOf(path, keys)) }));
  }
  return [{ path, message: sentence(issue, valueAt(tree, issue.path), keyAt(path, keys)) }];
}

function sentence(issue: Issue, value: unknown, key: Key | undefined): string {
  if (value === undefined || (value === null && !key?.isNullable)) {
    return key && key.hasFile ? `is missing (give it, or ${key.path.at(-1)}File)` : 'is missing';
  }
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${article(issue.expected)}, not ${kindOf(value)}${quoteHint(issue.expected, value)}`;
    case 'too_small':
    case 'too_big':
      return boundSentence(issue, value, key);
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    default:
      return issue.message;
  }
}

function boundSentence(issue: Issue & { code: 'too_small' | 'too_big' }, value: unknown, key: Key | undefined): string {
  if (typeof value === 'number') {
    const range =
      key?.min !== undefined && key.max !== undefined
        ? `from ${key.min} to ${key.max}`
        : issue.code === 'too_small'
          ? `at least ${issue.minimum}`
          : `at most ${issue.maximum}`;
    return `must be ${range}, is ${value}`;
  }
  const unit = Array.isArray(value) ? 'entries' : 'characters';
  if (issue.code === 'too_big') return `may have at most ${issue.maximum} ${unit}`;
  return issue.minimum === 1 ? 'must not be empty' : `must have at least ${issue.minimum} ${unit}`;
}

const articles: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a group of keys',
  record: 'a group of keys',
};

function article(expected: string): string {
  return articles[expected] ?? expected;
}

function kindOf(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number') return Number.isInteger(value) ? 'a number' : 'a number with a fraction';
  return articles[typeof value] ?? typeof value;
}

function quoteHint(expected: string, value: unknown): string {
  return expected === 'string' && ['number', 'boolean'].includes(typeof value) ? '; put it in quotes' : '';
}

/** The sentence for a key that does not exist, with the neighbour that was probably meant. */
export function unknownKey(key: string, neighbours: readonly string[]): string {
  const near = nearest(key, neighbours);
  return near === null ? 'unknown key' : `unknown key; did you mean ${near}?`;
}

function nearest(word: string, candidates: readonly string[]): string | null {
  const plain = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '');
  const ranked = candidates
    .map((candidate) => ({ candidate, edits: editDistance(plain(word), plain(candidate)) }))
    .sort((a, b) => a.edits - b.edits);
  const best = ranked[0];
  return best && best.edits <= Math.max(1, Math.floor(best.candidate.length / 4)) ? best.candidate : null;
}

/** Edits from one word to the other, two letters changed about being one; cut at 64 characters, key names are short. */
function editDistance(left: string, right: string): number {
  const a = left.slice(0, 64);
  const b = right.slice(0, 64);
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = isSwap ? (before[j - 2] ?? 0) + 1 : Infinity;
      next.push(Math.min(substitution, swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}

/** What stands at a path, undefined when nothing does. */
export function valueAt(tree: unknown, path: Path): unknown {
  let value = tree;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[step]; // own property of an object, just checked
  }
  return value;
}

/** The key that describes a path; list numbers stand for any entry. */
function keyAt(path: readonly string[], keys: readonly Key[]): Key | undefined {
  return keys.find(
    (key) => key.path.length === path.length && key.path.every((step, at) => step === '*' || step === path[at]),
  );
}

function childrenOf(path: readonly string[], keys: readonly Key[]): string[] {
  const below = keys.filter((key) => path.every((step, at) => key.path[at] === '*' || key.path[at] === step));
  const names = below.flatMap((key) => {
    const name = key.path[path.length];
    return name === undefined || name === '*'
      ? []
      : [name, ...(key.hasFile && key.path.length === path.length + 1 ? [`${name}File`] : [])];
  });
  return [...new Set(names)];
}
