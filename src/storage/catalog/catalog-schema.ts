/**
 * The catalog's tables. One writer connection (group-commit.ts drives it), readers beside it in WAL mode.
 *
 * records      one row a path, tombstones too; `change` is the local change number, so the table's own order is the feed
 * directories  one row a path that has live descendants: how many direct children exist; makes implied directories,
 *              "has live descendants" and shadowing index look-ups
 * shadowed     live files whose path is a directory too, by the conflict name they are shown and stored at
 * intents      what is still to be done on disk for committed transactions, in order
 * tree         the sums of the hash tree's buckets (replication/hash-tree.ts)
 * salvage      while a lost catalog is rebuilt: files found in the volume, with the hash of what is not settled yet
 */
import { DatabaseSync } from 'node:sqlite';
import { bucketOf } from '../../replication/hash-tree.ts';
import { CatalogDamaged, isDamage } from '../store-errors.ts';

export const SCHEMA_VERSION = 2;

/** Values of records.kind. */
export const KIND_TOMBSTONE = 0;
export const KIND_DIRECTORY = 1;
export const KIND_FILE = 2;

const NEW_IN_VERSION_2 = `
CREATE TABLE tree (bucket INTEGER PRIMARY KEY, digest BLOB NOT NULL) STRICT;
CREATE INDEX records_bucket ON records (bucket);
CREATE INDEX records_missing ON records (path) WHERE kind = 2 AND ino IS NULL;
CREATE TABLE salvage (
  path TEXT PRIMARY KEY,
  sha256 TEXT NOT NULL,
  size INTEGER NOT NULL,
  mtime INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX salvage_content ON salvage (sha256) WHERE sha256 <> '';
`;

const TABLES = `
CREATE TABLE records (
  change INTEGER PRIMARY KEY,
  path TEXT NOT NULL UNIQUE,
  parent TEXT NOT NULL,
  kind INTEGER NOT NULL,
  size INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  mtime INTEGER NOT NULL,
  actor TEXT NOT NULL,
  seq INTEGER NOT NULL,
  stamp INTEGER NOT NULL,
  context TEXT NOT NULL,
  kept TEXT NOT NULL,
  stored_at INTEGER NOT NULL,
  place TEXT,
  ino TEXT,
  disk_mtime_ns TEXT,
  bucket INTEGER NOT NULL DEFAULT -1
) STRICT;
CREATE INDEX records_listing ON records (parent, path) WHERE kind <> 0;
CREATE INDEX records_content ON records (sha256) WHERE kind = 2;
CREATE TABLE directories (
  path TEXT PRIMARY KEY,
  parent TEXT NOT NULL,
  children INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX directories_listing ON directories (parent, path);
CREATE TABLE shadowed (shown TEXT PRIMARY KEY, path TEXT NOT NULL UNIQUE) STRICT, WITHOUT ROWID;
CREATE TABLE intents (
  id INTEGER PRIMARY KEY,
  action TEXT NOT NULL,
  place TEXT NOT NULL,
  staged TEXT,
  ino TEXT,
  mtime INTEGER
) STRICT;
CREATE TABLE trash (
  id TEXT PRIMARY KEY,
  path TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  size INTEGER NOT NULL,
  at INTEGER NOT NULL,
  why TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
CREATE INDEX trash_content ON trash (sha256) WHERE sha256 <> '';
CREATE INDEX trash_age ON trash (at);
CREATE TABLE knowledge (actor TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE extra_dots (actor TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (actor, seq)) STRICT, WITHOUT ROWID;
CREATE TABLE cursors (
  store TEXT NOT NULL,
  incarnation TEXT NOT NULL,
  after INTEGER NOT NULL,
  PRIMARY KEY (store, incarnation)
) STRICT, WITHOUT ROWID;
CREATE TABLE operations (id TEXT PRIMARY KEY, reply TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE INDEX operations_age ON operations (at);
CREATE TABLE members (
  member TEXT PRIMARY KEY,
  met_at INTEGER NOT NULL,
  retired_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
${NEW_IN_VERSION_2}`;

/** No new format: whoever does not know them loses nothing. */
const LATER_INDEXES = `
CREATE INDEX IF NOT EXISTS records_tombstones ON records (stored_at) WHERE kind = ${KIND_TOMBSTONE};
CREATE INDEX IF NOT EXISTS records_conflicts ON records (path) WHERE kind = 2 AND actor >= '*' AND actor < '+';
`;

/** From format 1. The sums of the tree are made when the catalog is opened (hash-tree-table.ts). */
const FROM_VERSION_1 = `
ALTER TABLE records ADD COLUMN bucket INTEGER NOT NULL DEFAULT -1;
ALTER TABLE trash ADD COLUMN why TEXT NOT NULL DEFAULT '';
ALTER TABLE members ADD COLUMN retired_at INTEGER;
${NEW_IN_VERSION_2}UPDATE records SET bucket = bucket_of(path);
`;

/** Opens the writer connection, making the tables in a new file. Throws CatalogDamaged. */
export function openWriter(file: string): DatabaseSync {
  return guarded(file, () => {
    const database = new DatabaseSync(file, { timeout: 5000 });
    try {
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384');
      const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
      if (version === 0) {
        database.exec(`BEGIN IMMEDIATE; ${TABLES} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
      } else if (version === 1) {
        database.function('bucket_of', { deterministic: true }, (path) => bucketOf(String(path)));
        database.exec(`BEGIN IMMEDIATE; ${FROM_VERSION_1} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
      } else if (version !== SCHEMA_VERSION) {
        throw new Error(
          `The catalog ${file} has format ${version}, this version of Cloudroid reads format ${SCHEMA_VERSION}.`,
        );
      }
      database.exec(LATER_INDEXES);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

/** Another connection, which sees committed state only. */
export function openReader(file: string): DatabaseSync {
  return guarded(file, () => {
    const database = new DatabaseSync(file, { readOnly: true, timeout: 5000 });
    database.exec('PRAGMA query_only = 1; PRAGMA cache_size = -8192');
    return database;
  });
}

/** A quick look at the pages that every query needs; whole-file checks belong to `doctor`. Throws CatalogDamaged. */
export function checkReadable(
  database: DatabaseSync,
  file: string,
  how: 'quick_check' | 'integrity_check' = 'quick_check',
): void {
  guarded(file, () => {
    const rows = database.prepare(`PRAGMA ${how}(1)`).all();
    const result = String(rows[0]?.[how] ?? '');
    if (result !== 'ok') throw new CatalogDamaged(file, new Error(result));
  });
}

/** Damage becomes CatalogDamaged, which names the file. */
export function guarded<T>(file: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (isDamage(error)) throw new CatalogDamaged(file, error);
    throw error;
  }
}
