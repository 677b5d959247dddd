/**
 * The documents say what is true of the repository: files and folders that they name exist, links lead somewhere, and
 * the tables of metrics, faults and dialect keys are those of the code. It does not judge the prose.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parse } from 'yaml';
import { faultTable } from '../src/core/fault';
import { metricTable } from '../src/ops/metrics';
import { dialectOptions } from '../src/ximss/protocol/dialect';

const root = join(__dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const exists = (path: string): boolean => existsSync(join(root, path));

/** Files below a folder, as paths from the root. */
function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

const documents = ['README.md', 'CHANGELOG.md', ...filesIn('docs').filter((path) => path.endsWith('.md'))];
const codeFiles = ['src', 'test', 'scripts', 'config', 'docker', 'packaging'].flatMap(filesIn);
/** Cells of the table rows below the heading, without backticks. */
function rowsBelow(document: string, heading: string): string[][] {
  const section = document.split(/^#+ /m).find((part) => part.startsWith(heading)) ?? '';
  return [...section.matchAll(/^\| (.*) \|$/gm)]
    .map(([, row = '']) => row.split(' | ').map((cell) => cell.replace(/`/g, '').trim()))
    .filter(([first = '']) => !first.startsWith('---'))
    .slice(1);
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

test.each(documents)('every link of %s leads to a file', (path) => {
  const links = [...read(path).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, target = '']) => target);
  expect(links.filter((target) => !exists(join(dirname(path), target)))).toEqual([]);
});

describe.each(documents.filter((path) => path !== 'CHANGELOG.md'))('%s', (path) => {
  const text = read(path);

  test('names only scripts of package.json', () => {
    const scripts = Object.keys((JSON.parse(read('package.json')) as { scripts: object }).scripts); // written by npm
    const named = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !scripts.includes(name))).toEqual([]);
  });

  test('names only keys of the configuration', () => {
    const example: unknown = parse(read('config/bridge.example.yaml'));
    const sections = Object.entries(isMapping(example) ? example : {}).flatMap(([section, value]) =>
      isMapping(value) ? [{ section, keys: Object.keys(value) }] : [],
    );
    const known = sections.flatMap(({ section, keys }) => keys.map((key) => `${section}.${key}`));
    const prefix = new RegExp(`\`((?:${sections.map(({ section }) => section).join('|')})\\.[a-zA-Z]+)(?![.\\w])`, 'g');
    const named = [...text.matchAll(prefix)].map(([, key = '']) => key).filter((key) => !/\.(ts|yml)$/.test(key));
    expect(named.filter((key) => !known.includes(key.replace(/File$/, '')) && !known.includes(key))).toEqual([]);
  });
});

describe('README.md', () => {
  const lines = read('README.md').split('\n');
  test('has fewer than 120 lines', () => expect(lines.length).toBeLessThan(120));
  test('has no line of 120 columns or more', () => expect(lines.filter((line) => line.length >= 120)).toEqual([]));
  test('leads to every document', () => {
    const named = new Set([...read('README.md').matchAll(/docs\/[\w-]+\.md/g)].map(([link]) => link));
    const topLevel = documents.filter((path) => /^docs\/[^/]+\.md$/.test(path));
    expect(topLevel.filter((path) => !named.has(path))).toEqual([]);
  });
});

