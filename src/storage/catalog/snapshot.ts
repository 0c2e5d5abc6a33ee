/** `/changes` and `/tree/records`: header and records of one moment, read by a connection of its own, however slowly. */
import type { DatabaseSync } from 'node:sqlite';
import type { ChangesHeader } from '../../peers/protocol.ts';
import type { ReplicaRecord } from '../../replication/record.ts';
import { openReader } from './catalog-schema.ts';
import { loadKnowledge } from './catalog-state.ts';
import { RECORD_COLUMNS, type Row, recordOf } from './record-row.ts';
import { rowsOf } from './snapshot-rows.ts';

export interface Snapshot {
  readonly header: ChangesHeader;
  readonly records: Iterable<ReplicaRecord> & Disposable;
}

type Identity = { readonly store: string; readonly incarnation: string };

/** Records changed after a change number, by change number. */
export function readChanges(file: string, identity: Identity, after: number): Snapshot {
  return readSnapshot(file, identity, (database) => ({
    count: Number(database.prepare('SELECT count(*) AS n FROM records WHERE change > ?').get(after)?.['n']),
    rows: database
      .prepare(`SELECT ${RECORD_COLUMNS} FROM records WHERE change > ? ORDER BY change`)
      .iterate(after),
  }));
}

/** All records, tombstones too, of some buckets of the hash tree: bucket after bucket as given, by path in each. */
export function readBuckets(file: string, identity: Identity, buckets: readonly number[]): Snapshot {
  return readSnapshot(file, identity, (database) => {
    const counted = database.prepare('SELECT count(*) AS n FROM records WHERE bucket = ?');
    const inBucket = database.prepare(`SELECT ${RECORD_COLUMNS} FROM records WHERE bucket = ? ORDER BY path`);
    function* rows(): Iterator<Row> {
      for (const bucket of buckets) yield* inBucket.all(bucket);
    }
    return {
      count: buckets.reduce((sum, bucket) => sum + Number(counted.get(bucket)?.['n']), 0),
      rows: rows(),
    };
  });
}

/** The connection is closed at the end, by `return`, or when the header cannot be read. */
function readSnapshot(
  file: string,
  { store, incarnation }: Identity,
  select: (database: DatabaseSync) => { readonly count: number; readonly rows: Iterator<Row> },
): Snapshot {
  const database = openReader(file);
  try {
    database.exec('BEGIN');
    const knowledge = loadKnowledge(database);
    const upTo = Number(
      database.prepare("SELECT value FROM meta WHERE key = 'change'").get()?.['value'] ?? 0,
    );
    const collectedStamp = Number(
      database.prepare("SELECT value FROM meta WHERE key = 'collectedStamp'").get()?.['value'] ?? 0,
    );
    const { count, rows } = select(database);
    return {
      header: { store, incarnation, knowledge, collectedStamp, upTo, count },
      records: rowsOf(database, rows, recordOf),
    };
  } catch (error) {
    database.close();
    throw error;
  }
}
