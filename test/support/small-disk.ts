/**
 * A small disk of its own: a file system in a file, mounted over a temporary directory. It can be filled to the last
 * block and freed again. Only root may mount; for anybody else there is none.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './process';
import { makeTempDir, removeTempDir } from './temp';

export interface SmallDisk {
  /** the directory on it */
  readonly dir: string;
  /** Nothing more can be written from now on. */
  fill(): Promise<void>;
  /** There is room again. */
  free(): void;
  /** Unmounts and removes it; nothing may work inside any more. */
  dispose(): Promise<void>;
}

/** Null when this user may not mount. */
export async function makeSmallDisk(bytes: number): Promise<SmallDisk | null> {
  const outer = makeTempDir('disk');
  const image = join(outer, 'image');
  const mount = join(outer, 'mount');
  mkdirSync(mount);
  writeFileSync(image, '');
  truncateSync(image, bytes);
  try {
    await run('mkfs.ext4', ['-q', '-m', '0', image], { deadlineMs: 30_000 });
    await run('mount', ['-o', 'loop', image, mount]);
  } catch {
    removeTempDir(outer);
    return null;
  }
  const letGo = (): void => void spawnSync('umount', ['-l', mount]);
  process.on('exit', letGo); // of a run that is broken off
  const dir = join(mount, 'data');
  mkdirSync(dir);
  let ballasts: string[] = [];
  return {
    dir,
    async fill() {
      for (let tries = 0; tries < 20; tries += 1) {
        const { bavail, bsize } = statfsSync(mount);
        if (bavail === 0) return;
        const ballast = join(mount, `ballast-${ballasts.length}`);
        ballasts.push(ballast);
        await run('fallocate', ['-l', String(Math.max(1, bavail - tries) * bsize), ballast]).catch(() => undefined);
      }
    },
    free() {
      for (const ballast of ballasts) rmSync(ballast, { force: true });
      ballasts = [];
    },
    async dispose() {
      process.off('exit', letGo);
      await run('umount', [mount]).catch(letGo);
      removeTempDir(outer);
    },
  };
}
