/** What the tests of the configuration share: a file in a temporary folder of each test, loaded. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { ConfigProblems, loadConfig } from '../../src/config';
import type { Config, ConfigProblem, DialectKey } from '../../src/config';
import { makeTempDir, removeTempDir } from '../support/temp';

/** The shortest configuration that is whole. */
export const base = {
  xmpp: { service: 'xmpp://127.0.0.1:5347', domain: 'ximss.example.org', secret: 's3cret' },
  ximss: { server: 'ximss://cgp.example.net', domain: 'example.net' },
};

let dir = '';
beforeEach(() => {
  dir = makeTempDir('config');
});
afterEach(() => removeTempDir(dir));

/** The temporary folder of the present test. */
export const here = (): string => dir;

/** A configuration of a test: file, environment, dialect. */
export interface Given {
  readonly yaml?: unknown;
  readonly env?: Record<string, string>;
  readonly dialect?: readonly DialectKey[];
}

export function load({ yaml = base, env = {}, dialect }: Given): Config {
  const path = join(dir, 'bridge.yaml');
  writeFileSync(path, typeof yaml === 'string' ? yaml : stringify(yaml));
  return loadConfig({ path, env, ...(dialect ? { dialect } : {}) });
}

export function problems(given: Given): readonly ConfigProblem[] {
  try {
    load(given);
  } catch (error) {
    if (error instanceof ConfigProblems) return error.problems;
    throw error;
  }
  return [];
}

/** Every problem as one line. */
export const shown = (given: Given): string[] => problems(given).map(({ path, message }) => `${path}: ${message}`);
