/**
 * Lua scripts as they stand in their files, beside the TypeScript that runs them: one script a file. A line
 * `--- @include "lib/name.lua"` stands for that file of `store/lib`, so that steps that several scripts share are written
 * once.
 * Read when the program starts; a file that is missing ends it there.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Script {
  readonly lua: string;
  /** the name EVALSHA knows it by */
  readonly sha: string;
}

const shared = join(__dirname, '..');
const include = /^--- @include "([a-z/-]+\.lua)"$/gm;

/** Reads a script and what it includes. Throws when a file is not there. */
export function loadScript(folder: string, name: string): Script {
  const lua = read(join(folder, `${name}.lua`)).replace(include, (_, part: string) => read(join(shared, part)));
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}

const read = (file: string): string => readFileSync(file, 'utf8');
