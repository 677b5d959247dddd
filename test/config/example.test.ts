/** config/bridge.example.yaml is the operator's reference: it must name every key of the schema, and say the truth. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../src/config';
import { parseConfigText } from '../../src/config/file';
import { allKeys, variableOf } from '../../src/config/keys';
import { valueAt } from '../../src/config/problems';
import { dialectOptions } from '../../src/ximss/protocol/dialect';

const path = join(__dirname, '../../config/bridge.example.yaml');
const text = readFileSync(path, 'utf8');
const lines = text.split('\n');
const layer = parseConfigText(text);
const keys = allKeys();
const active = keys.filter((key) => !key.path.includes('*'));

/** The comment lines right above a key. */
function commentOf(keyPath: readonly string[]): string {
  const at = Number(/\d+/.exec(layer.whereIs(keyPath) ?? '')?.[0]) - 1;
  const comment: string[] = [];
  for (let line = at - 1; line >= 0 && /^\s*#/.test(lines[line] ?? ''); line -= 1) comment.unshift(lines[line] ?? '');
  return comment.join('\n').replace(/\n?\s*#\s?/g, ' ');
}

test('it loads as it is', () => {
  expect(loadConfig({ path, env: {}, dialect: dialectOptions }).xmpp.domain).toBe('ximss.example.org');
});

test('the schema has keys to document', () => {
  expect(active.length).toBeGreaterThan(30);
});

test.each(active.map((key) => [key.path.join('.'), key] as const))('%s is documented', (_, key) => {
  const value = valueAt(layer.tree, key.path);
  expect(value).not.toBeUndefined();
  const comment = commentOf(key.path);
  expect(comment.length).toBeGreaterThan(15);
  if (key.isRequired) expect(comment).toMatch(/Required\b/);
  else {
    expect(value).toEqual(key.default);
    const words = typeof key.default === 'string' ? key.default : JSON.stringify(key.default);
    expect(comment.replaceAll('"', '')).toContain(`Default ${words.replaceAll('"', '')}`);
  }
  if (key.min !== undefined) expect(comment).toContain(`from ${key.min} to ${key.max}`);
  for (const word of key.choices) expect(comment).toContain(word);
  if (key.hasFile) expect(comment).toContain(`${key.path.at(-1)}File: NAME`);
});

const entryKeys = keys.filter((key) => key.path.includes('*'));
test.each(entryKeys.map((key) => [key.path.join('.'), key] as const))('%s is shown in a comment', (_, key) => {
  const comment = commentOf(key.path.slice(0, 1));
  expect(comment).toContain(`${key.path.at(-1)}: `);
  if (key.hasFile) expect(comment).toContain(`${key.path.at(-1)}File: NAME`);
});

test.each(dialectOptions.map((row) => [row.key, row] as const))('ximss.dialect.%s is shown', (_, row) => {
  const comment = commentOf(['ximss', 'dialect']);
  expect(comment).toContain(`${row.key}: ${row.values.length > 0 ? row.values.join(' | ') : row.default} `);
  expect(comment.replace(/\s+/g, ' ')).toContain(`${row.assumption}: ${row.description}`);
  expect(row.values[0] ?? row.default).toBe(row.default);
});

test('every key has a variable of its own', () => {
  const variables = keys.map((key) => variableOf(key.path));
  expect(new Set(variables).size).toBe(variables.length);
  expect(variables).toContain('BRIDGE_XMPP_ALLOW_REMOTE_PLAINTEXT');
});
