/** A small file system of a test's own. Needs root. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';

export const MEBIBYTE = 1024 * 1024;
type Kind = 'tmpfs' | 'ext4';

/** Mounts a small file system; undefined, said aloud, when this machine does not allow it. */
export function mounted(t: ExecutionContext, kind: Kind, bytes: number): string | undefined {
  const root = mkdtempSync(join(tmpdir(), 'cloudroid-full-'));
  const dir = join(root, 'mount');
  mkdirSync(dir);
  try {
    if (kind === 'tmpfs')
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', dir], { stdio: 'pipe' });
    else {
      const image = join(root, 'image');
      writeFileSync(image, '');
      truncateSync(image, bytes);
      execFileSync('mkfs.ext4', ['-q', '-m', '0', image], { stdio: 'pipe' });
      execFileSync('mount', ['-o', 'loop', image, dir], { stdio: 'pipe' });
      rmSync(join(dir, 'lost+found'), { recursive: true });
    }
  } catch (error) {
    rmSync(root, { recursive: true, force: true });
    t.log(
      `SKIPPED: cannot mount a ${kind} here: ${error instanceof Error ? error.message.split('\n')[0] : ''}`,
    );
    t.pass();
    return undefined;
  }
  t.teardown(() => {
    execFileSync('umount', [dir]);
    rmSync(root, { recursive: true, force: true });
  });
  return dir;
}
