/** Old tombstones: found by when they were stored here, and forgotten. Nothing but their rows knows of them. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { ACCOUNTS_DIR } from '../../replication/account-path.ts';
import type { ReplicaRecord } from '../../replication/record.ts';
import { UNSET_BEFORE_MS } from '../steady-clock.ts';
import { KIND_TOMBSTONE } from './catalog-schema.ts';
import { RECORD_COLUMNS, recordOf } from './record-row.ts';

export interface StoredTombstone {
  readonly record: ReplicaRecord;
  /** Its change number: another one after any change of it. */
  readonly change: number;
  /** Milliseconds, by the clock of this member. */
  readonly storedAt: number;
}

/**
 * Those that speak of conflict copies can never be collected (replication/tombstones.ts): not looked at each time. Nor are
 * those that were stored while the clock was unset: maintenance dates them anew, and their time begins then. Those of
 * accounts stay for ever: a network that ever had accounts must not look like one that never had any.
 */
const OLD = `kind = ${KIND_TOMBSTONE} AND stored_at BETWEEN ${UNSET_BEFORE_MS} AND ? AND context NOT LIKE '%"*%'
  AND parent <> '${ACCOUNTS_DIR}'`;

export class TombstoneTable {
  readonly #any: StatementSync;
  readonly #page: StatementSync;
  readonly #forget: StatementSync;

  /** `reader` sees what is committed. */
  constructor(writer: DatabaseSync, reader: DatabaseSync) {
    this.#any = reader.prepare(`SELECT 1 FROM records WHERE ${OLD} LIMIT 1`);
    this.#page = reader.prepare(
      `SELECT change, stored_at, ${RECORD_COLUMNS} FROM records
       WHERE ${OLD} AND (stored_at, change) > (?, ?) ORDER BY stored_at, change LIMIT ?`,
    );
    this.#forget = writer.prepare(
      `DELETE FROM records WHERE change = ? AND kind = ${KIND_TOMBSTONE} RETURNING stamp`,
    );
  }

  /** Was any stored up to that moment? */
  hasOld(until: number): boolean {
    return this.#any.get(until) !== undefined;
  }

  /** By age, behind `after`. */
  old(until: number, after: StoredTombstone | undefined, limit: number): StoredTombstone[] {
    const from = after?.storedAt ?? Number.MIN_SAFE_INTEGER;
    return this.#page.all(until, from, after?.change ?? 0, limit).map((row) => ({
      record: recordOf(row),
      change: Number(row['change']),
      storedAt: Number(row['stored_at']),
    }));
  }

  /** Inside a transaction. Its stamp; undefined when it is no tombstone any more, or another one. */
  forget(change: number): number | undefined {
    const row = this.#forget.get(change);
    return row === undefined ? undefined : Number(row['stamp']);
  }
}
