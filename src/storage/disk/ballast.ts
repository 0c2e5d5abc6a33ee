/**
 * Bytes that mean nothing, given up on a disk that is full to its last byte. Beside the catalog: so that it can still write
 * down deletions, which is how room is made again. On the volume: so that what was decided can always be carried out.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const NAME = 'ballast';
const CATALOG_BYTES = 8 * 1024 * 1024;
/** Folders for a whole group of changes, each several blocks deep. */
const VOLUME_BYTES = 4 * 1024 * 1024;
const VOLUME_SHARE = 0.02;
/** Not taken from a disk on which it would be missed. */
const FREE_FACTOR = 4;
const CHUNK_BYTES = 1024 * 1024;

export class Ballast {
  readonly #dir: string;
  readonly #file: string;
  readonly #bytes: () => number;

  /** `bytes` is asked only when the directory is there. */
  constructor(dir: string, bytes: () => number = () => CATALOG_BYTES) {
    this.#dir = dir;
    this.#file = join(dir, NAME);
    this.#bytes = bytes;
  }

  /**
   * Makes it unless it is there or the disk is short; one that a crash left half written is made anew. A disk that refuses
   * it does no harm. True: it is there.
   */
  keep(): boolean {
    try {
      const bytes = this.#bytes();
      if ((statSync(this.#file, { throwIfNoEntry: false })?.size ?? 0) >= bytes) return true;
      const { bavail, bsize } = statfsSync(this.#dir);
      if (bavail * bsize < FREE_FACTOR * bytes) return false;
      const file = openSync(this.#file, 'w');
      try {
        // Random: a file system that compresses would keep no room behind zeros.
        for (let left = bytes; left > 0; ) left -= writeSync(file, randomBytes(Math.min(left, CHUNK_BYTES)));
      } finally {
        closeSync(file);
      }
      return true;
    } catch {
      try {
        this.release();
      } catch {
        // A disk that answers nothing any more: whoever writes to it finds out.
      }
      return false;
    }
  }

  /** False: there was none left. */
  release(): boolean {
    const there = (statSync(this.#file, { throwIfNoEntry: false })?.size ?? 0) > 0;
    rmSync(this.#file, { force: true });
    return there;
  }
}

/** The one in the volume's internal directory: of a tiny volume it takes only a small share. */
export function volumeBallast(dir: string): Ballast {
  let bytes: number | undefined;
  return new Ballast(dir, () => {
    if (bytes === undefined) {
      const { blocks, bsize } = statfsSync(dir);
      bytes = Math.min(VOLUME_BYTES, Math.floor(blocks * bsize * VOLUME_SHARE));
    }
    return bytes;
  });
}
