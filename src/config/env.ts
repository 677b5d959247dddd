/**
 * The environment as a layer over the file: every key is a variable, lists are comma separated or JSON, groups JSON.
 * An empty variable counts as not set (`[]` is the empty list, `null` the null). A BRIDGE_ variable that is no key is
 * a problem, save those that Kubernetes and Docker make by themselves for a service of that name.
 */
import type { Key } from './keys';
import { variableOf } from './keys';
import { unknownKey } from './problems';
import type { ConfigProblem } from './problems';

/** One key that the environment sets. */
export interface Setting {
  readonly path: readonly string[];
  readonly value: unknown;
  readonly variable: string;
}

export type Env = Readonly<Record<string, string | undefined>>;

/** Read by the command line, not keys. */
const reserved = ['BRIDGE_CONFIG'];
const madeByOrchestrators =
  /^BRIDGE_(?:[A-Z0-9_]+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT(?:_\d+_(?:TCP|UDP).*)?|NAME)$/;

/** All settings of the environment, and what is wrong with them. Values are never part of a problem. */
export function readEnv(env: Env, keys: readonly Key[]): { settings: Setting[]; problems: ConfigProblem[] } {
  const known = variables(keys);
  const settings: Setting[] = [];
  const problems: ConfigProblem[] = [];
  for (const [variable, raw] of Object.entries(env)) {
    if (!variable.startsWith('BRIDGE_') || raw === undefined || reserved.includes(variable)) continue;
    const target = known.get(variable);
    if (!target) {
      if (madeByOrchestrators.test(variable)) continue;
      problems.push({ path: variable, message: unknownKey(variable, [...known.keys()]), where: 'environment' });
      continue;
    }
    if (raw === '') continue;
    const value = parse(raw, target.key);
    if (value === undefined) {
      problems.push({ path: target.path.join('.'), message: 'is not valid JSON', where: variable });
      continue;
    }
    settings.push({ path: target.path, value, variable });
  }
  return { settings, problems };
}

interface Target {
  readonly path: readonly string[];
  /** null: the name of a file, plain text */
  readonly key: Key | null;
}

function variables(keys: readonly Key[]): Map<string, Target> {
  const map = new Map<string, Target>();
  for (const key of keys) {
    if (key.path.includes('*')) continue;
    map.set(variableOf(key.path), { path: key.path, key });
    if (!key.hasFile) continue;
    const filePath = [...key.path.slice(0, -1), `${key.path.at(-1)}File`];
    map.set(variableOf(filePath), { path: filePath, key: null });
  }
  return map;
}

const flags: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  1: true,
  false: false,
  no: false,
  off: false,
  0: false,
};

/** A value that does not look like its type is left as text, for the schema to refuse; undefined: broken JSON. */
function parse(raw: string, key: Key | null): unknown {
  const trimmed = raw.trim();
  if (key?.isNullable && trimmed === 'null') return null;
  if (key === null || key.isSecret) return raw;
  switch (key.type) {
    case 'number':
    case 'numberOrWord':
      return /^-?\d+(\.\d+)?$/.test(trimmed) ? Number(trimmed) : trimmed;
    case 'flag':
      return flags[trimmed.toLowerCase()] ?? trimmed;
    case 'list':
      if (trimmed.startsWith('[') || trimmed.startsWith('{')) return json(trimmed);
      return trimmed.split(',').flatMap((part) => part.trim() || []);
    case 'group':
      return json(trimmed);
    case 'text':
      return trimmed;
  }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the parser's own message would quote the text, which may hold passwords
  }
}
