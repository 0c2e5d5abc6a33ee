/** File systems of a test's own: one so small that it gets full, and one that turns read-only. Both take root. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';

export interface SmallVolume {
  readonly folder: string;
  remount(options: string): void;
}

function mount(args: readonly string[]): string | null {
  const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' });
  return status === 0 ? null : stderr;
}

/** Null, after saying so, where nothing can be mounted. Unmounted in the test's teardown. */
export function smallVolume(t: ExecutionContext, megabytes: number): SmallVolume | null {
  const folder = mkdtempSync(join(tmpdir(), 'cloudroid-small-'));
  const wrong = mount(['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=755`, 'tmpfs', folder]);
  if (wrong !== null) {
    rmdirSync(folder);
    t.log(`skipped: a small volume cannot be mounted here (${wrong.trim()})`);
    t.pass();
    return null;
  }
  t.teardown(() => {
    const { status, stderr } = spawnSync('umount', [folder], { encoding: 'utf8' });
    // Lazily, when a killed process still sits on it.
    if (status !== 0 && spawnSync('umount', ['-l', folder]).status !== 0) throw new Error(stderr);
    rmdirSync(folder);
  });
  return {
    folder,
    remount(options) {
      const failed = mount(['-o', `remount,${options}`, folder]);
      if (failed !== null) throw new Error(failed);
    },
  };
}

/** Makes what is below the folder read-only for everybody who opens it from now on; gives back how to end that. Null: said so. */
export function turnReadOnly(t: ExecutionContext, folder: string): (() => void) | null {
  const wrong = mount(['--bind', folder, folder]) ?? mount(['-o', 'remount,bind,ro', folder]);
  let over = false;
  const end = (): void => {
    if (over) return;
    over = true;
    const { status, stderr } = spawnSync('umount', ['-l', folder], { encoding: 'utf8' });
    if (status !== 0 && wrong === null) throw new Error(stderr);
  };
  if (wrong === null) {
    t.teardown(end);
    return end;
  }
  end();
  t.log(`skipped: nothing can be mounted here (${wrong.trim()})`);
  t.pass();
  return null;
}
