/** Small steps on disk. */
import { closeSync, constants, fsync, fsyncSync, futimesSync, openSync, rmdirSync, writeSync } from 'node:fs';
import { errnoOf, FlushFailed } from '../store-errors.ts';

/**
 * Durable when it returns: the catalog tells edits from damage by this time. False: the file is another user's, who alone
 * may date it. Throws FlushFailed.
 */
export function setTime(path: string, seconds: number): boolean {
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    futimesSync(file, seconds, seconds);
  } catch (error) {
    if (file !== undefined) closeSync(file);
    if (isForbidden(error)) return false;
    throw error;
  }
  try {
    fsyncSync(file);
  } catch (error) {
    throw new FlushFailed(path, error);
  } finally {
    closeSync(file);
  }
  return true;
}

/** The kernel keeps us from what is another user's: its time, and with `fs.protected_hardlinks` a second name of it. */
export function isForbidden(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === 'EPERM' || errno === 'EACCES';
}

/** Whether this process may date it. */
export function isOurs({ uid }: { readonly uid: number | bigint }): boolean {
  const own = process.geteuid?.();
  return own === undefined || own === 0 || Number(uid) === own;
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

/** All of the bytes to the place where the file is; a short write is gone on with, and the next attempt says why. */
export function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

/** The one step that takes its time: it alone is worth a thread. Rejects with what the disk says. */
export function flush(file: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fsync(file, (error) => (error ? reject(error) : resolve()));
  });
}
