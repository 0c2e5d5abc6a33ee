/**
 * Writes records into the catalog and keeps `directories` and `shadowed` true with every one of them, so that at no
 * moment a question to the table gets an answer of another state. Notes what may have to move on disk.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { isAccountPath } from '../../replication/account-path.ts';
import { bucketOf } from '../../replication/hash-tree.ts';
import type { ReplicaRecord } from '../../replication/record.ts';
import type { RecordReader } from './record-reader.ts';
import { kindNumber, type LocalFile, parentOf, type StoredRecord } from './record-row.ts';

/** What one job touched: how it was before the job. */
export class Effects {
  /** Every path whose file may have appeared, gone, changed or moved. */
  readonly files = new Map<string, StoredRecord | undefined>();
  /** Every path that may have become a directory or ceased to be one: was it one before? */
  readonly directories = new Map<string, boolean>();

  file(path: string, before: StoredRecord | undefined): void {
    if (!this.files.has(path)) this.files.set(path, before);
  }

  directory(path: string, before: boolean): void {
    if (!this.directories.has(path)) this.directories.set(path, before);
  }
}

/** Differences to the totals of the catalog. */
export interface Totals {
  files: number;
  directories: number;
  bytes: number;
  conflicts: number;
}

export class RecordWriter {
  readonly #reader: RecordReader;
  readonly #shownAt: (record: ReplicaRecord) => string;
  readonly #upsert: StatementSync;
  readonly #setLocal: StatementSync;
  readonly #bump: StatementSync;
  readonly #addDirectory: StatementSync;
  readonly #dropDirectory: StatementSync;
  readonly #addShadow: StatementSync;
  readonly #dropShadow: StatementSync;

  /** `shownAt`: the conflict path of a file record (replication/conflict-name.ts). */
  constructor(database: DatabaseSync, reader: RecordReader, shownAt: (record: ReplicaRecord) => string) {
    this.#reader = reader;
    this.#shownAt = shownAt;
    this.#upsert = database.prepare(
      `INSERT INTO records (change, path, parent, kind, size, sha256, mtime, actor, seq, stamp, context, kept, stored_at, bucket)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (path) DO UPDATE SET change = excluded.change, kind = excluded.kind, size = excluded.size,
         sha256 = excluded.sha256, mtime = excluded.mtime, actor = excluded.actor, seq = excluded.seq,
         stamp = excluded.stamp, context = excluded.context, kept = excluded.kept, stored_at = excluded.stored_at,
         place = iif(records.sha256 = excluded.sha256, place, NULL),
         ino = iif(records.sha256 = excluded.sha256, ino, NULL),
         disk_mtime_ns = iif(records.sha256 = excluded.sha256, disk_mtime_ns, NULL)`,
    );
    this.#setLocal = database.prepare(
      'UPDATE records SET place = ?, ino = ?, disk_mtime_ns = ? WHERE path = ?',
    );
    this.#bump = database.prepare(
      'UPDATE directories SET children = children + ? WHERE path = ? RETURNING children',
    );
    this.#addDirectory = database.prepare(
      'INSERT INTO directories (path, parent, children) VALUES (?, ?, 1)',
    );
    this.#dropDirectory = database.prepare('DELETE FROM directories WHERE path = ?');
    this.#addShadow = database.prepare('INSERT OR IGNORE INTO shadowed (shown, path) VALUES (?, ?)');
    this.#dropShadow = database.prepare('DELETE FROM shadowed WHERE path = ?');
  }

  /** Stores a record under a new change number; where its bytes are is kept only while it names the same content. */
  apply(after: ReplicaRecord, change: number, storedAt: number, effects: Effects, totals: Totals): void {
    const { path } = after;
    const stored = this.#reader.stored(path);
    const before = stored?.record;
    // Neither in a folder that users see, nor among the numbers that they are told.
    const isUsers = !isAccountPath(path);
    const parental = this.#reader.hasLiveDescendant(path);
    effects.file(path, stored);
    if (before?.kind === 'file' && isUsers) {
      count(before, -1, totals);
      if (parental) this.#dropShadow.run(path);
    }
    this.#upsert.run(
      change,
      path,
      parentOf(path),
      kindNumber(after.kind),
      after.size,
      after.sha256,
      after.mtime,
      after.dot[0],
      after.dot[1],
      after.stamp,
      JSON.stringify(after.context),
      after.kept.length === 0 ? '[]' : JSON.stringify(after.kept),
      storedAt,
      bucketOf(path),
    );
    if (!isUsers) return;
    if (after.kind === 'file') {
      count(after, 1, totals);
      if (parental) this.#addShadow.run(this.#shownAt(after), path);
    }
    const wasDirectory = before?.kind === 'directory';
    const isDirectory = after.kind === 'directory';
    if (!parental && wasDirectory !== isDirectory) this.#directory(path, isDirectory, effects, totals);
    if (!parental && isLive(before) !== isLive(after)) {
      this.#child(parentOf(path), isLive(after) ? 1 : -1, effects, totals);
    }
  }

  setLocal(path: string, local: LocalFile | undefined): void {
    const place = local === undefined || local.place === path ? null : local.place;
    this.#setLocal.run(place, local?.ino ?? null, local?.mtimeNs ?? null, path);
  }

  /** A direct child of `dir` has appeared (1) or gone (-1). */
  #child(dir: string, difference: 1 | -1, effects: Effects, totals: Totals): void {
    if (dir === '/') return;
    const row = this.#bump.get(difference, dir);
    if (row !== undefined && Number(row['children']) > 0) return;
    const appeared = row === undefined;
    if (appeared) this.#addDirectory.run(dir, parentOf(dir));
    else this.#dropDirectory.run(dir);
    const own = this.#reader.stored(dir);
    if (own?.record.kind === 'file') {
      effects.file(dir, own);
      if (appeared) this.#addShadow.run(this.#shownAt(own.record), dir);
      else this.#dropShadow.run(dir);
    }
    if (own?.record.kind !== 'directory') this.#directory(dir, appeared, effects, totals);
    if (!isLive(own?.record)) this.#child(parentOf(dir), difference, effects, totals);
  }

  #directory(path: string, appeared: boolean, effects: Effects, totals: Totals): void {
    effects.directory(path, !appeared);
    totals.directories += appeared ? 1 : -1;
  }
}

function isLive(record: ReplicaRecord | undefined): boolean {
  return record !== undefined && record.kind !== 'tombstone';
}

function count(file: ReplicaRecord, sign: 1 | -1, totals: Totals): void {
  totals.files += sign;
  totals.bytes += sign * file.size;
  if (file.dot[0].startsWith('*')) totals.conflicts += sign;
}
