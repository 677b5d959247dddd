/** The Lua scripts: each file compiles where it runs, what it includes is there, and each is loaded by somebody. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { loadScript } from '../../../src/store/redis/scripts';
import { startRedis } from '../../support/servers/redis';
import type { RedisServer } from '../../support/servers/redis';

const folder = join(__dirname, '../../../src/store');
const all = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
const files = all.filter((file) => file.endsWith('.lua'));
const scripts = files.filter((file) => !file.includes('lib/'));

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.dispose());

test('there are scripts', () => expect(scripts.length).toBeGreaterThan(10));

test.each(scripts)('%s is one that Redis can load, with all that it includes', async (file) => {
  const { lua, sha } = loadScript(join(folder, dirname(file)), basename(file, '.lua'));
  expect(lua).not.toContain('@include');
  expect(await server.cli('SCRIPT', 'LOAD', lua)).toBe(sha);
});

test('a script that is not there is named', () => {
  expect(() => loadScript(folder, 'nothing')).toThrow(/nothing\.lua/);
});

test('each script is loaded by TypeScript beside it, each shared part is included somewhere', () => {
  const sources = all
    .filter((file) => /\.(ts|lua)$/.test(file))
    .map((file) => [file, readFileSync(join(folder, file), 'utf8')]);
  const users = (file: string): unknown[] => {
    const name = basename(file, '.lua');
    const wanted = file.includes('lib/') ? `@include "lib/${name}.lua"` : `loadScript(__dirname, '${name}')`;
    const isNear = (path: string): boolean => file.includes('lib/') || dirname(path) === dirname(file);
    return sources.filter(([path = '', text = '']) => isNear(path) && text.includes(wanted));
  };
  expect(files.filter((file) => users(file).length === 0)).toEqual([]);
});
