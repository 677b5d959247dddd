/**
 * Secrets that every user of this machine can read: in the configuration file itself, or in a file that it names. Nothing
 * is refused for that; it is said. Looks at the mode of files only, and never at a value.
 */
import { statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { readConfigFile } from './file';
import { allKeys } from './keys';
import { valueAt } from './problems';
import { fileSecrets } from './schema';

const readableByAll = 0o004;

/** One sentence for each file, with what to do. Never throws. `path` null: no file, the environment alone. */
export function exposedSecrets(path: string | null): readonly string[] {
  if (path === null) return [];
  const { tree } = readConfigFile(path);
  if (tree === undefined) return [];
  const warnings: string[] = [];
  const inline = allKeys()
    .filter(({ isSecret, path: at }) => isSecret && at[0] !== 'accounts' && typeof valueAt(tree, at) === 'string')
    .map(({ path: at }) => at.join('.'));
  const accounts = Array.isArray(tree['accounts']) ? (tree['accounts'] as readonly unknown[]) : []; // Array.isArray says so
  if (accounts.some((entry) => typeof valueAt(entry, ['password']) === 'string')) inline.push('accounts');
  if (inline.length > 0 && isExposed(path)) {
    const name = basename(path);
    warnings.push(
      `${name} holds ${inline.join(', ')} and can be read by every user of this machine: chmod 640 ${name}`,
    );
  }
  for (const { section, key, each } of fileSecrets) {
    const holders: readonly (readonly [where: string, holder: unknown])[] = each
      ? accounts.map((entry, at) => [`${section}.${at}`, entry])
      : [[section, valueAt(tree, section.split('.'))]];
    for (const [where, holder] of holders) {
      const file = valueAt(holder, [`${key}File`]);
      if (typeof file !== 'string' || !isExposed(resolve(dirname(path), file))) continue;
      warnings.push(`${where}.${key}File: ${file} can be read by every user of this machine: chmod 640 ${file}`);
    }
  }
  return warnings;
}

function isExposed(path: string): boolean {
  try {
    return (statSync(path).mode & readableByAll) !== 0;
  } catch {
    return false; // what cannot be looked at has been reported by those who read it
  }
}
