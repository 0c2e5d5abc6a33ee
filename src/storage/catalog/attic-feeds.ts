/** `/trash` and `/conflicts`: what lies in the trash, and which files are shown under a conflict name. */
import type { DatabaseSync } from 'node:sqlite';
import type { ConflictEntry, TrashEntry } from '../../peers/protocol-attic.ts';
import { originalPath } from '../../replication/conflict-name.ts';
import type { ReplicaRecord } from '../../replication/record.ts';
import { trashOf } from './catalog-ledger.ts';
import { KIND_FILE, openReader } from './catalog-schema.ts';
import { parentOf, RECORD_COLUMNS, type Row, recordOf } from './record-row.ts';
import { rowsOf } from './snapshot-rows.ts';

/** Newest first; `isThere`: false for what is on its way out. */
export function readTrash(file: string, isThere: (id: string) => boolean): Iterable<TrashEntry> {
  const database = openReader(file);
  const rows = database.prepare('SELECT * FROM trash ORDER BY at DESC, id').iterate();
  return rowsOf(database, rows, (row): TrashEntry | undefined => {
    const { id, path, size, at, why } = trashOf(row);
    return isThere(id) ? { id, path, size, at, why } : undefined;
  });
}

/**
 * Copies of lost writes carry an actor that begins with `*` (the range is what the index of the catalog has); shadowed
 * files have a row of their own. A shadowed file whose conflict name something else has taken is shown nowhere.
 */
const CONFLICTS = `
  SELECT ${RECORD_COLUMNS}, NULL AS shown FROM records
    WHERE kind = ${KIND_FILE} AND actor >= '*' AND actor < '+' AND path NOT IN (SELECT path FROM shadowed)
  UNION ALL
  SELECT ${RECORD_COLUMNS.split(', ')
    .map((column) => `r.${column}`)
    .join(', ')}, s.shown FROM shadowed s JOIN records r ON r.path = s.path
    WHERE NOT EXISTS (SELECT 1 FROM records o WHERE o.path = s.shown AND o.kind <> 0)
      AND NOT EXISTS (SELECT 1 FROM directories d WHERE d.path = s.shown)`;

export function readConflicts(file: string): Iterable<ConflictEntry> {
  const database = openReader(file);
  const origins = new Origins(database);
  return rowsOf(database, database.prepare(CONFLICTS).iterate(), (row) => conflictOf(row, origins));
}

function conflictOf(row: Row, origins: Origins): ConflictEntry {
  const record = recordOf(row);
  const { size, mtime, dot } = record;
  const [member = ''] = dot[0].replace(/^\*/, '').split('.');
  const common = { size, mtime, member };
  if (typeof row['shown'] === 'string') {
    return { path: row['shown'], original: record.path, originalKnown: true, kind: 'shadowed', ...common };
  }
  const { path, known } = origins.of(record);
  return { path: record.path, original: path, originalKnown: known, kind: 'lost', ...common };
}

class Origins {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** A cut name does not tell its path, but the file that won carries the dot of the one that lost. */
  of({ path, dot: [actor, seq] }: ReplicaRecord): { path: string; known: boolean } {
    const origin = originalPath(path);
    if (origin === null) return { path, known: false };
    if (!origin.cut) return { path: origin.path, known: true };
    const lost = actor.replace(/^\*/, '');
    // The longest beginning that the cut has certainly left.
    const stem = path.slice(0, path.indexOf('.conflict-', path.lastIndexOf('/')));
    const winner = this.#database
      .prepare(
        `SELECT path FROM records r WHERE parent = ?1 AND kind <> 0 AND kind = ${KIND_FILE} AND substr(path, 1, length(?2)) = ?2 AND EXISTS
           (SELECT 1 FROM json_each(r.kept) k WHERE k.value ->> 0 = ?3 AND k.value ->> 1 = ?4)
         LIMIT 1`,
      )
      .get(parentOf(path), stem, lost, seq)?.['path'];
    return winner === undefined ? { path: origin.path, known: false } : { path: String(winner), known: true };
  }
}
