/** The records of a catalog as one connection sees them: what the planners ask (replication/plan.ts) and what readers ask. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { ACCOUNTS_DIR } from '../../replication/account-path.ts';
import type { RecordTable } from '../../replication/plan.ts';
import type { ReplicaRecord, VersionVector } from '../../replication/record.ts';
import { KIND_DIRECTORY, KIND_FILE } from './catalog-schema.ts';
import { RECORD_COLUMNS, type Row, recordOf, type StoredRecord, storedOf } from './record-row.ts';

/** What a replica knows beside its records. */
export interface KnowledgeState {
  readonly knowledge: VersionVector;
  readonly collectedStamp: number;
}

export class RecordReader implements RecordTable {
  readonly #state: () => KnowledgeState;
  readonly #get: StatementSync;
  readonly #isParent: StatementSync;
  readonly #anyLive: StatementSync;
  readonly #below: StatementSync;
  readonly #accounts: StatementSync;
  readonly #shadowedAt: StatementSync;
  readonly #byContent: StatementSync;
  readonly #sharesInode: StatementSync;
  readonly #filesAfter: StatementSync;
  readonly #missing: StatementSync;
  readonly #missingWith: StatementSync;
  readonly #countMissing: StatementSync;
  readonly #sharingInode: StatementSync;
  readonly #note: StatementSync;
  readonly #cursor: StatementSync;
  readonly #listRecords: StatementSync;
  readonly #listImplied: StatementSync;
  readonly #listShown: StatementSync;

