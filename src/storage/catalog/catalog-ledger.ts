/** The catalog's smaller tables: cursors, remembered operations, intents, trash, members. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { TrashReason } from '../../peers/protocol-attic.ts';
import { isPlanted } from '../../system/planted-bug.ts';
import { UNSET_BEFORE_MS } from '../steady-clock.ts';

/** A step still to be done on disk; redoing one that is done changes nothing. Places are virtual paths. */
export type Intent =
  /** Take away the file at the place if it is still inode `ino`. */
  | { readonly action: 'remove'; readonly place: string; readonly ino: string }
  /**
   * Move the file at the place to `.cloudroid/trash/<trash>` if it is still inode `ino`. For files of other users, which
   * the kernel gives us no second name of.
   */
  | { readonly action: 'displace'; readonly place: string; readonly ino: string; readonly trash: string }
  /** Remove the directory if nothing is in it. */
  | { readonly action: 'rmdir'; readonly place: string }
  | { readonly action: 'mkdir'; readonly place: string }
  /** Move `.cloudroid/staging/<staged>` to the place, over inode `ino` if it is that which is there. */
  | {
      readonly action: 'publish';
      readonly place: string;
      readonly staged: string;
      readonly ino: string | null;
    }
  /** Set the modification time (milliseconds) of the file at the place if it is still inode `ino`. */
  | { readonly action: 'touch'; readonly place: string; readonly ino: string; readonly mtime: number };

export interface StoredIntent {
  readonly id: number;
  readonly intent: Intent;
}

export interface TrashRow {
  /** Name in `.cloudroid/trash`. */
  readonly id: string;
  readonly path: string;
  /** '' when unknown. */
  readonly sha256: string;
  readonly size: number;
  /** Milliseconds. */
  readonly at: number;
  readonly why: TrashReason;
}

