/**
 * One storage server a state directory. The lock is SQLite's own on a small file beside the catalog: the kernel drops
 * it with the process however it dies, so no stale lock ever needs clearing.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StoreInUse, sqliteCode } from './store-errors.ts';

const SQLITE_BUSY = 5;

export interface StoreLock {
  release(): void;
}

/** Throws StoreInUse. */
export function lockStore(stateDir: string): StoreLock {
  const database = new DatabaseSync(join(stateDir, 'storage.lock'), { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (sqliteCode(error) === SQLITE_BUSY) throw new StoreInUse(stateDir, error);
    throw error;
  }
  return { release: () => database.close() };
}