  constructor(database: DatabaseSync, state: () => KnowledgeState) {
    this.#state = state;
    this.#get = database.prepare(`SELECT ${RECORD_COLUMNS} FROM records WHERE path = ?`);
    this.#isParent = database.prepare('SELECT 1 FROM directories WHERE path = ?');
    this.#anyLive = database.prepare('SELECT 1 FROM records WHERE kind <> 0 LIMIT 1');
    this.#below = database.prepare(
      `SELECT ${RECORD_COLUMNS} FROM records WHERE path > ? AND path < ? AND kind <> 0`,
    );
    this.#accounts = database.prepare(
      `SELECT ${RECORD_COLUMNS} FROM records WHERE path > '${ACCOUNTS_DIR}/' AND path < '${ACCOUNTS_DIR}0' ORDER BY path`,
    );
    this.#shadowedAt = database.prepare('SELECT path FROM shadowed WHERE shown = ?');
    this.#byContent = database.prepare(
      `SELECT ${RECORD_COLUMNS} FROM records WHERE sha256 = ? AND kind = ${KIND_FILE} LIMIT 50`,
    );
    this.#sharesInode = database.prepare(
      `SELECT 1 FROM records WHERE sha256 = ? AND kind = ${KIND_FILE} AND ino = ? AND path <> ? LIMIT 1`,
    );
    const files = `SELECT ${RECORD_COLUMNS} FROM records WHERE kind = ${KIND_FILE}`;
    this.#filesAfter = database.prepare(`${files} AND path > ? ORDER BY path LIMIT ?`);
    this.#missing = database.prepare(`${files} AND ino IS NULL AND path > ? ORDER BY path LIMIT ?`);
    this.#missingWith = database.prepare(`${files} AND sha256 = ? AND ino IS NULL LIMIT ?`);
    this.#countMissing = database.prepare(
      `SELECT count(*) AS n FROM records WHERE kind = ${KIND_FILE} AND ino IS NULL`,
    );
    this.#sharingInode = database.prepare(`${files} AND sha256 = ? AND ino = ?`);
    this.#cursor = database.prepare('SELECT after FROM cursors WHERE store = ? AND incarnation = ?');
    this.#note = database.prepare('SELECT value FROM meta WHERE key = ?');
    this.#listRecords = database.prepare(
      `SELECT ${RECORD_COLUMNS}, EXISTS (SELECT 1 FROM directories d WHERE d.path = records.path) AS parental
       FROM records WHERE parent = ? AND path > ? AND kind <> 0 ORDER BY path LIMIT ?`,
    );
    // Written as JSON by SQLite itself: to make an object of each row only to write it down again takes ten times as long.
    this.#listShown = database.prepare(
      `SELECT json_group_array(json_array(substr(path, ?), kind = ${KIND_FILE}, size, mtime, sha256)) AS entries,
              count(*) AS number, max(path) AS last,
              max(kind = ${KIND_FILE} AND EXISTS (SELECT 1 FROM directories d WHERE d.path = page.path)) AS shadowed
       FROM (SELECT path, kind, size, mtime, sha256 FROM records
             WHERE parent = ? AND path > ? AND kind <> 0 ORDER BY path LIMIT ?) AS page`,
    );
    this.#listImplied = database.prepare(
      `SELECT d.path FROM directories d WHERE d.parent = ? AND d.path > ?
       AND NOT EXISTS (SELECT 1 FROM records r WHERE r.path = d.path AND r.kind = ${KIND_DIRECTORY})
       ORDER BY d.path LIMIT ?`,
    );
  }

  get knowledge(): VersionVector {
    return this.#state().knowledge;
  }

  get collectedStamp(): number {
    return this.#state().collectedStamp;
  }

  get(path: string): ReplicaRecord | undefined {
    return this.stored(path)?.record;
  }

  stored(path: string): StoredRecord | undefined {
    const row = this.#get.get(path);
    return row === undefined ? undefined : storedOf(row);
  }

  hasLiveDescendant(path: string): boolean {
    return (path === '/' ? this.#anyLive.get() : this.#isParent.get(path)) !== undefined;
  }

  *liveDescendants(path: string): Iterable<ReplicaRecord> {
    // '0' follows '/' in every byte order that SQLite's BINARY collation knows.
    const prefix = path === '/' ? '' : path;
    for (const row of this.#below.all(`${prefix}/`, `${prefix}0`)) yield recordOf(row);
  }

  /** All of them, removed ones too, by path. */
  accounts(): readonly StoredRecord[] {
    return this.#accounts.all().map(storedOf);
  }

  shadowedFileShownAt(path: string): ReplicaRecord | undefined {
    return this.shadowedAt(path)?.record;
  }

  shadowedAt(shown: string): StoredRecord | undefined {
    const row = this.#shadowedAt.get(shown);
    return row === undefined ? undefined : this.stored(String(row['path']));
  }

  /** Live files with this content whose bytes were published here, at most 50. */
  withContent(sha256: string): readonly StoredRecord[] {
    return this.#byContent.all(sha256).map(storedOf);
  }

  /** True when another record's bytes are the same inode. */
  sharesInode(record: ReplicaRecord, ino: string): boolean {
    return this.#sharesInode.get(record.sha256, ino, record.path) !== undefined;
  }

  /** The next files by path. */
  filesAfter(path: string, limit: number): readonly StoredRecord[] {
    return this.#filesAfter.all(path, limit).map(storedOf);
  }

  /** Files whose bytes this replica lacks. */
  missingFiles(after: string, limit: number): readonly StoredRecord[] {
    return this.#missing.all(after, limit).map(storedOf);
  }

  missingWith(sha256: string, limit: number): readonly StoredRecord[] {
    return this.#missingWith.all(sha256, limit).map(storedOf);
  }

  countMissing(): number {
    return Number(this.#countMissing.get()?.['n']);
  }

  /** All files whose bytes are this inode. */
  sharingInode(sha256: string, ino: string): readonly StoredRecord[] {
    return this.#sharingInode.all(sha256, ino).map(storedOf);
  }

  /** Where to go on reading a peer's feed; 0 at first. */
  cursor(store: string, incarnation: string): number {
    return Number(this.#cursor.get(store, incarnation)?.['after'] ?? 0);
  }

  /** What was noted with CatalogLedger.setNote. */
  note(key: string): string | undefined {
    const row = this.#note.get(`note:${key}`);
    return row === undefined ? undefined : String(row['value']);
  }

  /** One page of the records directly in a directory, after a path; `parental`: something live is below it. */
  page(dir: string, after: string, limit: number): readonly { stored: StoredRecord; parental: boolean }[] {
    return this.#listRecords
      .all(dir, after, limit)
      .map((row: Row) => ({ stored: storedOf(row), parental: row['parental'] === 1 }));
  }

  /**
   * The same as text, ready to be sent: JSON of `[name, 1 for a file, size, mtime, sha256]`. `last`: where the next page
   * begins; `shadowed`: a file in it is shown elsewhere, so that this text is not what users see.
   */
  shownPage(
    dir: string,
    after: string,
    limit: number,
  ): { entries: string; number: number; last: string; shadowed: boolean } {
    const nameAt = dir === '/' ? 2 : [...dir].length + 2;
    const row = this.#listShown.get(nameAt, dir, after, limit);
    return {
      entries: String(row?.['entries']),
      number: Number(row?.['number']),
      last: String(row?.['last'] ?? after),
      shadowed: row?.['shadowed'] === 1,
    };
  }

  /** One page of the directories in a directory that have no directory record of their own. */
  impliedPage(dir: string, after: string, limit: number): readonly string[] {
    return this.#listImplied.all(dir, after, limit).map((row: Row) => String(row['path']));
  }
}