export class CatalogLedger {
  readonly #database: DatabaseSync;
  readonly #getOperation: StatementSync;
  readonly #addOperation: StatementSync;
  readonly #addIntent: StatementSync;
  readonly #clearIntents: StatementSync;
  readonly #addTrash: StatementSync;
  readonly #dropTrash: StatementSync;
  readonly #trashByContent: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#getOperation = database.prepare('SELECT reply FROM operations WHERE id = ?');
    this.#addOperation = database.prepare('INSERT INTO operations (id, reply, at) VALUES (?, ?, ?)');
    this.#addIntent = database.prepare(
      'INSERT INTO intents (action, place, staged, ino, mtime) VALUES (?, ?, ?, ?, ?) RETURNING id',
    );
    this.#clearIntents = database.prepare('DELETE FROM intents WHERE id <= ?');
    this.#addTrash = database.prepare(
      'INSERT OR REPLACE INTO trash (id, path, sha256, size, at, why) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#dropTrash = database.prepare('DELETE FROM trash WHERE id = ?');
    this.#trashByContent = database.prepare('SELECT * FROM trash WHERE sha256 = ? ORDER BY at DESC LIMIT 10');
  }

  /** The remembered reply (JSON) of an operation. */
  operation(id: string): string | undefined {
    const row = this.#getOperation.get(id);
    return row === undefined ? undefined : String(row['reply']);
  }

  rememberOperation(id: string, reply: string, at: number): void {
    this.#addOperation.run(id, reply, at);
  }

  forgetOperations(before: number): void {
    this.#database.prepare('DELETE FROM operations WHERE at < ?').run(before);
  }

  addIntent(intent: Intent): StoredIntent {
    const row = this.#addIntent.get(
      intent.action,
      intent.place,
      nameIn(intent),
      'ino' in intent ? intent.ino : null,
      intent.action === 'touch' ? intent.mtime : null,
    );
    return { id: Number(row?.['id']), intent };
  }

  intents(): readonly StoredIntent[] {
    return this.#database
      .prepare('SELECT * FROM intents ORDER BY id')
      .all()
      .map((row) => ({ id: Number(row['id']), intent: intentOf(row) }));
  }

  clearIntents(upTo: number): void {
    this.#clearIntents.run(upTo);
  }

  addTrash(row: TrashRow): void {
    this.#addTrash.run(row.id, row.path, row.sha256, row.size, row.at, row.why);
  }

  /** False: there was no such row. */
  dropTrash(id: string): boolean {
    return Number(this.#dropTrash.run(id).changes) > 0;
  }

  allTrashIds(): readonly string[] {
    return this.#database
      .prepare('SELECT id FROM trash')
      .all()
      .map((row) => String(row['id']));
  }

  trash(id: string): TrashRow | undefined {
    const row = this.#database.prepare('SELECT * FROM trash WHERE id = ?').get(id);
    return row === undefined ? undefined : trashOf(row);
  }

  trashWithContent(sha256: string): readonly TrashRow[] {
    return this.#trashByContent.all(sha256).map(trashOf);
  }

  /** Oldest first. */
  oldTrash(before: number, limit: number): readonly TrashRow[] {
    return this.#database
      .prepare('SELECT * FROM trash WHERE at < ? ORDER BY at LIMIT ?')
      .all(before, limit)
      .map(trashOf);
  }

  /** What was dated while the clock was unset is as old as now. */
  redateUnset(now: number): void {
    for (const [table, column] of [
      ['trash', 'at'],
      ['operations', 'at'],
      ['records', 'stored_at'],
    ]) {
      this.#database
        .prepare(`UPDATE ${table} SET ${column} = ? WHERE ${column} < ?`)
        .run(now, UNSET_BEFORE_MS);
    }
  }

  /** Damaged files that were set aside under an id that ends with the hash they should have. */
  damagedWith(sha256: string): readonly TrashRow[] {
    return this.#database
      .prepare("SELECT * FROM trash WHERE why = 'damaged' AND substr(id, -64) = ?")
      .all(sha256)
      .map(trashOf);
  }

  /** Something to be remembered over restarts; read with RecordReader.note. */
  setNote(key: string, value: string): void {
    this.#database
      .prepare('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)')
      .run(`note:${key}`, value);
  }

  hasTrash(id: string): boolean {
    return this.#database.prepare('SELECT 1 FROM trash WHERE id = ?').get(id) !== undefined;
  }

  /** A cursor only goes on; a new incarnation of a store starts its own. */
  setCursor(store: string, incarnation: string, after: number): void {
    if (isPlanted('cursor not persisted')) return;
    this.#database
      .prepare(
        `INSERT INTO cursors (store, incarnation, after) VALUES (?, ?, ?)
         ON CONFLICT (store, incarnation) DO UPDATE SET after = max(after, excluded.after)`,
      )
      .run(store, incarnation, after);
    this.#database
      .prepare('DELETE FROM cursors WHERE store = ? AND incarnation <> ?')
      .run(store, incarnation);
  }

  meet(member: string, at: number): void {
    this.#database.prepare('INSERT OR IGNORE INTO members (member, met_at) VALUES (?, ?)').run(member, at);
  }

  /** For ever; also one that only others have met. */
  retire(member: string, at: number): void {
    this.#database
      .prepare(
        `INSERT INTO members (member, met_at, retired_at) VALUES (?, ?, ?)
         ON CONFLICT (member) DO UPDATE SET retired_at = coalesce(retired_at, excluded.retired_at)`,
      )
      .run(member, at, at);
  }

  /** Everybody ever met, retired ones too. */
  members(): readonly { readonly member: string; readonly retired: boolean }[] {
    return this.#database
      .prepare('SELECT member, retired_at FROM members ORDER BY member')
      .all()
      .map((row) => ({ member: String(row['member']), retired: row['retired_at'] !== null }));
  }
}

/** Rows of format 1 say nothing of the reason. */
const reasons: readonly TrashReason[] = ['deleted', 'replaced', 'damaged'];

export function trashOf(row: Record<string, unknown>): TrashRow {
  return {
    id: String(row['id']),
    path: String(row['path']),
    sha256: String(row['sha256']),
    size: Number(row['size']),
    at: Number(row['at']),
    why: reasons.find((reason) => reason === row['why']) ?? 'unknown',
  };
}

/** In staging or in the trash. */
function nameIn(intent: Intent): string | null {
  if (intent.action === 'publish') return intent.staged;
  return intent.action === 'displace' ? intent.trash : null;
}

function intentOf(row: Record<string, unknown>): Intent {
  const place = String(row['place']);
  const ino = row['ino'] === null ? null : String(row['ino']);
  switch (row['action']) {
    case 'mkdir':
    case 'rmdir':
      return { action: row['action'], place };
    case 'remove':
      return { action: 'remove', place, ino: ino ?? '' };
    case 'displace':
      return { action: 'displace', place, ino: ino ?? '', trash: String(row['staged']) };
    case 'publish':
      return { action: 'publish', place, staged: String(row['staged']), ino };
    case 'touch':
      return { action: 'touch', place, ino: ino ?? '', mtime: Number(row['mtime']) };
    default:
      throw new Error(`catalog: unknown intent ${String(row['action'])}`);
  }
}
