/** Where the private redis-server lives: its directory and its socket, both for our own eyes only. */
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault } from '../../../core/fault';

/** sun_path has 108 bytes on Linux, 104 on the BSDs and macOS, with the closing NUL. */
const socketPathMax = 103;

/** Made 0700, and made so again when somebody opened it. */
export function privateDir(dir: string): string {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    chmodSync(dir, 0o700);
    return realpathSync(dir);
  } catch (thrown) {
    throw new Fault('store-away', { text: `The directory ${dir} cannot be made or used.`, cause: thrown });
  }
}

/**
 * In the data directory; where that path is too long for a socket, in a directory of our own under the system's temporary
 * one, with a name made from the data directory, so that the next run finds it. Refused when somebody else owns that.
 */
export function socketPath(dir: string): string {
  const plain = join(dir, 'redis.sock');
  if (Buffer.byteLength(plain) <= socketPathMax) return plain;
  const short = join(tmpdir(), `xxb-redis-${createHash('sha256').update(dir).digest('hex').slice(0, 16)}`);
  mkdirSync(short, { recursive: true, mode: 0o700 });
  const stat = lstatSync(short);
  const isOurs = stat.isDirectory() && (process.getuid === undefined || stat.uid === process.getuid());
  if (!isOurs) throw new Fault('store-away', { text: `${short} belongs to somebody else; give a shorter dataDir.` });
  chmodSync(short, 0o700);
  return join(short, 'redis.sock');
}
