/**
 * How the files stand to each other: no import runs in a circle, type imports included, neither between files nor between
 * the entries of any folder; no folder holds too many files. Lint holds the order of the layers, this what lint cannot see.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import ts from 'typescript';

const root = join(__dirname, '..');
const filesMax = 18;

/** Files below a folder, as paths from the root. */
function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

/** For each file the files that it imports, types too. */
function importsOf(files: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const known = new Set(files);
  const target = (from: string, to: string): string | undefined => {
    const path = normalize(join(dirname(from), to)).replace(/\.js$/, '');
    return [`${path}.ts`, `${path}/index.ts`].find((candidate) => known.has(candidate));
  };
  const imports = (path: string): string[] =>
    ts
      .preProcessFile(readFileSync(join(root, path), 'utf8'))
      .importedFiles.filter(({ fileName }) => fileName.startsWith('.'))
      .flatMap(({ fileName }) => target(path, fileName) ?? []);
  return new Map(files.map((path) => [path, imports(path)]));
}

/** A way from a node back to itself, null when there is none. */
function circleIn(arrows: ReadonlyMap<string, readonly string[]>): readonly string[] | null {
  const done = new Set<string>();
  function walk(node: string, way: readonly string[]): readonly string[] | null {
    if (way.includes(node)) return [...way.slice(way.indexOf(node)), node];
    if (done.has(node)) return null;
    for (const next of arrows.get(node) ?? []) {
      const circle = walk(next, [...way, node]);
      if (circle !== null) return circle;
    }
    done.add(node);
    return null;
  }
  for (const node of arrows.keys()) {
    const circle = walk(node, []);
    if (circle !== null) return circle;
  }
  return null;
}

/** The arrows between the entries of one folder: its files, and its folders with all that they hold. */
function entriesOf(folder: string, arrows: ReadonlyMap<string, readonly string[]>): Map<string, string[]> {
  const entry = (path: string): string | null =>
    path.startsWith(`${folder}/`) ? (path.slice(folder.length + 1).split('/')[0] ?? null) : null;
  const between = new Map<string, string[]>();
  for (const [path, imported] of arrows) {
    const from = entry(path);
    if (from === null) continue;
    const to = imported.flatMap((other) => entry(other) ?? []).filter((other) => other !== from);
    between.set(from, [...(between.get(from) ?? []), ...to]);
  }
  return between;
}

/** All folders above these files, from the top. */
function foldersOf(files: readonly string[]): string[] {
  const above = (path: string): string[] => {
    const folder = dirname(path);
    return folder === '.' ? [] : [...above(folder), folder];
  };
  return [...new Set(files.flatMap(above))].sort();
}

const isCode = (path: string): boolean => /\.(ts|js|lua|sh|html|css)$/.test(path);

const arrowsOf = (...arrows: [from: string, to: string[]][]): Map<string, string[]> => new Map(arrows);
test.each([
  ['one far from where the search begins', arrowsOf(['a', ['b']], ['b', ['c']], ['c', ['b']]), ['b', 'c', 'b']],
  ['none where two ways lead to one place', arrowsOf(['a', ['b', 'c']], ['b', ['c']]), null],
])('a circle: %s', (_name, arrows, circle) => {
  expect(circleIn(arrows)).toEqual(circle);
});

describe.each(['src', 'test'])('%s', (top) => {
  const arrows = importsOf(filesIn(top).filter((path) => path.endsWith('.ts')));

  test('is read', () => {
    expect([...arrows.values()].flat().length).toBeGreaterThan(500);
  });

  test('no file imports itself by way of others', () => {
    expect(circleIn(arrows)).toBeNull();
  });

  test.each(foldersOf([...arrows.keys()]))('the entries of %s import each other in one direction', (folder) => {
    expect(circleIn(entriesOf(folder, arrows))).toBeNull();
  });

  test(`no folder holds more than ${filesMax} files of code`, () => {
    const counts = new Map<string, number>();
    for (const path of filesIn(top).filter(isCode)) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
    expect([...counts].filter(([, count]) => count > filesMax)).toEqual([]);
  });
});