describe('docs/ARCHITECTURE.md', () => {
  const text = read('docs/ARCHITECTURE.md');
  const named = [...text.matchAll(/`([\w./-]+\.ts)`/g)].map(([, path = '']) => path);

  test.each([...new Set(named)])('%s exists', (path) => {
    expect(exists(join('src', path)) || exists(path)).toBe(true);
  });

  test('has five walks, each through at least four files', () => {
    const section = text.split('## Five walks')[1]?.split(/^## /m)[0] ?? '';
    const walks = section.split(/^(?=\*\*)/m).slice(1);
    expect(walks.length).toBe(5);
    for (const walk of walks) expect(walk.match(/`[\w./-]+\.ts`/g)?.length ?? 0).toBeGreaterThanOrEqual(4);
  });

  test('lists every folder of src that holds code, and no other', () => {
    const listed = [...text.matchAll(/^\| `(src[\w/-]*)`/gm)].map(([, path = '']) => path);
    const folders = filesIn('src')
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
      .map(dirname);
    const wanted = [...new Set(folders)].filter((path) => path !== 'src');
    expect(wanted.filter((path) => !listed.some((one) => path === one))).toEqual([]);
    expect(listed.filter((path) => !exists(path))).toEqual([]);
  });

  test('lists every decision', () => {
    const decisions = documents.filter((path) => path.startsWith('docs/decisions/'));
    expect(decisions.filter((path) => !text.includes(path.replace('docs/', '')))).toEqual([]);
  });
});

describe('docs/OPERATING.md', () => {
  const text = read('docs/OPERATING.md');

  test('describes every metric, with its type and labels, and no other', () => {
    const described = rowsBelow(text, 'Metrics').map(([name, type, labels]) => [name, type, labels ?? '']);
    expect(described.sort()).toEqual(
      Object.entries(metricTable)
        .map(([name, { type, labels }]) => [name, type, Object.keys(labels).join(', ')])
        .sort(),
    );
  });

  test('describes every fault and what the sender sees, and no other', () => {
    const rows = rowsBelow(text, 'Faults');
    expect(rows.map(([code]) => code).sort()).toEqual(Object.keys(faultTable).sort());
    for (const [code = '', , seen = ''] of rows) {
      const row = Object.entries(faultTable).find(([name]) => name === code)?.[1];
      if (!seen.startsWith('none')) expect(`${code}: ${seen}`).toBe(`${code}: ${row?.type}, ${row?.condition}`);
    }
  });
});

describe('docs/XIMSS.md', () => {
  const text = read('docs/XIMSS.md');
  const sections = new Set([...text.matchAll(/^##+ ([\d.]+?)\.? /gm)].map(([, number = '']) => number));

  test('lists every key of ximss.dialect with its number, and no other', () => {
    const listed = rowsBelow(text, '11.').map(([number, key]) => `${number} ${key}`);
    expect(listed.sort()).toEqual(dialectOptions.map(({ assumption, key }) => `${assumption} ${key}`).sort());
  });

  test('has every section that the code cites', () => {
    const cited = codeFiles.flatMap((path) =>
      [...read(path).matchAll(/docs\/XIMSS\.md (\d[\d.]*\d|\d)/g)].map(([, number = '']) => ({ path, number })),
    );
    expect(cited.length).toBeGreaterThan(20);
    expect(cited.filter(({ number }) => !sections.has(number))).toEqual([]);
  });
});

test('the code cites no document outside the repository', () => {
  const cited = codeFiles.flatMap((path) =>
    [...read(path).matchAll(/[\w./-]+\.md\b/g)].map(([target]) => ({ path, target })),
  );
  const isThere = ({ path, target }: { path: string; target: string }): boolean =>
    exists(target) || exists(join(dirname(path), target)) || exists(join('docs', target));
  expect(cited.filter((citation) => !isThere(citation))).toEqual([]);
});

test('comments name only files that exist', () => {
  const known = codeFiles.map((path) => `/${path}`);
  // with the folder, if one is named: `lanes/append.ts`
  const isKnown = (path: string): boolean =>
    known.some((one) => one.endsWith(`/${path.replace(/^(\.\.?\/)+/, '')}`)) || path.startsWith('dist/');
  const mentions = codeFiles
    .filter((path) => path.endsWith('.ts'))
    .flatMap((path) =>
      read(path)
        .split('\n')
        .filter((line) => /^\s*(\/?\*|\/\/)/.test(line) && !line.includes('@include'))
        .flatMap((line) => [...line.matchAll(/[\w./-]*\w\.(?:ts|lua)\b/g)].map(([named]) => ({ path, named }))),
    );
  expect(mentions.length).toBeGreaterThan(20);
  expect(mentions.filter(({ named }) => !isKnown(named))).toEqual([]);
});
