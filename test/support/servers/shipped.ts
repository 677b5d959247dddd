/**
 * The snippets an operator pastes, with the example names replaced by a test's. The test servers run on them, so
 * that a snippet that does not work fails the tests.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const configDir = join(__dirname, '../../../config');

export interface Names {
  readonly domain: string;
  readonly componentDomain: string;
  readonly secret: string;
  readonly componentPort: number;
}

/** The text of config/FILE with its domains, secret and port replaced. Throws when one of them is not there. */
export function shippedConfig(file: 'prosody.cfg.lua' | 'ejabberd.yml', names: Names): string {
  const replacements: [string, string][] = [
    ['ximss.example.org', names.componentDomain],
    ['example.org', names.domain],
    ['change-me', names.secret],
    ['5347', String(names.componentPort)],
  ];
  let text = readFileSync(join(configDir, file), 'utf8');
  for (const [example, own] of replacements) {
    if (!text.includes(example) && example !== 'example.org')
      throw new Error(`config/${file} does not mention ${example}`);
    text = text.replaceAll(example, own);
  }
  return text;
}
