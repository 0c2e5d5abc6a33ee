/** What a rebuild found in the volume and is not settled yet. Paths are below `.cloudroid/salvage`, beginning with `/`. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';

export interface SalvagedFile {
  /** `/<rebuild>/a/b`: what was at `/a/b` of the volume. */
  readonly path: string;
  /** '' until it is hashed; 'directory' for an empty directory. */
  readonly sha256: string;
  readonly size: number;
  /** Milliseconds. */
  readonly mtime: number;
}

export class SalvageTable {
  readonly #database: DatabaseSync;
  readonly #withContent: StatementSync;
  #empty: boolean;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#withContent = database.prepare('SELECT * FROM salvage WHERE sha256 = ? LIMIT 50');
    this.#empty = database.prepare('SELECT 1 FROM salvage LIMIT 1').get() === undefined;
  }

  withContent(sha256: string): readonly SalvagedFile[] {
    return this.#empty ? [] : this.#withContent.all(sha256).map(salvagedOf);
  }

  /** Inside a transaction. What is there stays as it is. */
  add({ path, sha256, size, mtime }: SalvagedFile): void {
    this.#empty = false;
    this.#database
      .prepare('INSERT OR IGNORE INTO salvage (path, sha256, size, mtime) VALUES (?, ?, ?, ?)')
      .run(path, sha256, size, mtime);
  }

  /** Inside a transaction. */
  hashed(path: string, sha256: string, size: number): void {
    this.#database.prepare('UPDATE salvage SET sha256 = ?, size = ? WHERE path = ?').run(sha256, size, path);
  }

  /** Inside a transaction. */
  drop(path: string): void {
    this.#database.prepare('DELETE FROM salvage WHERE path = ?').run(path);
  }

  unhashed(limit: number): readonly SalvagedFile[] {
    return this.#database
      .prepare("SELECT * FROM salvage WHERE sha256 = '' ORDER BY path LIMIT ?")
      .all(limit)
      .map(salvagedOf);
  }

  /** The next ones by path. */
  page(after: string, limit: number): readonly SalvagedFile[] {
    return this.#database
      .prepare('SELECT * FROM salvage WHERE path > ? ORDER BY path LIMIT ?')
      .all(after, limit)
      .map(salvagedOf);
  }

  counts(): { readonly files: number; readonly hashed: number; readonly bytes: number } {
    const row = this.#database
      .prepare("SELECT count(*) AS files, sum(sha256 <> '') AS hashed, sum(size) AS bytes FROM salvage")
      .get();
    return {
      files: Number(row?.['files']),
      hashed: Number(row?.['hashed']),
      bytes: Number(row?.['bytes']),
    };
  }
}

function salvagedOf(row: Record<string, unknown>): SalvagedFile {
  return {
    path: String(row['path']),
    sha256: String(row['sha256']),
    size: Number(row['size']),
    mtime: Number(row['mtime']),
  };
}
