/** Makes the names in directories durable: what was created, renamed or removed there outlives a power cut. */
import { closeSync, constants, openSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { failpoint } from '../../system/failpoint.ts';
import { isPlanted } from '../../system/planted-bug.ts';
import { errnoOf, FlushFailed } from '../store-errors.ts';
import { flush } from './file-steps.ts';

const CONCURRENT_FLUSHES = 16;
const MAX_OPEN_TRIES = 200;
const OPEN_PAUSE_MS = 25;

/**
 * Those above first: as long as the name of a new folder may be forgotten, what was moved into it must still be able to come
 * back to where it was before, and it can't once its own folder is flushed. Throws FlushFailed.
 */
export async function flushDirectories(dirs: Iterable<string>): Promise<void> {
  const byDepth = Map.groupBy(dirs, (dir) => dir.split('/').length);
  for (const depth of [...byDepth.keys()].sort((a, b) => a - b)) {
    const left = byDepth.get(depth) ?? [];
    const flushNext = async (): Promise<void> => {
      for (let dir = left.pop(); dir !== undefined; dir = left.pop()) {
        await flushDirectory(dir);
        failpoint('disk:directory-flushed');
      }
    };
    await Promise.all(Array.from({ length: Math.min(CONCURRENT_FLUSHES, left.length) }, flushNext));
  }
}

/** A directory that is gone, or a file by now, has no entries to flush. Throws FlushFailed. */
export async function flushDirectory(dir: string): Promise<void> {
  if (isPlanted('no fsync of the directory')) return;
  let file: number | undefined;
  for (let tries = 1; file === undefined; tries += 1) {
    try {
      file = openSync(dir, constants.O_RDONLY | constants.O_DIRECTORY);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'ENOENT' || errno === 'ENOTDIR') return;
      // Too many open files pass; nothing has failed to reach the disk yet.
      if ((errno !== 'EMFILE' && errno !== 'ENFILE') || tries === MAX_OPEN_TRIES)
        throw new FlushFailed(dir, error);
      await setTimeout(OPEN_PAUSE_MS);
    }
  }
  try {
    await flush(file);
  } catch (error) {
    throw new FlushFailed(dir, error);
  } finally {
    closeSync(file);
  }
}
