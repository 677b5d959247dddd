/** The packages that the bridge is built on are dependencies, and source or tests use them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..');

function sourceOf(folder: string): string {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map((name) => readFileSync(join(root, folder, name), 'utf8'))
    .join('\n');
}

describe('a dependency in use', () => {
  const manifest: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const source = sourceOf('src');
  test.each(['@xmpp/component', '@xmpp/xml', 'sax', 'bullmq', 'pino'])('%s', (name) => {
    expect(manifest).toHaveProperty(['dependencies', name]);
    expect(source).toContain(` from '${name}'`);
  });

  test('jest', () => {
    expect(manifest).toHaveProperty(['devDependencies', 'jest']);
    expect(manifest).toHaveProperty(['scripts', 'unit'], expect.stringContaining('jest'));
  });
});
