/**
 * Is there a disk? A member whose files belong on a disk must not take the folder below the mount for an empty volume, and
 * must not fill the card with what belongs on the disk (setting `mount`).
 */
import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { systemCodeOf } from '../../system/exit-status.ts';

/** How soon a disk that was plugged in is noticed. */
const LOOK_MS = 3000;

/** True when another file system begins at `dir`. A bind mount of the same file system is none: it is the same disk. */
export function isMountPoint(dir: string): boolean {
  const path = resolve(dir);
  try {
    return statSync(path).dev !== statSync(dirname(path)).dev;
  } catch (error) {
    // A disk that was pulled answers EIO; whatever cannot be looked at is not there.
    if (systemCodeOf(error) === null) throw error;
    return false;
  }
}

/**
 * Calls `onMounted` once, when a disk comes that was not there before, at the start or since. `wasThere`: whether it was before
 * anybody relied on it; a disk takes its time, and may come while the store is being opened. Returns how to stop watching.
 */
export function watchMount(dir: string, wasThere: boolean, onMounted: () => void): () => void {
  let there = wasThere;
  const timer = setInterval(() => {
    const before = there;
    there = isMountPoint(dir);
    if (before || !there) return;
    clearInterval(timer);
    onMounted();
  }, LOOK_MS);
  return () => clearInterval(timer);
}
