/**
 * Secrets given as the name of a file: `secretFile` beside `secret`, and so on. The file's content, without its last
 * line break, takes the place of the secret before the schema looks at it, so that all further rules are the same.
 */
import { resolve } from 'node:path';
import { readBounded } from './file';
import { valueAt } from './problems';
import { fileSecrets } from './schema';

const secretBytes = 64 * 1024;

type Group = Record<string, unknown>;
type Report = (path: readonly string[], message: string) => void;

/** Changes the tree in place: `…File` keys are gone afterwards. */
export function inlineSecretFiles(tree: Group, baseDir: string, report: Report): void {
  for (const { section, key, each } of fileSecrets) {
    const at = section.split('.');
    const holder = valueAt(tree, at);
    if (each && Array.isArray(holder)) {
      holder.forEach((entry: unknown, place) => inline(entry, key, [...at, String(place)], baseDir, report));
    } else if (!each) inline(holder, key, at, baseDir, report);
  }
}

function inline(holder: unknown, key: string, path: readonly string[], baseDir: string, report: Report): void {
  const fileKey = `${key}File`;
  if (!isGroup(holder) || !Object.hasOwn(holder, fileKey)) return;
  const file = holder[fileKey];
  delete holder[fileKey];
  if (file === null || file === undefined) return;
  const filePath = [...path, fileKey];
  const isBoth = holder[key] !== undefined && holder[key] !== null;
  if (isBoth) return report(filePath, `give ${key} or ${fileKey}, not both`);
  holder[key] = unreadable;
  if (typeof file !== 'string' || file === '') return report(filePath, 'must be the name of a file');
  const text = readBounded(resolve(baseDir, file), secretBytes);
  if (text.problem !== null) return report(filePath, `${file}: ${text.problem}`);
  const secret = text.content.replace(/\r?\n$/, '');
  if (secret === '') return report(filePath, `${file}: is empty`);
  holder[key] = secret;
}

/** Stands for a secret whose file was reported already, so that it is not reported as missing too. */
const unreadable = '/unreadable';

export function isGroup(value: unknown): value is Group {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
