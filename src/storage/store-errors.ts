/** What can keep a store from opening, and how errors of disk and catalog become refusals. */
import { Refusal } from '../replication/operation.ts';

/** The catalog file cannot be read as what it was: the next start moves it aside and rebuilds it. Names the file. */
export class CatalogDamaged extends Error {
  override readonly name = 'CatalogDamaged';
  readonly file: string;
  constructor(file: string, cause: unknown) {
    super(`The catalog ${file} is damaged (${message(cause)}).`, { cause });
    this.file = file;
  }
}

/** Another storage server works on the same state directory. */
export class StoreInUse extends Error {
  override readonly name = 'StoreInUse';
  constructor(stateDir: string, cause?: unknown) {
    super(
      `Another storage server is already running on ${stateDir}: stop it first, or give this member another --data directory.`,
      { cause },
    );
  }
}

/** The volume's file system cannot keep the promises a commit needs. */
export class VolumeUnfit extends Error {
  override readonly name = 'VolumeUnfit';
  constructor(filesDir: string, what: string, cause?: unknown) {
    super(`The file system of ${filesDir} cannot hold the shared files: ${what}.`, { cause });
  }
}

/** A flush to disk failed: what the kernel holds of it is unknown from now on, so it is never tried again. */
export class FlushFailed extends Error {
  override readonly name = 'FlushFailed';
  constructor(path: string, cause: unknown) {
    super(`flushing ${path} to disk failed: ${message(cause)}`, { cause });
  }
}

export type DiskTrouble = 'no-space' | 'permission' | 'locked' | 'catalog' | 'flush' | 'io';

const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_FULL = 13;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

/** The primary SQLite result code of an error of node:sqlite, or undefined. */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number')
    return undefined;
  return error.errcode & 0xff;
}

export function isDamage(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === SQLITE_CORRUPT || code === SQLITE_NOTADB;
}

export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** What kind of trouble with disk or catalog an error is; undefined: a defect in the program, not the disk. */
export function diskTrouble(error: unknown): DiskTrouble | undefined {
  if (error instanceof FlushFailed) return 'flush'; // whatever the cause: what was not flushed may be gone
  const errno = errnoOf(error);
  if (errno === 'ENOSPC' || errno === 'EDQUOT') return 'no-space';
  const code = sqliteCode(error);
  if (code === SQLITE_FULL) return 'no-space';
  if (code === SQLITE_BUSY || code === SQLITE_LOCKED) return 'locked';
  if (code !== undefined) return 'catalog';
  if (errno === 'EACCES' || errno === 'EPERM') return 'permission';
  return errno?.startsWith('E') && error instanceof Error && 'syscall' in error ? 'io' : undefined;
}

/** The transaction did not happen for want of room. */
export function isCatalogFull(error: unknown): boolean {
  return sqliteCode(error) === SQLITE_FULL;
}

/** The refusal to tell a client; the disk's path stays in `cause` and in the log. */
export function refusalFor(trouble: DiskTrouble, cause: unknown, path?: string): Refusal {
  const where = path === undefined ? '' : ` for ${path}`;
  const options = path === undefined ? { cause } : { path, cause };
  switch (trouble) {
    case 'no-space':
      return new Refusal('no-space', `no space left on this member's disk${where}`, options);
    case 'permission':
      return new Refusal('io', `this member's disk denies permission${where}`, options);
    case 'locked':
      return new Refusal('busy', `this member's catalog is locked by another program${where}`, options);
    case 'catalog':
      return new Refusal('io', `this member's catalog cannot be written${where}`, options);
    case 'flush':
    case 'io':
      return new Refusal('io', `this member's disk failed${where}`, options);
  }
}

export function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The client aborted meanwhile: its staging file is gone, and no disk has failed. */
export function givenUp(cause: unknown): Refusal {
  return new Refusal('missing-content', 'the staged file was given up meanwhile', { cause });
}
