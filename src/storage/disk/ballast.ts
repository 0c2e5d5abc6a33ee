/**
 * A few megabytes beside the catalog that mean nothing. On a disk that somebody else has filled to its last byte they are
 * given up, so that the catalog can still write down deletions, which is how room is made again.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const NAME = 'ballast';
const BYTES = 8 * 1024 * 1024;
/** Not taken from a disk on which it would be missed. */
const FREE_FACTOR = 4;

export class Ballast {
  readonly #stateDir: string;
  readonly #file: string;

  constructor(stateDir: string) {
    this.#stateDir = stateDir;
    this.#file = join(stateDir, NAME);
  }

  /** Makes it unless it is there or the disk is short. A disk that refuses it does no harm. */
  keep(): void {
    try {
      if ((statSync(this.#file, { throwIfNoEntry: false })?.size ?? 0) >= BYTES) return;
      const { bavail, bsize } = statfsSync(this.#stateDir);
      if (bavail * bsize < FREE_FACTOR * BYTES) return;
      const file = openSync(this.#file, 'w');
      try {
        // Random: a file system that compresses would keep no room behind zeros.
        for (let at = 0; at < BYTES; at += 1024 * 1024) writeSync(file, randomBytes(1024 * 1024));
      } finally {
        closeSync(file);
      }
    } catch {
      this.release();
    }
  }

  /** False: there was none left. */
  release(): boolean {
    const there = (statSync(this.#file, { throwIfNoEntry: false })?.size ?? 0) > 0;
    rmSync(this.#file, { force: true });
    return there;
  }
}
