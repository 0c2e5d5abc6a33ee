/** Small changes on disk, each of which may be repeated. */
import { closeSync, constants, fsyncSync, futimesSync, openSync, rmdirSync } from 'node:fs';
import { errnoOf, FlushFailed } from '../store-errors.ts';

/** Durable when it returns: the catalog tells edits from damage by this time. Throws FlushFailed. */
export function setTime(path: string, seconds: number): void {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    futimesSync(file, seconds, seconds);
    fsyncSync(file);
  } catch (error) {
    throw new FlushFailed(path, error);
  } finally {
    closeSync(file);
  }
}

/** False when something is in it. */
export function removeIfEmpty(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT') return true;
    if (errno === 'ENOTEMPTY' || errno === 'EEXIST' || errno === 'ENOTDIR') return false;
    throw error;
  }
}
