/**
 * Mends the end of an append-only file before a redis-server starts on it. A server that is killed while it writes may
 * leave half a transaction there. Redis (7.0) cuts off the half command, but leaves the MULTI and the commands before it
 * (`aof-load-truncated`): they are not carried out at that start, yet at the next one together with the transaction that
 * follows, so an append stands twice in its lane and a settlement takes twice as much. Here the whole transaction goes: with
 * `appendfsync always` nobody was told that it was done.
 *
 * Values that the bridge writes hold no line breaks of the protocol, so the marks can be found from the end. It changes
 * nothing else, and must not be used while a server runs.
 */
import { open, readFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

const multi = Buffer.from('*1\r\n$5\r\nMULTI\r\n');
const exec = Buffer.from('*1\r\n$4\r\nEXEC\r\n');
const chunkBytes = 1_048_576;

/** Resolves with how many bytes were cut off; 0: all is well, or there is no such file. Rejects as files do. */
export async function mendAppendOnlyFile(dir: string): Promise<number> {
  const path = await lastFile(dir);
  const file = await open(path, 'r+').catch(() => null);
  if (file === null) return 0;
  try {
    const { size } = await file.stat();
    const end = await unfinishedFrom(file, size);
    if (end === null) return 0;
    await file.truncate(end);
    await file.sync();
    return size - end;
  } finally {
    await file.close();
  }
}

/** Redis 7 keeps several and says in a manifest which comes last; before it there was one. */
async function lastFile(dir: string): Promise<string> {
  const folder = join(dir, 'appendonlydir');
  const manifest = await readFile(join(folder, 'appendonly.aof.manifest'), 'utf8').catch(() => '');
  const names = [...manifest.matchAll(/^file (\S+) seq \d+ type i/gm)].map(([, name = '']) => name);
  const last = names.at(-1);
  return last === undefined ? join(dir, 'appendonly.aof') : join(folder, last);
}

/** Where a MULTI begins that has no EXEC; null: there is none. Looks backwards for the last mark of either kind. */
async function unfinishedFrom(file: FileHandle, size: number): Promise<number | null> {
  let later = Buffer.alloc(0); // the beginning of the chunk after this one: a mark may lie across both
  for (let to = size; to > 0; to -= chunkBytes) {
    const from = Math.max(0, to - chunkBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(to - from), 0, to - from, from);
    const text = Buffer.concat([buffer.subarray(0, bytesRead), later]);
    const [begins, ends] = [text.lastIndexOf(multi), text.lastIndexOf(exec)];
    if (begins > ends) return from + begins;
    if (ends >= 0) return null;
    later = Buffer.from(text.subarray(0, multi.length - 1));
  }
  return null;
}
