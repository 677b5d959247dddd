/**
 * Builds the effective configuration: defaults, over them the file, over that the environment. Everything that is
 * wrong is found in one run and thrown as one ConfigProblems; a half-checked configuration never leaves this file.
 */
import { dirname, resolve } from 'node:path';
import { readEnv } from './env';
import type { Env, Setting } from './env';
import { readBounded, readConfigFile } from './file';
import { socketPath } from './endpoints';
import { allKeys } from './keys';
import type { Key } from './keys';
import { ConfigProblems, problemsOf, valueAt } from './problems';
import type { ConfigProblem } from './problems';
import { checkRules, meant } from './rules';
import { fileSecrets, schema } from './schema';
import type { Config, DialectKey } from './schema';
import { inlineSecretFiles, isGroup } from './secrets';

export interface LoadOptions {
  /** the YAML file; null: the environment alone */
  readonly path: string | null;
  readonly env: Env;
  /** what `ximss.dialect` may hold; left out, its entries are not checked and defaults are not filled in */
  readonly dialect?: readonly DialectKey[];
}

const caBytes = 4 * 1024 * 1024;

type Tree = Record<string, unknown>;

/** The effective configuration, frozen. Relative paths start at the folder of the file. Throws ConfigProblems. */
export function loadConfig({ path, env, dialect }: LoadOptions): Config {
  const keys = allKeys(dialect);
  const file = path === null ? null : readConfigFile(path);
  const layer = readEnv(env, keys);
  if (file && !file.tree) throw new ConfigProblems([...file.problems, ...layer.problems]);

  const tree = withoutEmptyGroups(structuredClone(file?.tree ?? {}));
  const baseDir = path === null ? process.cwd() : dirname(resolve(path));
  const problems: ConfigProblem[] = [...layer.problems];
  const report = (at: readonly string[], message: string): void => {
    const variable = layer.settings.find((setting) => startsWith(at, setting.path))?.variable;
    const where = variable ?? (exists(tree, at) ? (file?.whereIs(at) ?? null) : null);
    problems.push({ path: at.join('.'), message, where });
  };

  lay(tree, layer.settings);
  inlineSecretFiles(tree, baseDir, report);
  const parsed = schema.safeParse(tree);
  for (const issue of parsed.error?.issues ?? []) {
    for (const { path: at, message } of problemsOf(issue, tree, keys)) report(at, message);
  }
  const accounts = tree['accounts'];
  const soundly = (at: string): unknown => sound(at, tree, keys, problems);
  checkRules({
    sound: soundly,
    report,
    accountCount: Array.isArray(accounts) ? accounts.length : 0,
    dialect,
  });
  for (const section of ['xmpp', 'ximss', 'redis']) {
    checkCaFile([section, 'caFile'], soundly(`${section}.caFile`), baseDir, report);
  }
  if (problems.length > 0 || !parsed.success) throw new ConfigProblems(problems);
  return finish(parsed.data, baseDir, dialect ?? []);
}

/** `section:` with nothing below it is an empty section, not a null. */
function withoutEmptyGroups(tree: Tree): Tree {
  for (const [name, value] of Object.entries(tree)) {
    if (value === null && name !== 'dataDir' && Object.hasOwn(schema.shape, name)) delete tree[name];
  }
  const { ximss, redis } = tree;
  if (isGroup(ximss) && ximss['dialect'] === null) delete ximss['dialect'];
  if (isGroup(redis) && redis['sentinel'] === null) delete redis['sentinel'];
  return tree;
}

/** Lays the environment over the file. A secret given here, in either form, replaces both forms of the file. */
function lay(tree: Tree, settings: readonly Setting[]): void {
  for (const { path } of settings) {
    for (const twin of twins(path)) remove(tree, twin);
  }
  for (const { path, value } of settings) put(tree, path, value);
}

function twins(path: readonly string[]): string[][] {
  const holder = path.slice(0, -1);
  const pair = fileSecrets.find(
    ({ section, key, each }) =>
      !each && holder.join('.') === section && (path.at(-1) === key || path.at(-1) === `${key}File`),
  );
  return pair ? [[...holder, pair.key], [...holder, `${pair.key}File`]] : []; // prettier-ignore
}

function put(tree: Tree, path: readonly string[], value: unknown): void {
  const [step, ...rest] = path;
  if (step === undefined) return;
  if (rest.length === 0) {
    tree[step] = value;
    return;
  }
  const below = tree[step] ?? (tree[step] = {});
  if (isGroup(below)) put(below, rest, value); // what is not a group is a problem that the schema reports
}

function remove(tree: Tree, path: readonly string[]): void {
  const holder = valueAt(tree, path.slice(0, -1));
  const last = path.at(-1);
  if (isGroup(holder) && last !== undefined) delete holder[last];
}

function exists(tree: Tree, path: readonly string[]): boolean {
  return valueAt(tree, path.slice(0, -1)) !== undefined;
}

/** The value at a path after defaults; undefined when it, or something above or below it, has a problem. */
function sound(dotted: string, tree: Tree, keys: readonly Key[], problems: readonly ConfigProblem[]): unknown {
  const path = dotted.split('.');
  const isTainted = problems.some(({ path: other }) => {
    const steps = other.split('.');
    return startsWith(path, steps) || startsWith(steps, path);
  });
  if (isTainted) return undefined;
  return valueAt(tree, path) ?? keys.find((key) => key.path.join('.') === dotted)?.default;
}

function startsWith(path: readonly string[], prefix: readonly string[]): boolean {
  return prefix.length <= path.length && prefix.every((step, at) => step === path[at]);
}

function finish(data: ReturnType<typeof schema.parse>, baseDir: string, dialect: readonly DialectKey[]): Config {
  const absolute = (path: string): string => resolve(baseDir, path);
  const absoluteOrNull = (path: string | null): string | null => (path === null ? null : absolute(path));
  const given = data.ximss.dialect;
  const known = dialect.map((row) => [row.key, meant(row, given[row.key] ?? row.default) ?? row.default] as const);
  return freeze({
    ...data,
    xmpp: { ...data.xmpp, caFile: absoluteOrNull(data.xmpp.caFile) },
    ximss: {
      ...data.ximss,
      caFile: absoluteOrNull(data.ximss.caFile),
      dialect: { ...given, ...Object.fromEntries(known) },
    },
    redis: {
      ...data.redis,
      url: data.redis.url === null ? null : (socketPath(data.redis.url) ?? data.redis.url),
      caFile: absoluteOrNull(data.redis.caFile),
    },
    dataDir: absolute(data.dataDir),
    secretKeyFile: absoluteOrNull(data.secretKeyFile),
  });
}

function checkCaFile(
  path: readonly string[],
  caFile: unknown,
  baseDir: string,
  report: (at: readonly string[], message: string) => void,
): void {
  if (typeof caFile !== 'string') return;
  const text = readBounded(resolve(baseDir, caFile), caBytes);
  if (text.problem !== null) report(path, `${caFile}: ${text.problem}`);
  else if (!text.content.includes('-----BEGIN CERTIFICATE-----')) {
    report(path, `${caFile}: holds no certificate in PEM form`);
  }
}

function freeze<T extends object>(value: T): T {
  for (const child of Object.values(value)) if (typeof child === 'object' && child !== null) freeze(child as object); // checked on this line
  return Object.freeze(value);
}
