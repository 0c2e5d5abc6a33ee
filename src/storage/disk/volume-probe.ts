/** Proves at start that the volume's file system can do what a commit relies on. */
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, linkSync, lstatSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, message, VolumeUnfit } from '../store-errors.ts';

/** A disk that is full to the last block must open all the same: only deletions make room. */
const FULL: readonly string[] = ['ENOSPC', 'EDQUOT'];

/** Throws VolumeUnfit naming what is missing. `scratchDir` is on the volume; nothing is left behind in it. */
export function probeVolume(filesDir: string, scratchDir: string): void {
  const dir = join(scratchDir, `probe-${randomBytes(8).toString('hex')}`);
  const must = (what: string, action: () => boolean) => {
    let works: boolean;
    try {
      works = action();
    } catch (error) {
      if (isFull(error)) throw error;
      throw new VolumeUnfit(filesDir, `${what} (${message(error)})`, error);
    }
    if (!works) throw new VolumeUnfit(filesDir, what);
  };
  const inode = (name: string) => lstatSync(join(dir, name), { bigint: true }).ino;
  try {
    must('it cannot be written', () => {
      mkdirSync(dir);
      closeSync(openSync(join(dir, 'a'), 'wx'));
      return true;
    });
    must('it does not support hard links', () => {
      linkSync(join(dir, 'a'), join(dir, 'b'));
      return inode('a') === inode('b');
    });
    must('it does not refuse to create a file that exists', () => {
      try {
        closeSync(openSync(join(dir, 'a'), 'wx'));
        return false;
      } catch {
        return true; // EEXIST, or some other refusal that is as good
      }
    });
    must('it cannot rename one file over another', () => {
      closeSync(openSync(join(dir, 'c'), 'wx'));
      const moved = inode('c');
      renameSync(join(dir, 'c'), join(dir, 'a'));
      return inode('a') === moved && inode('b') !== moved;
    });
    must('it takes upper and lower case for the same name', () => !existsSync(join(dir, 'A')));
    must('it changes the form of accented names', () => {
      closeSync(openSync(join(dir, '\u00e9'), 'wx'));
      return !existsSync(join(dir, 'e\u0301'));
    });
    must('it does not take names of 255 bytes', () => {
      closeSync(openSync(join(dir, 'n'.repeat(255)), 'wx'));
      return true;
    });
  } catch (error) {
    // Proven at an earlier start, or at the next one that finds room; whatever is written meanwhile is refused.
    if (!isFull(error)) throw error;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function isFull(error: unknown): boolean {
  return FULL.includes(errnoOf(error) ?? '');
}
