/** `/changes`: header and records of one moment, read by a connection of its own, however slowly. */
import type { ChangesHeader } from '../../peers/protocol.ts';
import type { ReplicaRecord } from '../../replication/record.ts';
import { openReader } from './catalog-schema.ts';
import { loadKnowledge } from './catalog-state.ts';
import { RECORD_COLUMNS, recordOf } from './record-row.ts';

/** The connection is closed at the end, by `return`, or when the header cannot be read. */
export function readChanges(
  file: string,
  { store, incarnation }: { store: string; incarnation: string },
  after: number,
): { header: ChangesHeader; records: Iterable<ReplicaRecord> & Disposable } {
  const database = openReader(file);
  try {
    database.exec('BEGIN');
    const knowledge = loadKnowledge(database);
    const upTo = Number(
      database.prepare("SELECT value FROM meta WHERE key = 'change'").get()?.['value'] ?? 0,
    );
    const count = Number(
      database.prepare('SELECT count(*) AS n FROM records WHERE change > ?').get(after)?.['n'],
    );
    const rows = database
      .prepare(`SELECT ${RECORD_COLUMNS} FROM records WHERE change > ? ORDER BY change`)
      .iterate(after);
    let open = true;
    const close = () => {
      if (open) database.close();
      open = false;
    };
    // Not a generator: `return` on a generator that was never started would leave the connection open.
    const iterator: Iterator<ReplicaRecord> = {
      next() {
        if (!open) return { done: true, value: undefined };
        try {
          const row = rows.next();
          if (row.done !== true) return { done: false, value: recordOf(row.value) };
        } catch (error) {
          close();
          throw error;
        }
        close();
        return { done: true, value: undefined };
      },
      return() {
        close();
        return { done: true, value: undefined };
      },
    };
    return {
      header: { store, incarnation, knowledge, upTo, count },
      records: { [Symbol.iterator]: () => iterator, [Symbol.dispose]: close },
    };
  } catch (error) {
    database.close();
    throw error;
  }
}
