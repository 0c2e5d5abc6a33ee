/**
 * What directories and all that is in them take up, for quotas. Counted once from the records, a piece at a time, and kept
 * true from then on by what each transaction changes; so asking again costs nothing.
 *
 * Invariant: a directory is watched from before its snapshot is taken, and what a transaction changes is noted whoever is
 * watched; so each change is either in the snapshot or added to it, never both.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Usage } from '../../peers/protocol-accounts.ts';
import { ACCOUNTS_DIR } from '../../replication/account-path.ts';
import type { ReplicaRecord } from '../../replication/record.ts';
import { KIND_FILE, openReader } from './catalog-schema.ts';
import { parentOf } from './record-row.ts';

/** Rows counted in one turn of the event loop: a few milliseconds. */
const PAGE = 4000;
/** Homes of so many users are kept in mind. */
const MAX_WATCHED = 1000;

interface Difference {
  readonly path: string;
  readonly bytes: number;
  readonly files: number;
}

interface Watched {
  bytes: number;
  files: number;
  /** Resolves when the count of the snapshot is in. */
  readonly counted: Promise<void>;
}

export class UsageTable {
  readonly #file: string;
  readonly #watched = new Map<string, Watched>();
  /** Of the open transaction. */
  #open: Difference[] = [];

  constructor(file: string) {
    this.#file = file;
  }

  note(before: ReplicaRecord | undefined, after: ReplicaRecord): void {
    const bytes = after.size - (before?.size ?? 0);
    const files = Number(after.kind === 'file') - Number(before?.kind === 'file');
    if (bytes !== 0 || files !== 0) this.#open.push({ path: after.path, bytes, files });
  }

  /** How much the open transaction has noted; `cutTo` goes back there. */
  get noted(): number {
    return this.#open.length;
  }

  cutTo(noted: number): void {
    this.#open.length = noted;
  }

  /** The transaction is committed. */
  saved(): void {
    for (const { path, bytes, files } of this.#open) {
      if (this.#watched.size === 0) break;
      for (let dir = parentOf(path); ; dir = parentOf(dir)) {
        const watched = this.#watched.get(dir);
        // Accounts are in no directory that users see.
        if (watched !== undefined && parentOf(path) !== ACCOUNTS_DIR) {
          watched.bytes += bytes;
          watched.files += files;
        }
        if (dir === '/') break;
      }
    }
    this.#open = [];
  }

  /** Of committed files. `dir`: normalised; one that is not there has none. */
  async of(dir: string): Promise<Usage> {
    let watched = this.#watched.get(dir);
    if (watched === undefined) {
      this.#forgetOldest();
      watched = this.#watch(dir);
    }
    await watched.counted;
    const { bytes, files } = watched;
    return { bytes, files };
  }

  #watch(dir: string): Watched {
    const { promise: counted, resolve, reject } = Promise.withResolvers<void>();
    const watched: Watched = { bytes: 0, files: 0, counted };
    this.#watched.set(dir, watched);
    this.#count(dir, watched).then(resolve, (error: unknown) => {
      this.#watched.delete(dir);
      reject(error);
    });
    return watched;
  }

  /** The snapshot is taken before this returns. */
  async #count(dir: string, watched: Watched): Promise<void> {
    const prefix = dir === '/' ? '' : dir;
    const database = openReader(this.#file);
    try {
      database.exec('BEGIN');
      const page = database.prepare(
        `SELECT count(*) AS n, max(path) AS last,
           sum(kind = ${KIND_FILE} AND parent <> '${ACCOUNTS_DIR}') AS files,
           sum(iif(kind = ${KIND_FILE} AND parent <> '${ACCOUNTS_DIR}', size, 0)) AS bytes
         FROM (SELECT path, parent, kind, size FROM records WHERE path > ? AND path < ? ORDER BY path LIMIT ${PAGE})`,
      );
      // '0' follows '/' in the order of bytes.
      for (let after = `${prefix}/`; ; ) {
        const row = page.get(after, `${prefix}0`);
        watched.files += Number(row?.['files'] ?? 0);
        watched.bytes += Number(row?.['bytes'] ?? 0);
        if (Number(row?.['n'] ?? 0) < PAGE) return;
        after = String(row?.['last']);
        await nextTurn();
      }
    } finally {
      database.close();
    }
  }

  #forgetOldest(): void {
    if (this.#watched.size < MAX_WATCHED) return;
    const [oldest] = this.#watched.keys();
    if (oldest !== undefined) this.#watched.delete(oldest);
  }
}
